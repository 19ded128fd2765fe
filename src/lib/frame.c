/*
 * Each kind of line is one table of its members; the formatter and the parser
 * walk the same table, so they cannot disagree.
 */
#include "frame.h"

enum type { WORD, U32, HEX32, U64, I32, I32S, I64S, ERRORS };

struct member {
	const char *key;
	enum type type;
	size_t at;
	size_t size;
	bool optional;
};

#define AT(s, m) offsetof(struct s, m), sizeof ((struct s *)0)->m

/* The index of a member is its bit in `has`. */
static const struct member sample_members[] = {
	{ "s", U64, AT(frame_sample, sequence), false },
	{ "t", U64, AT(frame_sample, time_us), false },
	{ "v", I32, AT(frame_sample, voltage_mv), true },
	{ "f", I32, AT(frame_sample, frequency_millihertz), true },
	{ "i", I32S, AT(frame_sample, current_ua), true },
	{ "p", I32S, AT(frame_sample, power_mw), false },
	{ "q", I32S, AT(frame_sample, reactive_mvar), true },
	{ "pf", I32S, AT(frame_sample, power_factor_milli), true },
	{ "e", ERRORS, AT(frame_sample, errors), false },
	{ "m", U32, AT(frame_sample, changed), true },
	{ "j", I64S, AT(frame_sample, energy_counts), true },
	{ NULL, U32, 0, 0, false }
};

static const struct member header_members[] = {
	{ "epi", U32, AT(frame_header, protocol), false },
	{ "device", WORD, AT(frame_header, device), false },
	{ "fw", WORD, AT(frame_header, firmware), false },
	{ "chip", WORD, AT(frame_header, chip), false },
	{ "ic", WORD, AT(frame_header, ic), false },
	{ "n", U32, AT(frame_header, channels), false },
	{ "hz", U32, AT(frame_header, rate_hz), false },
	{ "u", WORD, AT(frame_header, units), false },
	{ "up", U64, AT(frame_header, uptime_us), false },
	{ "rst", WORD, AT(frame_header, reset), false },
	{ "cal", HEX32, AT(frame_header, calibration), false },
	{ "K", U32, AT(frame_header, gain_k), false },
	{ "id", WORD, AT(frame_header, id), false },
	{ "jn", U64, AT(frame_header, energy_nj), false },
	{ "dly", U64, AT(frame_header, delay_us), true },
	{ "avg", U64, AT(frame_header, averaging_us), true },
	{ "drop", U64, AT(frame_header, dropped), false },
	{ "next", U64, AT(frame_header, next_sequence), true },
	{ "jw", U64, AT(frame_header, energy_wrap), false },
	{ "sim", U32, AT(frame_header, simulated), false },
	{ NULL, U32, 0, 0, false }
};

/* The first key is "ok" or "no"; `done` says which. */
static const struct member done_members[] = {
	{ "ok", WORD, AT(frame_ack, command), false },
	{ "k", WORD, AT(frame_ack, token), false },
	{ "rx", U64, AT(frame_ack, received_us), true },
	{ "tx", U64, AT(frame_ack, sent_us), true },
	{ "why", WORD, AT(frame_ack, reason), true },
	{ "val", I64S, AT(frame_ack, values), true },
	{ NULL, U32, 0, 0, false }
};

static const struct member refused_members[] = {
	{ "no", WORD, AT(frame_ack, command), false },
	{ "k", WORD, AT(frame_ack, token), false },
	{ "rx", U64, AT(frame_ack, received_us), true },
	{ "tx", U64, AT(frame_ack, sent_us), true },
	{ "why", WORD, AT(frame_ack, reason), true },
	{ "val", I64S, AT(frame_ack, values), true },
	{ NULL, U32, 0, 0, false }
};

