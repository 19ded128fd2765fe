/*
 * The checker: it takes the image that the build made, and rejects every
 * single damage.  TAP; arguments: UF2 and BIN.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "uf2.h"

static uint8_t *file, *image, *copy;
static size_t size, image_size, block;
static int checks, failures;

static void
check(int holds, const char *what)
{
	failures += !holds;
	printf("%sok %d - %s\n", holds ? "" : "not ", ++checks, what);
}

static int
rejected(size_t length)
{
	return uf2_check(copy, length, NULL, 0, &block) != NULL;
}

static uint8_t *
fresh(size_t number)
{
	memcpy(copy, file, size);
	return copy + number * UF2_BLOCK;
}

static void
set_word(size_t number, size_t at, uint32_t value, const char *what)
{
	uf2_put(fresh(number) + at, value);
	check(rejected(size), what);
}

/* Any one byte, any of its bits: with the image beside it nothing passes. */
static int
every_byte_counts(void)
{
	for (size_t at = 0; at < size; at++)
		for (int bit = 1; bit < 256; bit <<= 1) {
			fresh(0)[at] ^= (uint8_t)bit;
			if (!uf2_check(copy, size, image, image_size, &block))
				return 0;
		}
	return 1;
}

static void
damages(void)
{
	uint8_t *last = fresh(size / UF2_BLOCK - 1);
	uint32_t address = uf2_get(last + UF2_AT_ADDRESS);

	set_word(0, UF2_AT_FAMILY, 0, "no block for E10");
	set_word(2, UF2_AT_MAGIC_0, 0, "no begin mark");
	set_word(2, UF2_AT_MAGIC_1, 0, "no second mark");
	set_word(2, UF2_AT_MAGIC_2, 0, "no end mark");
	set_word(2, UF2_AT_FLAGS, 1, "not for the main flash");
	set_word(2, UF2_AT_SIZE, 476, "another payload size");
	set_word(2, UF2_AT_FAMILY, UF2_RP2040, "the family of another chip");
	set_word(2, UF2_AT_NUMBER, 0, "a number twice");
	set_word(2, UF2_AT_COUNT, 1, "another count");
	set_word(2, UF2_AT_ADDRESS, 0x10000000, "an overlap");
	set_word(2, UF2_AT_ADDRESS, address, "an overlap with the last");
	set_word(2, UF2_AT_ADDRESS, 0x20000000, "an address in RAM");
	set_word(2, UF2_DATA + UF2_PAGE, 1, "bytes behind the payload");
	set_word(1, UF2_DATA, 0x20000001, "a stack that is odd");
	set_word(1, UF2_DATA, 0x10000000, "a stack in flash");
	set_word(1, UF2_DATA + 4, 0x10000010, "a reset vector without Thumb bit");
	set_word(1, UF2_DATA + 4, 0x10FFFFF1, "a reset vector out of the image");
}

static void
wrong_sizes(void)
{
	fresh(0);
	check(rejected(0) && rejected(size - 1) && rejected(size - UF2_BLOCK) &&
	    rejected(UF2_BLOCK), "a file that is cut");
	size_t at = 0;
	while (memcmp(image + at, "\323\336\377\377", 4) != 0)
		at += 4;
	for (size_t i = 0; i < 20; i++) {
		fresh(1 + (at + i) / UF2_PAGE)[UF2_DATA + (at + i) % UF2_PAGE] ^= 1;
		if (!rejected(size)) {
			check(0, "a damaged IMAGE_DEF");
			return;
		}
	}
	check(1, "a damaged IMAGE_DEF, whatever byte");
	for (size_t i = 0; i < 20; i++)
		fresh(0);
	for (size_t i = 0; i < 20; i++)
		copy[(1 + (at + i) / UF2_PAGE) * UF2_BLOCK + UF2_DATA +
		    (at + i) % UF2_PAGE] = 0;
	check(rejected(size), "no IMAGE_DEF");
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		file_fail("test", "wants UF2 and BIN");
	file = file_read(argv[1], &size);
	image = file_read(argv[2], &image_size);
	copy = malloc(size);
	if (!copy)
		file_fail("test", "no memory");
	check(!uf2_check(file, size, image, image_size, &block),
	    "the image as it was built");
	damages();
	wrong_sizes();
	check(every_byte_counts(), "every bit of every byte is looked at");
	printf("1..%d\n", checks);
	return failures != 0;
}
