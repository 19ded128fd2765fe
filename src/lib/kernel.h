/*
 * kernel: sixteen bytes at a time, for json alone.
 *
 * Each question is asked three times: with SSE2, with NEON, and in plain C.
 * The plain twins are always there, so that a test can hold the others against
 * them; EPI_PLAIN chooses them.  A mask has KERNEL_BITS bits for each byte, the
 * first byte lowest; kernel_first turns its lowest set bit into a byte index.
 * Every function reads exactly p[0..16), but kernel_sixteen, which also reads
 * p[-1], kernel_two_eights, which reads p[-1..8) and q[-1..8), and those that are
 * told how much.
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

static inline uint64_t
kernel_plain_newlines(const char *p)
{
	uint64_t mask = 0, low = 0x7F7F7F7F7F7F7F7F;

	for (int i = 0; i < KERNEL_BYTES; i += 8) {
		uint64_t v = kernel_eight(p + i) ^ 0x0A0A0A0A0A0A0A0A;

		/* of a byte that is 0 no bit reaches the top */
		v = ~(((v & low) + low) | v | low) >> 7;
		mask |= (v * 0x0102040810204080 >> 56) << i;
	}
	return mask;
}

enum { KERNEL_BLOCKS = 24 };

/*
 * Where digits stand in 1 to KERNEL_BLOCKS times sixteen bytes, folded: bit b of
 * byte j says whether p[16 b + j] has the bit 0x10, as digits and the colon have,
 * and the point, minus sign, comma and quote have not.  Of p[128..256) and
 * p[256..384) the same is XORed to it, the one with the halves of its eights
 * exchanged, the other with its eights exchanged.
 */
static inline void
kernel_plain_layout(const char *p, unsigned blocks, uint64_t layout[2])
{
	static const uint64_t ones = 0x0101010101010101;

	layout[0] = layout[1] = 0;
	for (unsigned from = 0; from < blocks; from += 8) {
		uint64_t a = 0, b = 0;

		for (unsigned i = blocks < from + 8 ? blocks : from + 8;
		    i-- > from;) {
			a = a << 1 | (kernel_eight(p + 16 * i) >> 4 & ones);
			b = b << 1 | (kernel_eight(p + 16 * i + 8) >> 4 & ones);
		}
		if (from == 8) {
			a = a << 32 | a >> 32;
			b = b << 32 | b >> 32;
		}
		layout[from / 16] ^= a;
		layout[1 - from / 16] ^= b;
	}
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

static inline uint64_t
kernel_newlines(const char *p)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(kernel_load(p),
	    _mm_set1_epi8('\n')));
}

/* Of each byte the bit 0x10, as bit b. */
static inline kernel_vector
kernel_bits(const char *p, int b)
{
	__m128i v = _mm_and_si128(kernel_load(p), _mm_set1_epi8(0x10));

	return b >= 4 ? _mm_slli_epi64(v, b - 4) : _mm_srli_epi64(v, 4 - b);
}

/* a, b and c as one, as a layout has them. */
static inline void
kernel_fold(kernel_vector a, kernel_vector b, kernel_vector c,
    uint64_t halves[2])
{
	__m128i v = _mm_xor_si128(a, _mm_xor_si128(
	    _mm_shuffle_epi32(b, 0xB1), _mm_shuffle_epi32(c, 0x4E)));

	halves[0] = (uint64_t)_mm_cvtsi128_si64(v);
	halves[1] = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(v, v));
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

static inline uint64_t
kernel_newlines(const char *p)
{
	return kernel_mask(vceqq_u8(kernel_load(p), vdupq_n_u8('\n')));
}

/* Of each byte the bit 0x10, as bit b. */
static inline kernel_vector
kernel_bits(const char *p, int b)
{
	return vshlq_u8(vandq_u8(kernel_load(p), vdupq_n_u8(0x10)),
	    vdupq_n_s8((int8_t)(b - 4)));
}

/* a, b and c as one, as a layout has them. */
static inline void
kernel_fold(kernel_vector a, kernel_vector b, kernel_vector c,
    uint64_t halves[2])
{
	kernel_vector v = veorq_u8(a, veorq_u8(vreinterpretq_u8_u32(
	    vrev64q_u32(vreinterpretq_u32_u8(b))), vextq_u8(c, c, 8)));

	halves[0] = vgetq_lane_u64(vreinterpretq_u64_u8(v), 0);
	halves[1] = vgetq_lane_u64(vreinterpretq_u64_u8(v), 1);
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

#ifndef kernel_layout
static inline void
kernel_layout(const char *p, unsigned blocks, uint64_t layout[2])
{
#define STEP(to, n) case n: \
	to = kernel_or(to, kernel_bits(p + 16 * (n - 1), (n - 1) % 8));
#define NEXT(to, n) __attribute__((fallthrough)); STEP(to, n)
#define NEXTS(to, n) NEXT(to, n + 4) NEXT(to, n + 3) NEXT(to, n + 2) \
	NEXT(to, n + 1)
	kernel_vector a = kernel_zero(), b = a, c = a;

	switch (blocks) {
	STEP(c, 24) NEXT(c, 23) NEXT(c, 22) NEXT(c, 21)
	NEXTS(c, 16) NEXTS(b, 12) NEXTS(b, 8) NEXTS(a, 4) NEXTS(a, 0)
		kernel_fold(a, b, c, layout);
		break;
	default:
		__builtin_unreachable();
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