static const struct member end_members[] = {
	{ "end", WORD, AT(frame_end, reason), false },
	{ "s", U64, AT(frame_end, samples), false },
	{ "t", U64, AT(frame_end, time_us), false },
	{ "drop", U64, AT(frame_end, dropped), false },
	{ "truth", I64S, AT(frame_end, truth_uj), true },
	{ "counted", I64S, AT(frame_end, counted_uj), true },
	{ NULL, U32, 0, 0, false }
};

static const char digits[] = "0123456789ABCDEF";

/* What sixteen bits, those that the CRC so far and the next bytes add up to, are
 * after sixteen steps.  With P = x^16 + x^12 + x^5 + 1 the quotient of w x^16 by
 * P is w (1 + x^-4 + x^-8 + x^-11 + x^-12), and the remainder is the quotient
 * times x^12 + x^5 + 1, all modulo x^16: no table, and a third of the time of
 * one of four bits. */
static uint32_t
divide(uint32_t w)
{
	uint32_t quotient = w ^ w >> 4;

	quotient ^= quotient >> 8 ^ w >> 11;
	return (quotient ^ quotient << 5 ^ quotient << 12) & 0xFFFF;
}

/* Of an odd length the last byte takes eight steps: the upper half of the CRC
 * meets it, the lower half moves up. */
uint16_t
frame_crc(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;
	uint32_t crc = 0xFFFF;

	for (; length >= 2; length -= 2, at += 2)
		crc = divide(crc ^ (uint32_t)(at[0] << 8 | at[1]));
	if (length)
		crc = divide(crc >> 8 ^ at[0]) ^ (crc << 8 & 0xFFFF);
	return (uint16_t)crc;
}

/* Writing. */

struct out {
	char *at;
	char *end;
	bool full;
};

static void
put(struct out *out, char byte)
{
	if (out->at < out->end)
		*out->at++ = byte;
	else
		out->full = true;
}

static void
put_text(struct out *out, const char *text)
{
	while (*text)
		put(out, *text++);
}

static void
put_word(struct out *out, const char *text, size_t room)
{
	put(out, '"');
	for (size_t i = 0; i + 1 < room && text[i]; i++) {
		char c = text[i];

		put(out, c < ' ' || c > '~' || c == '"' || c == '\\' ? '_' : c);
	}
	put(out, '"');
}

/* A Cortex-M0+ has no division: 64 bits are left as soon as 32 are enough. */
static void
put_unsigned(struct out *out, uint64_t value)
{
	char text[20];
	size_t n = 0;

	while (value > UINT32_MAX) {
		text[n++] = digits[value % 10];
		value /= 10;
	}
	for (uint32_t low = (uint32_t)value; low || !n; low /= 10)
		text[n++] = digits[low % 10];
	while (n)
		put(out, text[--n]);
}

