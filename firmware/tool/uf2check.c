/* uf2check - whether a UF2 file is a sound image */
#include <stdio.h>

#include "file.h"
#include "uf2.h"

int
main(int argc, char **argv)
{
	size_t size, image_size = 0, block;
	uint8_t *image = NULL;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: uf2check UF2 [BIN]\n");
		return 2;
	}
	uint8_t *file = file_read(argv[1], &size);
	if (argc == 3)
		image = file_read(argv[2], &image_size);
	const char *wrong = uf2_check(file, size, image, image_size, &block);
	if (wrong) {
		fprintf(stderr, "uf2check: %s: block %zu: %s\n", argv[1], block,
		    wrong);
		return 3;
	}
	return 0;
}
