/* epi-integrate - energy of a stream of power samples */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "energy.h"
#include "epi-integrate/integrate.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-integrate [-H] [--every D] [--method M] [--negative WHAT]\n"
"                     [--nodes LIST] [--rate HZ] [--uncertainty TERMS]\n"
"                     [FILE...]\n"
"       epi-integrate --partial [--negative WHAT] [--nodes LIST] [--rate HZ]\n"
"                     [--part K/N FILE | FILE...]\n"
"       epi-integrate --merge [-H] [--method M] [--uncertainty TERMS]\n"
"                     [FILE...]\n"
"Samples on standard input or in FILE become energy records: one per node and\n"
"one for the cluster, per span of the stream or for all of it.\n"
"\n"
"      --every D         an energy set for every D (1s, 250ms, 5m)\n"
"  -H, --human           one line for people on standard error\n"
"      --merge           partial records become energy records\n"
"      --method M        auto, trapezoid, counter, mean or hold (auto)\n"
"      --negative WHAT   negative watts: keep and count, error, or gap (keep)\n"
"      --nodes LIST      only these nodes, all of which must be there\n"
"      --part K/N        only the K-th of N parts of FILE\n"
"      --partial         a partial record, for --merge\n"
"      --rate HZ         the nominal sample rate, where the stream has none\n"
"      --uncertainty TERMS  of the instruments: gain_relative=0.01,...\n"
"  -h, --help            this text\n"
"      --version         the version\n";

const char *const methods[] = { "auto", "trapezoid", "counter", "mean",
	"hold", NULL };
static const char *const negatives[] = { "keep", "error", "gap", NULL };
enum { BATCH = 64 };
enum { OPTION_EVERY = OPTION_LONG, OPTION_MERGE, OPTION_METHOD, OPTION_PART,
	OPTION_PARTIAL, OPTION_NEGATIVE,
	OPTION_NODES, OPTION_RATE, OPTION_UNCERTAINTY };

struct state s = {
	.start_ns = -1, .stop_ns = -1, .series_next_ns = INT64_MAX,
	.reset_known = UINT_MAX, .from_ns = INT64_MAX
};

/* Whether a reading is news; says so where it is wrong. */
static bool
in_order(struct node *node, const struct energy_reading *last,
    const struct energy_reading *to)
{
	if (to->point.time_ns > last->point.time_ns)
		return true;
	if (to->point.time_ns == last->point.time_ns &&
	    to->point.watts_nw == last->point.watts_nw &&
	    to->joules_uj == last->joules_uj)
		node->duplicates++;
	else if (to->point.time_ns == last->point.time_ns)
		report_malformed(s.file, s.line,
		    "two different samples of one node at one time");
	else
		report_malformed(s.file, s.line,
		    "time goes backwards for its node; merge files with "
		    "LC_ALL=C sort -sm");
	return false;
}

/* False: it was left out. */
static bool
take_reading(struct node *node, unsigned index,
    const struct energy_reading *to)
{
	const struct energy_reading *last = node->waits
	    ? &node->waiting[node->waits - 1] : &node->energy.last;

	if ((node->waits || node->seen) && !in_order(node, last, to))
		return false;
	if (node->period_ns > 0 && !node->waits) {
		node_integrate(node, index, to);
		return true;
	}
	node->waiting[node->waits++] = *to;
	if (node->waits == INTERVALS + 1 || node->period_ns > 0)
		node_settle(node, index);
	return true;
}

/* Reactive power, where the budget wants it; it need not be there. */
static void
take_vars(struct energy_reading *to, const struct feed_record *record)
{
	static const char *const keys[] = { "vars" };
	struct json_value vars;
	struct json_error error;

	to->has_vars = json_members(record->line, record->length, keys, 1,
	    &vars, &error) && json_decimal(&vars, 6, &to->vars_uvar);
}

/* A reading of a line; reactive power is left alone where it is not wanted. */
static inline struct energy_reading
reading_of(const struct node *node, const struct sample_line *line)
{
	return (struct energy_reading){
		.point = { line->sample.timestamp_ns, line->sample.watts_nw },
		.joules_uj = line->sample.joules_uj,
		.has_joules = line->sample.has_joules,
		.vars_uvar = line->vars_uvar,
		.has_vars = node->wants_vars &&
		    line->vars_uvar != SAMPLE_NO_VARS
	};
}

