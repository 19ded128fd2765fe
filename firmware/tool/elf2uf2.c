/* elf2uf2 - a linked image as a UF2 file and as plain bytes */
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "uf2.h"

enum { IMAGE_MAX = 256 << 10, PT_LOAD = 1 };

static uint8_t image[IMAGE_MAX];
static uint8_t blocks[(IMAGE_MAX / UF2_PAGE + 1) * UF2_BLOCK];

static uint32_t
half(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

/*
 * Copies every loaded segment to its physical address less the lowest one.
 * Returns the image's size.  ELF32, little-endian: header at 0, e_phoff at 28,
 * e_phentsize at 42, e_phnum at 44; in a program header type 0, offset 4,
 * paddr 12, filesz 16.
 */
static size_t
load(const char *name, const uint8_t *elf, size_t size,
    uint32_t base)
{
	size_t end = 0;

	if (size < 52 || memcmp(elf, "\177ELF\1\1", 6) != 0)
		file_fail(name, "no 32-bit little-endian ELF file");
	uint32_t table = uf2_get(elf + 28), step = half(elf + 42);
	for (uint32_t i = 0; i < half(elf + 44); i++) {
		if (step < 32 || table + (i + 1) * step > size)
			file_fail(name, "the program headers are cut");
		const uint8_t *header = elf + table + i * step;
		uint32_t from = uf2_get(header + 4), at = uf2_get(header + 12);
		uint32_t count = uf2_get(header + 16);
		if (uf2_get(header) != PT_LOAD || count == 0)
			continue;
		if (at < base || at - base > IMAGE_MAX - count || from > size ||
		    count > size - from || count > IMAGE_MAX)
			file_fail(name, "a segment lies outside the image");
		memcpy(image + (at - base), elf + from, count);
		if (at - base + count > end)
			end = at - base + count;
	}
	return end;
}

int
main(int argc, char **argv)
{
	size_t elf_size, count, skip;
	int rp2040 = argc == 5 && strcmp(argv[1], "rp2040") == 0;
	uint32_t base = rp2040 ? 0x20000000 : 0x10000000;

	if (argc != 5 || (!rp2040 && strcmp(argv[1], "rp2350") != 0)) {
		fprintf(stderr, "usage: elf2uf2 rp2040|rp2350 ELF BIN UF2\n");
		return 2;
	}
	uint8_t *elf = file_read(argv[2], &elf_size);
	size_t size = load(argv[2], elf, elf_size, base);
	if (size == 0)
		file_fail(argv[2], "nothing to load");
	count = (size + UF2_PAGE - 1) / UF2_PAGE;
	skip = rp2040 ? 0 : 1;
	if (skip)
		uf2_absolute(blocks);
	for (size_t i = 0; i < count; i++)
		uf2_block(blocks + (i + skip) * UF2_BLOCK,
		    rp2040 ? UF2_RP2040 : UF2_RP2350_ARM,
		    base + (uint32_t)i * UF2_PAGE, (uint32_t)i, (uint32_t)count,
		    image + i * UF2_PAGE, UF2_PAGE);
	file_write(argv[3], image, size);
	file_write(argv[4], blocks, (count + skip) * UF2_BLOCK);
	return 0;
}
