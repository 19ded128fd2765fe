/*
 * kernel: sixteen bytes at a time, for json alone.
 *
 * Each question is asked three times: with SSE2, with NEON, and in plain C.
 * The plain twins are always there, so that a test can hold the others against
 * them; EPI_PLAIN chooses them.  A mask has KERNEL_BITS bits for each byte, the
 * first byte lowest; kernel_first turns its lowest set bit into a byte index.
 * Every function reads exactly p[0..16), but kernel_sixteen, which also reads
 * p[-1], kernel_two_eights, which reads p[-1..8) and q[-1..8), and kernel_layout
 * and kernel_newlines, which read p[0..64) and give a bit a byte.
 * Floor: ground.
 */
#ifndef EPI_KERNEL_H
#define EPI_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { KERNEL_BYTES = 16 };

/* KERNEL_WIDE: sixteen at a time is faster than one after the other. */

/* Bytes that are no digit. */
static inline uint64_t
kernel_plain_nondigits(const char *p)
{
	uint64_t mask = 0;

	for (int i = 0; i < KERNEL_BYTES; i++)
		mask |= (uint64_t)((unsigned char)(p[i] - '0') > 9) << i;
	return mask;
}

/* Bytes that end or complicate a string: quote, backslash, control bytes and
 * all from 0x80 on. */
static inline uint64_t
kernel_plain_specials(const char *p)
{
	uint64_t mask = 0;

	for (int i = 0; i < KERNEL_BYTES; i++) {
		unsigned char c = (unsigned char)p[i];

		mask |= (uint64_t)(c == '"' || c == '\\' || c < 0x20 ||
		    c >= 0x80) << i;
	}
	return mask;
}

/* Eight bytes, the first lowest. */
static inline uint64_t
kernel_eight(const char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

enum { KERNEL_LAYOUT_BYTES = 64 };

/* The lowest bits of eight bytes, which have no other. */
static inline uint64_t
kernel_plain_gather(uint64_t bits)
{
	return bits * 0x0102040810204080 >> 56;
}

/* The bit 0x10 of bytes: digits and the colon have it, the point, minus sign,
 * comma and quote have not. */
static inline uint64_t
kernel_plain_layout(const char *p)
{
	uint64_t mask = 0;

	for (int i = 0; i < KERNEL_LAYOUT_BYTES; i += 8)
		mask |= kernel_plain_gather(kernel_eight(p + i) >> 4 &
		    0x0101010101010101) << i;
	return mask;
}

static inline uint64_t
kernel_plain_newlines(const char *p)
{
	uint64_t mask = 0;

	for (int i = 0; i < KERNEL_LAYOUT_BYTES; i += 8) {
		uint64_t v = kernel_eight(p + i) ^ 0x0A0A0A0A0A0A0A0A;
		uint64_t low = 0x7F7F7F7F7F7F7F7F;

		/* of a byte that is 0 no bit reaches the top */
		v = ~(((v & low) + low) | v | low);
		mask |= kernel_plain_gather(v >> 7) << i;
	}
	return mask;
}

/* What sixteen bytes may be: low[i] <= p[i] <= low[i] + range[i]. */
struct kernel_bounds {
	_Alignas(KERNEL_BYTES) uint8_t low[KERNEL_BYTES];
	_Alignas(KERNEL_BYTES) uint8_t range[KERNEL_BYTES];
};

/*
 * Which of sixteen bytes are digits of a number that ends with them: 15 for
 * one, else 0.  Those before its point are read from one byte further down, so
 * that the point falls out.
 */
struct kernel_digits {
	_Alignas(KERNEL_BYTES) uint8_t behind[KERNEL_BYTES];
	_Alignas(KERNEL_BYTES) uint8_t before[KERNEL_BYTES];
};

enum { EIGHT_DIGITS = 100000000 };

/* Eight digits, the first in the lowest byte.  Pairs, then fours, then all
 * eight are joined by one multiplication each. */
static inline uint64_t
kernel_join_eight(uint64_t value)
{
	value = (value & 0x0F0F0F0F0F0F0F0F) * (10 * 256 + 1) >> 8;
	value = (value & 0x00FF00FF00FF00FF) * (100 * 65536 + 1) >> 16;
	return (value & 0x0000FFFF0000FFFF) *
	    (10000 * (UINT64_C(1) << 32) + 1) >> 32;
}

/* Eight of them; most numbers have none in the first half. */
static inline uint64_t
kernel_plain_eight_digits(const char *p, const struct kernel_digits *digits,
    int from)
{
	uint64_t behind = kernel_eight((const char *)digits->behind + from);
	uint64_t before = kernel_eight((const char *)digits->before + from);

	return (behind | before) == 0 ? 0 : kernel_join_eight(
	    (kernel_eight(p + from) & behind) |
	    (kernel_eight(p + from - 1) & before));
}

/* The number of up to sixteen digits. */
static inline uint64_t
kernel_plain_sixteen(const char *p, const struct kernel_digits *digits)
{
	return kernel_plain_eight_digits(p, digits, 0) * EIGHT_DIGITS +
	    kernel_plain_eight_digits(p, digits, 8);
}

/* Two numbers of up to eight digits, at p and at q: the first half of `digits`
 * is of p, the second of q. */
static inline void
kernel_plain_two_eights(const char *p, const char *q,
    const struct kernel_digits *digits, uint64_t numbers[2])
{
	numbers[0] = kernel_plain_eight_digits(p, digits, 0);
	numbers[1] = kernel_plain_eight_digits(q - 8, digits, 8);
}

enum { KERNEL_BLOCKS = 24 };

/* Whether the bytes of `blocks` (1 to KERNEL_BLOCKS) times sixteen are all
 * within their bounds. */
static inline bool
kernel_plain_within(const char *p, const struct kernel_bounds *bounds,
    int blocks)
{
	uint64_t any = 0;

	for (int block = 0; block < blocks; block++) {
		uint8_t beyond[KERNEL_BYTES];

		for (int i = 0; i < KERNEL_BYTES; i++)
			beyond[i] = (uint8_t)((uint8_t)p[i] -
			    bounds[block].low[i]) > bounds[block].range[i];
		any |= kernel_eight((const char *)beyond) |
		    kernel_eight((const char *)beyond + 8);
		p += KERNEL_BYTES;
	}
	return any == 0;
}

/* The same for thirty-two bytes. */
static inline bool
kernel_plain_within_pair(const char *p, const struct kernel_bounds *bounds)
{
	return kernel_plain_within(p, bounds, 2);
}

#if defined(__SSE2__) && !defined(EPI_PLAIN)
#include <emmintrin.h>

enum { KERNEL_BITS = 1, KERNEL_WIDE = 1 };

typedef __m128i kernel_vector;

static inline kernel_vector
kernel_load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline uint64_t
kernel_nondigits(const char *p)
{
	__m128i v = _mm_sub_epi8(kernel_load(p), _mm_set1_epi8('0'));
	__m128i over = _mm_subs_epu8(v, _mm_set1_epi8(9));

	return 0xFFFF ^ (unsigned)_mm_movemask_epi8(
	    _mm_cmpeq_epi8(over, _mm_setzero_si128()));
}

static inline uint64_t
kernel_specials(const char *p)
{
	__m128i v = kernel_load(p);
	/* signed: control bytes and those from 0x80 on are both below 0x20 */
	__m128i below = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
	__m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(below, marks));
}