/* The node's energy goes on to the sample, where its order and its sign ask no
 * question. */
static inline bool
advance_quickly(struct node *node, const struct sample_line *line)
{
	struct energy_reading to = reading_of(node, line);

	if (to.point.time_ns <= node->energy.last.point.time_ns ||
	    (to.point.watts_nw < 0 && s.negative != KEEP))
		return false;
	energy_advance(&node->energy, &to);
	return true;
}

/* Kept out of the loop over plain samples, which stays in registers. */
__attribute__((noinline)) static void
advance_more(struct node *node, const struct sample_line *line)
{
	struct energy_reading to = reading_of(node, line);

	energy_advance_more(&node->energy, &to);
}

static inline void
stretch_peak(struct node *node, int64_t watts_nw)
{
	if (watts_nw > node->peak_nw)
		node->peak_nw = watts_nw;
	if (watts_nw < node->low_nw)
		node->low_nw = watts_nw;
}

/* The sample of a node that is under way, with no edge in reach; false: it
 * wants the long way. */
static inline bool
take_quickly(const struct sample_line *line)
{
	const struct sample *sample = &line->sample;
	struct node *node = &s.nodes[sample->node];

	if (sample->timestamp_ns >= node->quick_ns ||
	    !advance_quickly(node, line))
		return false;
	stretch_peak(node, sample->watts_nw);
	tick_note(sample->timestamp_ns, sample->watts_nw);
	return true;
}

/* The same for as many samples as are plain, a batch at most.  What the tick gains
 * stays in registers; that of a batch fits in 63 bits. */
static const struct sample_line *
take_plainly(const struct sample_line *line, const struct sample_line *end)
{
	int64_t time_ns = s.tick.time_ns, more_nw = 0;
	unsigned more = 0;

	if (end - line > BATCH)
		end = line + BATCH;
	for (; line < end; line++) {
		const struct sample *sample = &line->sample;
		struct energy_point to = { sample->timestamp_ns,
			sample->watts_nw };
		struct node *node = &s.nodes[sample->node];

		if (to.time_ns >= node->quick_ns || !sample->has_joules ||
		    !energy_is_plain(&node->energy, to, sample->joules_uj))
			break;
		if (node->energy.has_more)
			advance_more(node, line);
		energy_advance_plainly(&node->energy, to, sample->joules_uj);
		stretch_peak(node, to.watts_nw);
		if (to.time_ns != time_ns) {
			tick_add(more_nw, more);
			tick_begin(to.time_ns);
			time_ns = to.time_ns;
			more_nw = more = 0;
		}
		more_nw += to.watts_nw;
		more++;
	}
	tick_add(more_nw, more);
	return line;
}

static size_t
take_lines(void *state, const struct sample_line *lines, size_t count)
{
	const struct sample_line *line = lines, *end = lines + count;

	(void)state;
	if (s.names.count > s.room)
		return 0;
	do
		line = take_plainly(line, end);
	while (line < end && take_quickly(line) && ++line < end);
	return (size_t)(line - lines);
}

static void
take_sample(const struct feed_record *record)
{
	const struct sample *sample = &record->sample;
	struct node *node = node_known(sample->node);
	struct energy_reading reading = {
		.point = { sample->timestamp_ns, sample->watts_nw },
		.joules_uj = sample->joules_uj,
		.has_joules = sample->has_joules,
		.after_gap = node->gap_next
	};

	if (!node->wanted)
		return;
	if (s.from_ns == INT64_MAX)
		s.from_ns = sample->timestamp_ns;
	if (sample->watts_nw < 0 && s.negative != KEEP) {
		if (s.negative == ERROR)
			report_malformed(record->file, record->line_number,
			    "negative watts");
		else
			node->gap_next = true;
		node->quick_ns = INT64_MIN;
		return;
	}
	if (!s.opened)
		span_open_whole(sample->timestamp_ns);
	node->gap_next = false;
	if (instrument_wants_vars(node->instrument))
		take_vars(&reading, record);
	if (sample->timestamp_ns > s.series_next_ns)
		span_extend_series(sample->timestamp_ns);
	if (take_reading(node, sample->node, &reading))
		tick_note(sample->timestamp_ns, sample->watts_nw);
	if (node->seen && !node->waits)
		node->quick_ns = node->next_edge_ns < s.series_next_ns
		    ? node->next_edge_ns : s.series_next_ns;
	if (s.passed)
		emit_passed();
}

