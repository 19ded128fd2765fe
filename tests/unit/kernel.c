/* The kernel against its plain twins, on random bytes. */
#include <stdlib.h>

#include "kernel.h"
#include "unit.h"

enum { ROUNDS = 20000, ROOM = KERNEL_BYTES * KERNEL_BLOCKS };

static uint64_t state = 1;

static unsigned
draw(unsigned below)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(state >> 33) % below;
}

/* Half of the bytes are of those that matter. */
static void
draw_bytes(char *bytes, size_t length)
{
	static const char marks[] = "/09:\"\\\n\x1F \x7F\x80\xFF";

	for (size_t i = 0; i < length; i++)
		bytes[i] = draw(2) ? (char)draw(256)
		    : marks[draw(sizeof marks)];
}

/* The indices in a mask, as one bit each. */
static unsigned
indices(uint64_t mask)
{
	unsigned found = 0;

	while (mask) {
		int first = kernel_first(mask);

		found |= 1u << first;
		mask &= ~(((UINT64_C(1) << KERNEL_BITS) - 1) <<
		    first * KERNEL_BITS);
	}
	return found;
}

static void
draw_bounds(struct kernel_bounds *bounds, const char *bytes, int length,
    bool within)
{
	for (int i = 0; i < length; i++) {
		unsigned byte = (unsigned char)bytes[i];
		unsigned low = draw(byte + 1);
		unsigned least = byte - low;

		bounds[i / 16].low[i % 16] = (uint8_t)low;
		bounds[i / 16].range[i % 16] =
		    (uint8_t)(least + draw(256 - least));
	}
	if (!within) { /* one byte is beyond one of its bounds */
		int i = (int)draw((unsigned)length);
		unsigned byte = (unsigned char)bytes[i];

		bounds[i / 16].low[i % 16] = (uint8_t)(byte + 1);
		bounds[i / 16].range[i % 16] =
		    (uint8_t)(byte == 255 ? 254 : draw(255 - byte));
	}
}

static bool
masks_agree(const char *bytes)
{
	return indices(kernel_nondigits(bytes)) ==
	    kernel_plain_nondigits(bytes) &&
	    indices(kernel_specials(bytes)) == kernel_plain_specials(bytes) &&
	    indices(kernel_newlines(bytes)) == kernel_plain_newlines(bytes);
}

static bool
bounds_agree(const char *bytes, bool within)
{
	struct kernel_bounds bounds[KERNEL_BLOCKS];
	int blocks = (int)draw(KERNEL_BLOCKS) + 1;

	draw_bounds(bounds, bytes, blocks * KERNEL_BYTES, within);
	return kernel_plain_within(bytes, bounds, blocks) == within &&
	    kernel_within(bytes, bounds, blocks) == within &&
	    (blocks != 2 || kernel_within_pair(bytes, bounds) == within);
}

/* A number of up to `most` random digits that ends with bytes[0..most] and
 * perhaps has a point; whatever stands before it counts for nothing.  Its digits
 * are those from `first` on. */
static uint64_t
draw_number(char *bytes, int most, struct kernel_digits *digits, int first)
{
	int count = (int)draw((unsigned)most) + 1;
	int point = (int)draw((unsigned)most + 4);
	uint64_t value = 0, worth = 1;

	draw_bytes(bytes, (size_t)most + 1);
	for (int i = 0; i < count; i++, worth *= 10) {
		unsigned digit = draw(10);
		int at = most - 1 - i;

		bytes[at + (i < point)] = (char)('0' + digit);
		(i < point ? digits->behind : digits->before)[first + at] =
		    0x0F;
		value += digit * worth;
	}
	if (count > point)
		bytes[most - point] = '.';
	return value;
}

static bool
sixteen_agree(void)
{
	char bytes[1 + KERNEL_BYTES];
	struct kernel_digits digits = { 0 };
	uint64_t value = draw_number(bytes, KERNEL_BYTES, &digits, 0);

	return kernel_sixteen(bytes + 1, &digits) == value &&
	    kernel_plain_sixteen(bytes + 1, &digits) == value;
}

static bool
two_agree(void)
{
	enum { HALF = KERNEL_BYTES / 2 };
	char a[1 + HALF], b[1 + HALF];
	struct kernel_digits digits = { 0 };
	uint64_t two[2], plain[2];
	uint64_t first = draw_number(a, HALF, &digits, 0);
	uint64_t second = draw_number(b, HALF, &digits, HALF);

	kernel_two_eights(a + 1, b + 1, &digits, two);
	kernel_plain_two_eights(a + 1, b + 1, &digits, plain);
	return two[0] == first && two[1] == second && plain[0] == first &&
	    plain[1] == second;
}

/* Bit by bit, by both twins, and nothing of what comes after. */
static bool
layouts_agree(const char *bytes, unsigned blocks)
{
	uint64_t expected[2] = { 0 }, wide[2], plain[2];

	for (unsigned i = 0; i < 16 * blocks; i++) {
		unsigned byte = i % 16, bit = i / 16 % 8;

		byte ^= i / 128 == 1 ? 4 : i / 128 == 2 ? 8 : 0;
		if (bytes[i] & 0x10)
			expected[byte / 8] ^= UINT64_C(1) << (byte % 8 * 8 + bit);
	}
	kernel_layout(bytes, blocks, wide);
	kernel_plain_layout(bytes, blocks, plain);
	return memcmp(wide, expected, sizeof wide) == 0 &&
	    memcmp(plain, expected, sizeof plain) == 0;
}

static void
random_bytes(void)
{
	unsigned masks = 0, inside = 0, outside = 0, numbers = 0, twos = 0;
	unsigned layouts = 0;

	for (int i = 0; i < ROUNDS; i++) {
		char bytes[ROOM];

		draw_bytes(bytes, sizeof bytes);
		masks += masks_agree(bytes);
		numbers += sixteen_agree();
		twos += two_agree();
		layouts += layouts_agree(bytes,
		    1 + (unsigned)i % KERNEL_BLOCKS);
		inside += bounds_agree(bytes, true);
		outside += bounds_agree(bytes, false);
	}
	is(masks == ROUNDS, "masks are those of the plain twins");
	is(layouts == ROUNDS, "layouts are told bit by bit");
	is(numbers == ROUNDS, "sixteen digits, or less, are their number");
	is(twos == ROUNDS, "and twice eight, or less, are two");
	is(inside == ROUNDS, "bytes within their bounds are within");
	is(outside == ROUNDS, "one byte beyond its bounds is seen");
}

static void
every_byte(void)
{
	unsigned digits = 0, specials = 0;

	for (int c = 0; c < 256; c++) {
		char bytes[KERNEL_BYTES];
		bool digit = c >= '0' && c <= '9';
		bool special = c == '"' || c == '\\' || c < 0x20 || c > 0x7F;

		memset(bytes, c, sizeof bytes);
		digits += indices(kernel_nondigits(bytes)) ==
		    (digit ? 0 : 0xFFFFu);
		specials += indices(kernel_specials(bytes)) ==
		    (special ? 0xFFFFu : 0);
	}
	is(digits == 256, "a digit is one of ten bytes");
	is(specials == 256, "specials are the quote, the backslash, control "
	    "bytes and those from 0x80 on");
}

int
main(void)
{
	random_bytes();
	every_byte();
	return unit_finish();
}