static inline kernel_vector
kernel_beyond(const char *p, const struct kernel_bounds *bounds)
{
	return _mm_subs_epu8(_mm_sub_epi8(kernel_load(p),
	    *(const __m128i *)(const void *)bounds->low),
	    *(const __m128i *)(const void *)bounds->range);
}

static inline bool
kernel_is_zero(kernel_vector v)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) ==
	    0xFFFF;
}

static inline kernel_vector
kernel_zero(void)
{
	return _mm_setzero_si128();
}

static inline kernel_vector
kernel_or(kernel_vector a, kernel_vector b)
{
	return _mm_or_si128(a, b);
}

static inline bool
kernel_within_pair(const char *p, const struct kernel_bounds *bounds)
{
	return kernel_is_zero(kernel_or(kernel_beyond(p, &bounds[0]),
	    kernel_beyond(p + 16, &bounds[1])));
}

/* The top bits of 64 bytes. */
static inline uint64_t
kernel_tops(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return (unsigned)_mm_movemask_epi8(a) |
	    (unsigned)_mm_movemask_epi8(b) << 16 |
	    (uint64_t)((unsigned)_mm_movemask_epi8(c) |
	    (unsigned)_mm_movemask_epi8(d) << 16) << 32;
}

static inline uint64_t
kernel_layout(const char *p)
{
	return kernel_tops(_mm_slli_epi16(kernel_load(p), 3),
	    _mm_slli_epi16(kernel_load(p + 16), 3),
	    _mm_slli_epi16(kernel_load(p + 32), 3),
	    _mm_slli_epi16(kernel_load(p + 48), 3));
}

static inline uint64_t
kernel_newlines(const char *p)
{
	__m128i newline = _mm_set1_epi8('\n');

	return kernel_tops(_mm_cmpeq_epi8(kernel_load(p), newline),
	    _mm_cmpeq_epi8(kernel_load(p + 16), newline),
	    _mm_cmpeq_epi8(kernel_load(p + 32), newline),
	    _mm_cmpeq_epi8(kernel_load(p + 48), newline));
}