static void
take_record(void *state, const struct feed_record *record)
{
	(void)state;
	s.file = record->file;
	s.line = record->line_number;
	if (record->kind == SAMPLE_POWER)
		take_sample(record);
	else
		event_take(record);
}

/* First to last sample; from the start event and to the stop event where
 * silence of more than 2.5 periods lies between. */
static void
bound_whole(struct span *span)
{
	int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, period_ns = 0;

	for (unsigned i = 0; i < s.names.count; i++) {
		const struct node *node = &s.nodes[i];

		if (!node->seen || !node->wanted)
			continue;
		if (node->first_ns < first_ns)
			first_ns = node->first_ns;
		if (node->energy.last.point.time_ns > last_ns)
			last_ns = node->energy.last.point.time_ns;
		if (node->period_ns > period_ns)
			period_ns = node->period_ns;
	}
	if (first_ns == INT64_MAX)
		first_ns = last_ns = s.start_ns > 0 ? s.start_ns : 0;
	if (s.start_ns >= 0 && first_ns - s.start_ns > period_ns / 2 * 5)
		first_ns = s.start_ns;
	if (s.stop_ns - last_ns > period_ns / 2 * 5)
		last_ns = s.stop_ns;
	span->begin_ns = first_ns;
	span->end_ns = last_ns;
}

/* A span whose end was not told, and the last one of --every, end where the
 * samples do. */
static void
cut_span(struct span *span)
{
	int64_t last_ns = span->begin_ns;

	for (unsigned i = 0; i < s.names.count; i++)
		if (s.nodes[i].seen && s.nodes[i].wanted &&
		    s.nodes[i].energy.last.point.time_ns > last_ns)
			last_ns = s.nodes[i].energy.last.point.time_ns;
	if (last_ns < span->end_ns)
		span->end_ns = last_ns;
}

/* A span's end edge that is missing is the only sign that a stream broke off which
 * has no start events; without it an end that was left open is not known. */
static bool
is_open(const struct span *span)
{
	return s.has_spans && !span->closed &&
	    (s.starts == 0 || span->end_ns == INT64_MAX);
}

/* The same of a span that --every divides. */
static bool
series_is_open(void)
{
	return s.series_open &&
	    (s.starts == 0 || s.series_end_ns == INT64_MAX);
}

/* Why there is nothing to tell. */
static const char *
lack(void)
{
	for (unsigned i = 0; i < s.names.count; i++)
		if (s.series && !s.has_spans && s.nodes[i].seen)
			return "no set: the samples are all of one time";
	return "no samples";
}

static void
finish(void)
{
	bool stopped = s.stops >= s.starts && s.away <= 0 && !s.unread;

	for (unsigned i = 0; i < s.names.count; i++)
		node_settle(node_known(i), i);
	tick_fold();
	emit_passed();
	if (s.span_count == 0 && !s.emitted) {
		if (s.names.count == 0) {
			if (!s.unread)
				report_error("no samples");
			return;
		}
		span_open_whole(s.start_ns > 0 ? s.start_ns : 0);
		if (s.span_count == 0)
			report_error("%s", lack());
	}
	for (size_t i = 0; i < s.span_count; i++) {
		struct span *span = &s.spans[i];
		bool open = series_is_open() || is_open(span);

		for (unsigned n = 0; n < s.names.count; n++)
			figure_end_part(&s.nodes[n], span_part(span, n), span);
		if (span->whole)
			bound_whole(span);
		else if (s.every_ns > 0 ? s.series_open || !s.has_spans
		    : span->end_ns == INT64_MAX)
			cut_span(span);
		emit_span(span, (stopped && !open) ||
		    (s.has_spans && span->closed && !s.series_open) ||
		    (emit_all_ended(span) && span->closed));
	}
	/* Where the last set ends at the last sample no other one tells it. */
	s.incomplete |= s.series && !s.has_spans && !stopped;
	if (s.incomplete || series_is_open())
		report_error("incomplete: %s", s.unread
		    ? "not all of the input was read" : s.stops < s.starts
		    ? "the stream ended without stop" : s.away <= 0
		    ? "a span has no end edge"
		    : "an instrument was unplugged, and did not come back");
}

