/*
 * uf2: the file format that the boot ROMs of the RP2040 and RP2350 take, made
 * and checked.  Source: the UF2 specification (Microsoft), RP2350 data sheet
 * 5.5 (UF2), 5.9 (blocks), erratum RP2350-E10.
 */
#ifndef UF2_H
#define UF2_H

#include <stddef.h>
#include <stdint.h>

enum { UF2_BLOCK = 512, UF2_PAGE = 256, UF2_DATA = 32 };

#define UF2_RP2040      0xE48BFF56U
#define UF2_RP2350_ARM  0xE48BFF59U /* secure */
#define UF2_ABSOLUTE    0xE48BFF57U

/* Words of a block, by their offset. */
enum {
	UF2_AT_MAGIC_0 = 0, UF2_AT_MAGIC_1 = 4, UF2_AT_FLAGS = 8,
	UF2_AT_ADDRESS = 12, UF2_AT_SIZE = 16, UF2_AT_NUMBER = 20,
	UF2_AT_COUNT = 24, UF2_AT_FAMILY = 28, UF2_AT_MAGIC_2 = 508
};

uint32_t uf2_get(const uint8_t *at);
void uf2_put(uint8_t *at, uint32_t value);

/* One block: `size` bytes (at most a page) that belong at `address`. */
void uf2_block(uint8_t *block, uint32_t family, uint32_t address,
    uint32_t number, uint32_t count, const uint8_t *bytes, size_t size);

/* The block that E10 asks for in front of an image for the RP2350. */
void uf2_absolute(uint8_t *block);

/*
 * Whether a file is a whole, sound image: block structure, families, no
 * overlap or hole, IMAGE_DEF within the first 4 KiB (RP2350), vector table.
 * With `image` also whether it holds exactly those bytes.  Returns NULL, or
 * what is wrong; *block is then the number of the block in the file.
 */
const char *uf2_check(const uint8_t *file, size_t size, const uint8_t *image,
    size_t image_size, size_t *block);

#endif