/* Pairs of bytes, of words, of double words become one each: the numbers of the
 * first and of the last eight digits, one above the other. */
static inline uint64_t
kernel_join(__m128i v)
{
	__m128i tens = _mm_set1_epi16(10 * 256 + 1);

	__asm__("" : "+x"(tens)); /* or it becomes four shifts and sums */
	v = _mm_srli_epi16(_mm_mullo_epi16(v, tens), 8);
	v = _mm_madd_epi16(v, _mm_set1_epi32(1 << 16 | 100));
	v = _mm_packs_epi32(v, v);
	v = _mm_madd_epi16(v, _mm_set1_epi32(1 << 16 | 10000));
	return (uint64_t)_mm_cvtsi128_si64(v);
}

static inline __m128i
kernel_pick(__m128i behind, __m128i before, const struct kernel_digits *digits)
{
	return _mm_or_si128(_mm_and_si128(behind,
	    *(const __m128i *)(const void *)digits->behind),
	    _mm_and_si128(before,
	    *(const __m128i *)(const void *)digits->before));
}

static inline uint64_t
kernel_sixteen(const char *p, const struct kernel_digits *digits)
{
	uint64_t halves = kernel_join(kernel_pick(kernel_load(p),
	    kernel_load(p - 1), digits));

	return (halves & UINT32_MAX) * EIGHT_DIGITS + (halves >> 32);
}

static inline __m128i
kernel_load_eights(const char *p, const char *q)
{
	return _mm_castps_si128(_mm_loadh_pi(_mm_castsi128_ps(
	    _mm_loadl_epi64((const __m128i *)(const void *)p)),
	    (const __m64 *)(const void *)q));
}

static inline void
kernel_two_eights(const char *p, const char *q,
    const struct kernel_digits *digits, uint64_t numbers[2])
{
	uint64_t halves = kernel_join(kernel_pick(kernel_load_eights(p, q),
	    kernel_load_eights(p - 1, q - 1), digits));

	numbers[0] = halves & UINT32_MAX;
	numbers[1] = halves >> 32;
}

#elif defined(__aarch64__) && !defined(EPI_PLAIN)
#include <arm_neon.h>

enum { KERNEL_BITS = 4, KERNEL_WIDE = 1 };

/* Each byte of a comparison, 00 or FF, becomes four bits. */
static inline uint64_t
kernel_mask(uint8x16_t compared)
{
	return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(
	    vreinterpretq_u16_u8(compared), 4)), 0);
}

typedef uint8x16_t kernel_vector;

static inline kernel_vector
kernel_load(const void *p)
{
	return vld1q_u8((const uint8_t *)p);
}

static inline uint64_t
kernel_nondigits(const char *p)
{
	return kernel_mask(vcgtq_u8(vsubq_u8(kernel_load(p),
	    vdupq_n_u8('0')), vdupq_n_u8(9)));
}