static struct cut cut;
static bool merges;
static bool knows_terms;

/* "K/N" */
static void
read_part(const char *text)
{
	char part[24];
	size_t length = strcspn(text, "/");

	if (text[length] != '/' || length >= sizeof part)
		report_usage("--part: not K/N: %s", text);
	memcpy(part, text, length);
	part[length] = '\0';
	cut.parts = option_integer("--part", text + length + 1, 1, 1000000);
	cut.part = option_integer("--part", part, 1, cut.parts);
}

static void
check_options(char **operands)
{
	if (cut.parts > 0 && !s.partial)
		report_usage("--part goes with --partial");
	if (cut.parts > 0 && (!operands[0] || operands[1] ||
	    strcmp(operands[0], "-") == 0))
		report_usage("--part wants one FILE");
	if (s.partial && (merges || s.every_ns > 0 || s.human ||
	    s.method != AUTO || knows_terms))
		report_usage("--partial goes without --merge, --every, "
		    "--method, --uncertainty and -H");
	if (merges && (s.every_ns > 0 || s.only || s.rate_period_ns > 0 ||
	    s.negative != KEEP))
		report_usage("--merge goes with --method, --uncertainty and "
		    "-H alone");
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case 'H':
		s.human = true;
		break;
	case OPTION_METHOD:
		s.method = (enum method)option_word("--method", argument,
		    methods);
		break;
	case OPTION_MERGE:
		merges = true;
		break;
	case OPTION_PART:
		read_part(argument);
		break;
	case OPTION_PARTIAL:
		s.partial = true;
		break;
	case OPTION_EVERY:
		s.every_ns = option_duration("--every", argument);
		break;
	case OPTION_NODES:
		s.only = option_list("--nodes", argument);
		break;
	case OPTION_RATE:
		s.rate_period_ns = (int64_t)(1e9 /
		    option_double("--rate", argument, 1e-6, 1e6) + 0.5);
		break;
	case OPTION_UNCERTAINTY:
		instrument_option(argument);
		knows_terms = true;
		break;
	case OPTION_NEGATIVE:
		s.negative = (enum negative)option_word("--negative", argument,
		    negatives);
		break;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "every", required_argument, NULL, OPTION_EVERY },
		{ "human", no_argument, NULL, 'H' },
		{ "merge", no_argument, NULL, OPTION_MERGE },
		{ "method", required_argument, NULL, OPTION_METHOD },
		{ "negative", required_argument, NULL, OPTION_NEGATIVE },
		{ "nodes", required_argument, NULL, OPTION_NODES },
		{ "part", required_argument, NULL, OPTION_PART },
		{ "partial", no_argument, NULL, OPTION_PARTIAL },
		{ "rate", required_argument, NULL, OPTION_RATE },
		{ "uncertainty", required_argument, NULL, OPTION_UNCERTAINTY },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-integrate", help, "H", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);
	bool told = true;

	for (char **only = s.only; only && *only; only++)
		node_known(sample_node(&s.names, *only, strlen(*only)));
	check_options(operands);
	if (!merges)
		feed_quickly(take_lines);
	if (merges)
		told = merge_parts(operands);
	else if (cut.parts > 0)
		told = partial_read(&cut, operands[0], take_record);
	else
		s.unread = !feed_records(operands, &s.names, take_record,
		    NULL);
	if (told && s.partial)
		partial_write(&cut);
	else if (told)
		finish();
	return stream_finish();
}
