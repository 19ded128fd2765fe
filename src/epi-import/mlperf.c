#include <string.h>

#include "csv.h"
#include "import.h"

/* The key of a label, EXTRA where it is none of ours. */
static enum key
find_label(const char *text, size_t length)
{
	static const struct {
		const char *name;
		enum key key;
	} labels[] = {
		{ "Time", TIMESTAMP }, { "Watts", WATTS }, { "Volts", VOLTS },
		{ "Amps", AMPS }, { "PF", POWER_FACTOR }, { "Hz", HERTZ },
	};

	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (strlen(labels[i].name) == length &&
		    memcmp(labels[i].name, text, length) == 0)
			return labels[i].key;
	return EXTRA;
}

static bool
is_channel(const struct csv_cell *cell)
{
	return cell->length > 2 && memcmp(cell->at, "Ch", 2) == 0 &&
	    cell->at[2] >= '0' && cell->at[2] <= '9';
}

static bool
begin_channel(struct import *im, struct reading *r,
    const struct csv_cell *cell)
{
	reading_clear(im, r);
	r->value[TIMESTAMP] = im->group->value[TIMESTAMP];
	r->has = im->group->has & 1u << TIMESTAMP;
	return reading_fill(im, r, NODE, &factor_one, cell->at, cell->length);
}

/* Whether another line, "Time,03-09-2026 ...", begins in this one: behind one that
 * was cut, as by the end of the program that wrote it. */
static bool
is_joined(const struct feed_line *line)
{
	const char *at = line->text, *end = at + line->length;

	while (++at < end && (at = memchr(at, 'T', (size_t)(end - at))))
		if (end - at > 7 && memcmp(at, "Time,", 5) == 0 &&
		    at[5] >= '0' && at[5] <= '9' && at[7] == '-')
			return true;
	return false;
}

/*
 * Label,value pairs: those of the total up to Mark, then those of each
 * channel, a cell ChN before them.  Returns how many channels there are, -1
 * for a malformed line.  Mark, and PF of each channel, tell that nothing is
 * cut off before them.
 */
static int
read_pairs(struct import *im)
{
	const char *at = im->line->text, *end = at + im->line->length;
	struct csv_cell label, value;
	int n = 0, marks = 0, factors = 0;

	while (csv_next(&at, end, &label) == CSV_CELL) {
		enum key key = find_label(label.at, label.length);

		if (is_channel(&label)) {
			if (!im->channels)
				break;
			if (n == IMPORT_CHANNELS || !begin_channel(im,
			    &im->group[++n], &label))
				return -1;
			continue;
		}
		if (csv_next(&at, end, &value) != CSV_CELL)
			break;
		marks += label.length == 4 && memcmp(label.at, "Mark", 4) == 0;
		factors += key == POWER_FACTOR;
		if (key != EXTRA && !reading_fill(im, &im->group[n], key,
		    &factor_one, value.at, value.length))
			return -1;
	}
	if (marks != 1 || factors != n + 1 || is_joined(im->line)) {
		reading_malformed(im, "cut off, or no line of an spl.txt");
		return -1;
	}
	return n;
}

void
mlperf_take(struct import *im)
{
	int n;

	reading_clear(im, im->group);
	n = read_pairs(im);
	if (n < 0)
		return;
	if (!im->channels) {
		if (reading_complete(im, im->group))
			record_put(im, im->group, 1);
		return;
	}
	if (n == 0)
		reading_malformed(im, "no channels");
	for (int i = 1; i <= n; i++)
		if (!reading_complete(im, &im->group[i]))
			return;
	if (n > 0)
		record_put(im, im->group + 1, (size_t)n);
}