static inline uint64_t
kernel_specials(const char *p)
{
	uint8x16_t v = kernel_load(p);
	int8x16_t s = vreinterpretq_s8_u8(v);
	uint8x16_t below = vcltq_s8(s, vdupq_n_s8(0x20));

	return kernel_mask(vorrq_u8(below, vorrq_u8(
	    vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\')))));
}

static inline kernel_vector
kernel_beyond(const char *p, const struct kernel_bounds *bounds)
{
	return vqsubq_u8(vsubq_u8(kernel_load(p), vld1q_u8(bounds->low)),
	    vld1q_u8(bounds->range));
}

static inline kernel_vector
kernel_zero(void)
{
	return vdupq_n_u8(0);
}

static inline kernel_vector
kernel_or(kernel_vector a, kernel_vector b)
{
	return vorrq_u8(a, b);
}

static inline bool
kernel_is_zero(kernel_vector v)
{
	return vmaxvq_u8(v) == 0;
}

static inline bool
kernel_within_pair(const char *p, const struct kernel_bounds *bounds)
{
	return kernel_is_zero(kernel_or(kernel_beyond(p, &bounds[0]),
	    kernel_beyond(p + 16, &bounds[1])));
}

/* 64 comparisons, 00 or FF each, become a bit each. */
static inline uint64_t
kernel_tops(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
	uint8x16_t weights = vreinterpretq_u8_u64(
	    vdupq_n_u64(UINT64_C(0x8040201008040201)));

	a = vpaddq_u8(vandq_u8(a, weights), vandq_u8(b, weights));
	c = vpaddq_u8(vandq_u8(c, weights), vandq_u8(d, weights));
	a = vpaddq_u8(a, c);
	return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(a, a)), 0);
}

static inline uint64_t
kernel_layout(const char *p)
{
	uint8x16_t bit = vdupq_n_u8(0x10);

	return kernel_tops(vtstq_u8(kernel_load(p), bit),
	    vtstq_u8(kernel_load(p + 16), bit),
	    vtstq_u8(kernel_load(p + 32), bit),
	    vtstq_u8(kernel_load(p + 48), bit));
}

static inline uint64_t
kernel_newlines(const char *p)
{
	uint8x16_t newline = vdupq_n_u8('\n');

	return kernel_tops(vceqq_u8(kernel_load(p), newline),
	    vceqq_u8(kernel_load(p + 16), newline),
	    vceqq_u8(kernel_load(p + 32), newline),
	    vceqq_u8(kernel_load(p + 48), newline));
}

/* Pairs of bytes, of words, of double words become one each: the numbers of the
 * first and of the last eight digits. */
static inline uint32x2_t
kernel_join(uint8x16_t digits)
{
	uint16x8_t bytes = vreinterpretq_u16_u8(digits);
	uint32x4_t words = vreinterpretq_u32_u16(vmlaq_n_u16(
	    vshrq_n_u16(bytes, 8), vandq_u16(bytes, vdupq_n_u16(0xFF)), 10));
	uint64x2_t doubles = vreinterpretq_u64_u32(vmlaq_n_u32(
	    vshrq_n_u32(words, 16), vandq_u32(words, vdupq_n_u32(0xFFFF)),
	    100));

	return vmla_n_u32(vshrn_n_u64(doubles, 32), vmovn_u64(doubles), 10000);
}

static inline uint8x16_t
kernel_pick(uint8x16_t behind, uint8x16_t before,
    const struct kernel_digits *digits)
{
	return vorrq_u8(vandq_u8(behind, vld1q_u8(digits->behind)),
	    vandq_u8(before, vld1q_u8(digits->before)));
}

static inline uint64_t
kernel_sixteen(const char *p, const struct kernel_digits *digits)
{
	uint32x2_t halves = kernel_join(kernel_pick(kernel_load(p),
	    kernel_load(p - 1), digits));

	return (uint64_t)vget_lane_u32(halves, 0) * EIGHT_DIGITS +
	    vget_lane_u32(halves, 1);
}

static inline uint8x16_t
kernel_load_eights(const char *p, const char *q)
{
	return vcombine_u8(vld1_u8((const uint8_t *)p),
	    vld1_u8((const uint8_t *)q));
}

static inline void
kernel_two_eights(const char *p, const char *q,
    const struct kernel_digits *digits, uint64_t numbers[2])
{
	uint32x2_t halves = kernel_join(kernel_pick(kernel_load_eights(p, q),
	    kernel_load_eights(p - 1, q - 1), digits));

	numbers[0] = vget_lane_u32(halves, 0);
	numbers[1] = vget_lane_u32(halves, 1);
}

#else

enum { KERNEL_BITS = 1, KERNEL_WIDE = 0 };
#define kernel_sixteen kernel_plain_sixteen
#define kernel_two_eights kernel_plain_two_eights
#define kernel_layout kernel_plain_layout
#define kernel_newlines kernel_plain_newlines
#define kernel_nondigits kernel_plain_nondigits
#define kernel_specials kernel_plain_specials
#define kernel_within_pair kernel_plain_within_pair
#define kernel_within kernel_plain_within

#endif

#ifndef kernel_within
/* One jump into a row of all steps: no loop, and no block too many. */
static inline bool
kernel_within(const char *p, const struct kernel_bounds *bounds, int blocks)
{
#define STEP(n) case n: \
	beyond = kernel_or(beyond, kernel_beyond(p + 16 * (n - 1), \
	    &bounds[n - 1]));
#define NEXT(n) __attribute__((fallthrough)); STEP(n)
#define NEXTS(n) NEXT(n + 4) NEXT(n + 3) NEXT(n + 2) NEXT(n + 1)
	kernel_vector beyond = kernel_zero();

	switch (blocks) {
	STEP(24) NEXT(23) NEXT(22) NEXT(21)
	NEXTS(16) NEXTS(12) NEXTS(8) NEXTS(4) NEXTS(0)
		return kernel_is_zero(beyond);
	default:
		__builtin_unreachable(); /* or the jump would ask */
	}
#undef NEXTS
#undef NEXT
#undef STEP
}
#endif

/* The index of the first byte in a mask, which is not 0. */
static inline int
kernel_first(uint64_t mask)
{
	return __builtin_ctzll(mask) / KERNEL_BITS;
}

#endif