static void
put_signed(struct out *out, int64_t value)
{
	if (value < 0)
		put(out, '-');
	put_unsigned(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void
put_hex(struct out *out, uint32_t value, int count)
{
	put(out, '"');
	while (count--)
		put(out, digits[value >> 4 * count & 15]);
	put(out, '"');
}

static void
put_array(struct out *out, const struct member *member,
    const void *at, uint32_t count, uint32_t absent)
{
	put(out, '[');
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			put(out, ',');
		if (absent >> i & 1 && member->type != ERRORS)
			put_text(out, "null");
		else if (member->type == I64S)
			put_signed(out, ((const int64_t *)at)[i]);
		else
			put_signed(out, ((const int32_t *)at)[i]);
	}
	put(out, ']');
}

static void
put_value(struct out *out, const struct member *member,
    const void *at, uint32_t count, uint32_t absent)
{
	switch (member->type) {
	case WORD: put_word(out, at, member->size); break;
	case U32: put_unsigned(out, *(const uint32_t *)at); break;
	case HEX32: put_hex(out, *(const uint32_t *)at, 8); break;
	case U64: put_unsigned(out, *(const uint64_t *)at); break;
	case I32: put_signed(out, *(const int32_t *)at); break;
	default: put_array(out, member, at, count, absent);
	}
}

static size_t
format(const struct member *members, const void *from,
    uint32_t has, uint32_t count, uint32_t absent, char *line, size_t room)
{
	struct out out = { line, line + room, false };
	const char *base = from;

	if (count > FRAME_CHANNELS)
		return 0;
	for (size_t i = 0; members[i].key; i++) {
		if (members[i].optional && !(has >> i & 1))
			continue;
		put_text(&out, i ? ",\"" : "{\"");
		put_text(&out, members[i].key);
		put_text(&out, "\":");
		put_value(&out, &members[i], base + members[i].at, count, absent);
	}
	uint16_t crc = frame_crc(line, (size_t)(out.at - line));
	put_text(&out, ",\"c\":");
	put_hex(&out, crc, 4);
	put_text(&out, "}\n");
	return out.full ? 0 : (size_t)(out.at - line);
}

size_t
frame_format_sample(const struct frame_sample *sample, char *out,
    size_t room)
{
	return format(sample_members, sample, sample->has, sample->channels,
	    sample->absent, out, room);
}

size_t
frame_format_header(const struct frame_header *header, char *out,
    size_t room)
{
	return format(header_members, header, header->has, 0, 0, out, room);
}

size_t
frame_format_ack(const struct frame_ack *ack, char *out, size_t room)
{
	return format(ack->done ? done_members : refused_members, ack, ack->has,
	    ack->values_count, 0, out, room);
}

size_t
frame_format_end(const struct frame_end *end, char *out, size_t room)
{
	return format(end_members, end, end->has, end->values_count, 0, out, room);
}

/* Reading. */

struct in {
	const char *at;
	const char *end;
	uint32_t count;       /* entries of the arrays so far, 0: none seen */
	uint32_t absent;      /* of the arrays that may hold null */
	bool absent_known;
};

static bool
take(struct in *in, const char *text)
{
	const char *at = in->at;

	while (*text) {
		if (at == in->end || *at != *text)
			return false;
		at++;
		text++;
	}
	in->at = at;
	return true;
}

static bool
is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

static bool
take_unsigned(struct in *in, uint64_t most, uint64_t *out)
{
	const char *at = in->at, *end = in->end;
	uint64_t value = 0, tenth = most / 10;

	if (!is_digit(at, end) || (*at == '0' && is_digit(at + 1, end)))
		return false;
	for (; is_digit(at, end); at++) {
		uint32_t digit = (uint32_t)(*at - '0');

		if (value >= tenth && (value > tenth || digit > most % 10))
			return false;
		value = value * 10 + digit;
	}
	in->at = at;
	*out = value;
	return true;
}

static bool
take_signed(struct in *in, uint64_t most, int64_t *out)
{
	bool negative = take(in, "-");
	uint64_t value;

	if (!take_unsigned(in, most + negative, &value))
		return false;
	*out = negative ? (value ? -(int64_t)(value - 1) - 1 : 0) :
	    (int64_t)value;
	return true;
}

/* `count` upper-case digits, or -1. */
static int64_t
hex_value(const char *at, int count)
{
	int64_t value = 0;

	for (; count--; at++)
		if (*at >= '0' && *at <= '9')
			value = value << 4 | (*at - '0');
		else if (*at >= 'A' && *at <= 'F')
			value = value << 4 | (*at - 'A' + 10);
		else
			return -1;
	return value;
}

static bool
take_hex32(struct in *in, uint32_t *out)
{
	int64_t value;

	if (in->end - in->at < 10 || in->at[0] != '"' || in->at[9] != '"')
		return false;
	value = hex_value(in->at + 1, 8);
	in->at += 10;
	*out = (uint32_t)value;
	return value >= 0;
}

/* A string without escapes; out NULL: skipped whatever its length. */
static bool
take_word(struct in *in, char *out, size_t room)
{
	size_t n = 0;

	if (!take(in, "\""))
		return false;
	for (; in->at < in->end && *in->at != '"'; in->at++) {
		if (*in->at < ' ' || *in->at > '~' || *in->at == '\\')
			return false;
		if (!out)
			continue;
		if (n + 1 >= room)
			return false;
		out[n++] = *in->at;
	}
	if (out)
		out[n] = '\0';
	return take(in, "\"");
}

static bool
take_entry(struct in *in, enum type type, void *at, uint32_t i,
    uint32_t *absent)
{
	int64_t value = 0;

	if (type != ERRORS && take(in, "null"))
		*absent |= UINT32_C(1) << i;
	else if (!take_signed(in, type == I64S ? INT64_MAX : INT32_MAX, &value))
		return false;
	if (type == I64S)
		((int64_t *)at)[i] = value;
	else
		((int32_t *)at)[i] = (int32_t)value;
	return true;
}

static bool
take_array(struct in *in, enum type type, void *at)
{
	uint32_t count = 0, absent = 0;

	if (!take(in, "["))
		return false;
	do {
		if (count == FRAME_CHANNELS ||
		    !take_entry(in, type, at, count, &absent))
			return false;
		count++;
	} while (take(in, ","));
	if (!take(in, "]") || (in->count && in->count != count))
		return false;
	in->count = count;
	if (type == ERRORS)
		return true;
	if (in->absent_known && in->absent != absent)
		return false;
	in->absent = absent;
	in->absent_known = true;
	return true;
}

static bool
take_value(struct in *in, const struct member *member, void *at)
{
	uint64_t value;
	int64_t number;

	switch (member->type) {
	case WORD:
		return take_word(in, at, member->size);
	case U32:
		if (!take_unsigned(in, UINT32_MAX, &value))
			return false;
		*(uint32_t *)at = (uint32_t)value;
		return true;
	case HEX32:
		return take_hex32(in, at);
	case U64:
		return take_unsigned(in, UINT64_MAX, at);
	case I32:
		if (!take_signed(in, INT32_MAX, &number))
			return false;
		*(int32_t *)at = (int32_t)number;
		return true;
	default:
		return take_array(in, member->type, at);
	}
}

static bool
skip_number(struct in *in)
{
	const char *from = in->at;

	while (in->at < in->end && (is_digit(in->at, in->end) || *in->at == '-' ||
	    *in->at == '+' || *in->at == '.' || *in->at == 'e' ||
	    *in->at == 'E'))
		in->at++;
	return in->at > from || take(in, "null");
}

static bool
skip_value(struct in *in)
{
	if (in->at < in->end && *in->at == '"')
		return take_word(in, NULL, 0);
	if (!take(in, "["))
		return skip_number(in);
	do {
		if (!skip_number(in))
			return false;
	} while (take(in, ","));
	return take(in, "]");
}

static bool
take_key(struct in *in, const char *key)
{
	const char *from = in->at;

	if (take(in, key) && take(in, "\":"))
		return true;
	in->at = from;
	return false;
}

/* The member whose key stands next, or the end mark of the table.  They mostly
 * come in the table's order: `expected` and those behind it are looked at
 * first. */
static size_t
find(struct in *in, const struct member *members, size_t expected)
{
	size_t i;

	for (i = expected; members[i].key; i++)
		if (take_key(in, members[i].key))
			return i;
	for (size_t early = 0; early < expected; early++)
		if (take_key(in, members[early].key))
			return early;
	return i;
}

static bool
skip_member(struct in *in)
{
	while (in->at < in->end && *in->at != '"' && *in->at != '\\')
		in->at++;
	return take(in, "\":") && skip_value(in);
}

/* Every member between the brace and the CRC; `has` gets a bit for each. */
static bool
take_members(struct in *in, const struct member *members,
    void *base, uint32_t *has)
{
	size_t expected = 0;

	*has = 0;
	do {
		if (!take(in, "\""))
			return false;
		size_t i = find(in, members, expected);
		if (!members[i].key) {
			if (!skip_member(in))
				return false;
			continue;
		}
		if (*has >> i & 1 ||
		    !take_value(in, &members[i], (char *)base + members[i].at))
			return false;
		*has |= UINT32_C(1) << i;
		expected = i + 1;
	} while (take(in, ","));
	for (size_t i = 0; members[i].key; i++)
		if (!members[i].optional && !(*has >> i & 1))
			return false;
	return in->at == in->end;
}

static void
clear(void *at, size_t size)
{
	for (char *byte = at; size--; byte++)
		*byte = 0;
}

static bool
parse_sample(struct in *in, struct frame_sample *sample)
{
	clear(sample, sizeof *sample);
	if (!take_members(in, sample_members, sample, &sample->has))
		return false;
	sample->channels = in->count;
	sample->absent = in->absent;
	return sample->changed >> in->count == 0;
}

static bool
parse_header(struct in *in, struct frame_header *header)
{
	clear(header, sizeof *header);
	return take_members(in, header_members, header, &header->has) &&
	    header->protocol == FRAME_PROTOCOL && header->channels >= 1 &&
	    header->channels <= FRAME_CHANNELS && header->rate_hz >= 1 &&
	    header->simulated <= 1;
}

static bool
parse_ack(struct in *in, struct frame_ack *ack, bool done)
{
	clear(ack, sizeof *ack);
	if (!take_members(in, done ? done_members : refused_members, ack,
	    &ack->has))
		return false;
	ack->done = done;
	ack->values_count = in->count;
	return !in->absent;
}

static bool
parse_end(struct in *in, struct frame_end *end)
{
	clear(end, sizeof *end);
	if (!take_members(in, end_members, end, &end->has))
		return false;
	end->values_count = in->count;
	return !in->absent;
}

static const char *const openings[] = {
	"{\"s\":", "{\"epi\":", "{\"ok\":", "{\"no\":", "{\"end\":", NULL
};

/* Which opening the line has, or may have had when only its begin came. */
static int
opening(const char *line, size_t length)
{
	for (int i = 0; openings[i]; i++) {
		size_t n = 0;

		while (n < length && openings[i][n] && line[n] == openings[i][n])
			n++;
		if (!openings[i][n] || (length && n == length))
			return i;
	}
	return -1;
}

/* The value behind `,"c":"`, or -1 if the line does not end as a frame. */
static long
closing(const char *line, size_t length)
{
	struct in in = { line + length, line + length, 0, 0, false };
	int64_t crc;

	if (length < 13)
		return -1;
	in.at = line + length - 12;
	if (!take(&in, ",\"c\":\""))
		return -1;
	crc = hex_value(in.at, 4);
	in.at += 4;
	return take(&in, "\"}") ? (long)crc : -1;
}

static bool
parse(struct in *in, int open, struct frame *frame)
{
	switch (open) {
	case 0:
		frame->kind = FRAME_SAMPLE;
		return parse_sample(in, &frame->as.sample);
	case 1:
		frame->kind = FRAME_HEADER;
		return parse_header(in, &frame->as.header);
	case 2:
	case 3:
		frame->kind = FRAME_ACK;
		return parse_ack(in, &frame->as.ack, open == 2);
	default:
		frame->kind = FRAME_END;
		return parse_end(in, &frame->as.end);
	}
}

enum frame_kind
frame_parse(const char *line, size_t length,
    struct frame *frame)
{
	int open = opening(line, length);
	long crc = closing(line, length);
	bool fits = crc >= 0 && frame_crc(line, length - 12) == crc;

	if (open < 0)
		frame->kind = fits ? FRAME_MALFORMED :
		    crc < 0 ? FRAME_ALIEN : FRAME_CUT;
	else if (crc < 0)
		frame->kind = line[length - 1] == '}' ? FRAME_DAMAGED : FRAME_CUT;
	else if (!fits)
		frame->kind = FRAME_DAMAGED;
	else {
		struct in in = { line + 1, line + length - 12, 0, 0, false };

		if (!parse(&in, open, frame))
			frame->kind = FRAME_MALFORMED;
	}
	return frame->kind;
}
