#include "uf2.h"

#include <stdbool.h>
#include <string.h>

#define MAGIC_0 0x0A324655U
#define MAGIC_1 0x9E5D5157U
#define MAGIC_2 0x0AB16F30U

/* A family id is there; extension tags follow the data; the boot ROM may leave
 * the block out (its tag). */
#define FAMILY  0x2000U
#define TAGS    0x8000U
#define IGNORE  0x9957E304U

#define E10_ADDRESS 0x10FFFF00U

uint32_t
uf2_get(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	    (uint32_t)at[3] << 24;
}

void
uf2_put(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

void
uf2_block(uint8_t *block, uint32_t family, uint32_t address,
    uint32_t number, uint32_t count, const uint8_t *bytes, size_t size)
{
	memset(block, 0, UF2_BLOCK);
	uf2_put(block + UF2_AT_MAGIC_0, MAGIC_0);
	uf2_put(block + UF2_AT_MAGIC_1, MAGIC_1);
	uf2_put(block + UF2_AT_FLAGS, FAMILY);
	uf2_put(block + UF2_AT_ADDRESS, address);
	uf2_put(block + UF2_AT_SIZE, UF2_PAGE);
	uf2_put(block + UF2_AT_NUMBER, number);
	uf2_put(block + UF2_AT_COUNT, count);
	uf2_put(block + UF2_AT_FAMILY, family);
	memcpy(block + UF2_DATA, bytes, size);
	uf2_put(block + UF2_AT_MAGIC_2, MAGIC_2);
}

void
uf2_absolute(uint8_t *block)
{
	uint8_t page[UF2_PAGE];

	memset(page, 0xEF, sizeof page);
	uf2_block(block, UF2_ABSOLUTE, E10_ADDRESS, 0, 2, page, sizeof page);
	uf2_put(block + UF2_AT_FLAGS, FAMILY | TAGS);
	uf2_put(block + UF2_DATA + UF2_PAGE, IGNORE);
}

static bool
all_zero(const uint8_t *at, size_t size)
{
	while (size--)
		if (*at++)
			return false;
	return true;
}

static const char *
check_frame(const uint8_t *block)
{
	if (uf2_get(block + UF2_AT_MAGIC_0) != MAGIC_0 ||
	    uf2_get(block + UF2_AT_MAGIC_1) != MAGIC_1)
		return "no UF2 block begins here";
	if (uf2_get(block + UF2_AT_MAGIC_2) != MAGIC_2)
		return "the block has no end mark";
	if (uf2_get(block + UF2_AT_SIZE) != UF2_PAGE)
		return "the payload is not 256 bytes";
	return NULL;
}

struct image {
	uint32_t family, base, limit; /* where it may lie */
	const uint8_t *blocks;
	size_t count;
};

static const char *
check_block(const struct image *image, size_t i)
{
	const uint8_t *block = image->blocks + i * UF2_BLOCK;
	const char *wrong = check_frame(block);
	size_t tail = UF2_DATA + UF2_PAGE;

	if (wrong)
		return wrong;
	if (uf2_get(block + UF2_AT_FLAGS) != FAMILY)
		return "flags other than the family's";
	if (uf2_get(block + UF2_AT_FAMILY) != image->family)
		return "another family than the first block's";
	if (uf2_get(block + UF2_AT_NUMBER) != i)
		return "the block's number is out of order";
	if (uf2_get(block + UF2_AT_COUNT) != image->count)
		return "the count of blocks is wrong";
	if (uf2_get(block + UF2_AT_ADDRESS) != image->base + i * UF2_PAGE)
		return "the address leaves a hole or overlaps";
	if (!all_zero(block + tail, UF2_AT_MAGIC_2 - tail))
		return "bytes behind the payload";
	return NULL;
}

/* A word of the image by its offset. */
static uint32_t
word(const struct image *image, size_t at)
{
	return uf2_get(image->blocks + at / UF2_PAGE * UF2_BLOCK + UF2_DATA +
	    at % UF2_PAGE);
}

static const char *
check_vectors(const struct image *image, size_t at)
{
	uint32_t end = image->base + (uint32_t)(image->count * UF2_PAGE);

	if (at + 64 > image->count * UF2_PAGE)
		return "no room for a vector table";
	uint32_t stack = word(image, at);
	if (stack < 0x20000000 || stack > 0x20082000 || stack % 8)
		return "the first vector is no stack";
	for (size_t i = 1; i < 16; i++) {
		uint32_t vector = word(image, at + 4 * i);

		if (vector % 2 == 0 || vector < image->base || vector >= end)
			return "a vector is no Thumb address of the image";
	}
	return NULL;
}

/* Marker, the item IMAGE_TYPE (ARM, secure, executable, RP2350), the last item
 * with the size of all, a link to itself, end marker. */
static const char *
check_image_def(const struct image *image)
{
	static const uint32_t words[] = {
		0xFFFFDED3, 0x10210142, 0x000001FF, 0x00000000, 0xAB123579
	};
	size_t found = 0, end = image->count * UF2_PAGE;

	if (end > 4096)
		end = 4096;
	for (size_t at = 0; at + sizeof words <= end; at += 4) {
		size_t same = 0;

		while (same < 5 && word(image, at + 4 * same) == words[same])
			same++;
		if (same == 5)
			found++;
		else if (same)
			return "an IMAGE_DEF that is damaged";
	}
	if (found == 0)
		return "no IMAGE_DEF within the first 4 KiB";
	return found > 1 ? "more than one IMAGE_DEF" : NULL;
}

static const char *
check_bytes(const struct image *image, const uint8_t *bytes,
    size_t size, size_t *block)
{
	if (size > image->count * UF2_PAGE ||
	    size + UF2_PAGE <= image->count * UF2_PAGE)
		return "the image has another size";
	for (*block = 0; *block < image->count; ++*block) {
		const uint8_t *page = image->blocks + *block * UF2_BLOCK + UF2_DATA;
		size_t left = size - *block * UF2_PAGE;
		size_t here = left < UF2_PAGE ? left : UF2_PAGE;

		if (memcmp(page, bytes + *block * UF2_PAGE, here) != 0 ||
		    !all_zero(page + here, UF2_PAGE - here))
			return "other bytes than the image's";
	}
	return NULL;
}

static const char *
check_absolute(const uint8_t *block)
{
	uint8_t want[UF2_BLOCK];

	uf2_absolute(want);
	return memcmp(block, want, UF2_BLOCK) == 0 ? NULL :
	    "the block for erratum E10 is damaged or missing";
}

static const char *
check_content(const struct image *image)
{
	const char *wrong;

	if (image->family == UF2_RP2040)
		return check_vectors(image, 0x100);
	wrong = check_vectors(image, 0);
	return wrong ? wrong : check_image_def(image);
}

const char *
uf2_check(const uint8_t *file, size_t size, const uint8_t *bytes,
    size_t bytes_size, size_t *block)
{
	struct image image = { UF2_RP2350_ARM, 0x10000000, 0x10008000, file,
		size / UF2_BLOCK };
	const char *wrong;
	size_t skip = 1;

	*block = 0;
	if (size == 0 || size % UF2_BLOCK)
		return "the size is no multiple of 512";
	if (uf2_get(file + UF2_AT_FAMILY) == UF2_RP2040) {
		image = (struct image){ UF2_RP2040, 0x20000000, 0x20042000, file,
			size / UF2_BLOCK };
		skip = 0;
	} else if ((wrong = check_absolute(file))) {
		return wrong;
	}
	image.blocks += skip * UF2_BLOCK;
	image.count -= skip;
	for (size_t i = 0; i < image.count; i++) {
		*block = i + skip;
		if ((wrong = check_block(&image, i)))
			return wrong;
	}
	if (image.count == 0 ||
	    image.count * UF2_PAGE > image.limit - image.base)
		return "no image, or one that is too large";
	*block = skip;
	if ((wrong = check_content(&image)) || !bytes)
		return wrong;
	wrong = check_bytes(&image, bytes, bytes_size, block);
	*block += skip;
	return wrong;
}
