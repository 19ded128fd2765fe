/* The energy of a part of a stream, in a form that adds up.  What a cut takes
 * away is the interval across it, so a part tells each node's first and last
 * reading; merge.c puts the intervals back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose.h"
#include "epi-integrate/integrate.h"
#include "report.h"
#include "stream.h"
#include "write.h"

enum { HEAD_BYTES = 4 << 20 }; /* of a file, that tell its nodes' periods */

/* ---- a part is read */

/* One sample of the file's head: another interval of its node, until its period
 * is known. */
static void
learn_sample(const struct sample *sample)
{
	struct node *node = node_known(sample->node);

	if (!node->wanted || node->settled ||
	    (sample->watts_nw < 0 && s.negative != KEEP) ||
	    (node->waits && sample->timestamp_ns <=
	    node->waiting[node->waits - 1].point.time_ns))
		return;
	node->waiting[node->waits++].point.time_ns = sample->timestamp_ns;
	node->settled = node->period_ns > 0 || node->waits > INTERVALS;
}

/* One event of the head: of instruments, or of a node that has lost samples.
 * Behind the part's begin it tells the first readings alone. */
static void
learn_event(const char *line, size_t length, bool is_ahead)
{
	struct event event;
	const char *why;
	unsigned node;

	if (!event_read(line, length, &event, &why))
		return;
	if (event.kind == EVENT_LOST)
		event_loser(&event, &node);
	else if (!is_ahead)
		event_learn(line, length, &event);
	else if (event.kind == EVENT_START)
		event_foresee(&event);
}

/* The periods, where the head tells enough of them or is the whole file. */
static void
learn_periods(bool is_whole)
{
	for (unsigned i = 0; i < s.names.count; i++) {
		struct node *node = node_known(i);

		if (node->period_ns == 0 &&
		    (is_whole || node->waits > INTERVALS))
			node->period_ns = node_median(node);
		node->waits = 0;
		node->begin_period_ns = node->period_ns;
		node->begin_wrap_uj = node->wrap_uj;
	}
}

static bool
learn_range(const char *file, int64_t from, int64_t to, bool is_ahead)
{
	struct sample_reader reader = { .nodes = &s.names };
	struct sample sample;
	struct stream in;
	struct block block;
	enum sample_kind kind;

	if (from >= to)
		return true;
	if (!stream_open(&in, file))
		return false;
	stream_range(&in, from, to);
	while (stream_next(&in, &block))
		while ((kind = sample_next(&reader, &block, &sample)) !=
		    SAMPLE_END) {
			if (kind == SAMPLE_POWER)
				learn_sample(&sample);
			else if (kind == SAMPLE_TYPED)
				learn_event(reader.line, reader.length,
				    is_ahead);
		}
	sample_forget(&reader);
	stream_close(&in);
	return !in.failed;
}

/* Every part reads the head of the file for what it says of all parts: what was
 * told before the part holds in it, and what comes later tells the periods that
 * it has waited for.  What is wrong there is told by the part that it belongs
 * to. */
static bool
learn_head(const char *file, int64_t size, int64_t head, int64_t from)
{
	bool is_read;

	s.looks = true;
	is_read = learn_range(file, 0, from < head ? from : head, false) &&
	    learn_range(file, from, head, true);
	s.looks = false;
	s.head_is_whole = head >= size;
	learn_periods(s.head_is_whole);
	return is_read;
}

/* Where the lines of a part begin and end, as split(1) -n l/K/N cuts, and where
 * those of the head end. */
static bool
find_part(const struct cut *cut, const char *file, int64_t *size,
    int64_t *head, int64_t *from, int64_t *to)
{
	struct stat status;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0) {
		report_error("%s: %s", file, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		report_error("%s: --part wants a file", file);
		close(fd);
		return false;
	}
	*size = status.st_size;
	*from = stream_line_at(fd, *size / cut->parts * (cut->part - 1));
	*to = cut->part == cut->parts ? *size
	    : stream_line_at(fd, *size / cut->parts * cut->part);
	*head = stream_line_at(fd, HEAD_BYTES);
	if (*from < 0 || *to < 0 || *head < 0)
		report_error("%s: %s", file, strerror(errno));
	close(fd);
	return *from >= 0 && *to >= 0 && *head >= 0;
}

bool
partial_read(const struct cut *cut, const char *file, feed_take *take)
{
	static char *name; /* kept for messages */
	int64_t size, head, from, to;
	size_t room = strlen(file) + 64;

	if (!find_part(cut, file, &size, &head, &from, &to) ||
	    !learn_head(file, size, head, from))
		return false;
	name = report_resize(name, room, 1);
	snprintf(name, room, "%s part %lld/%lld", file, (long long)cut->part,
	    (long long)cut->parts);
	s.unread = !feed_range(file, name, from, to, &s.names, take, NULL);
	return true;
}

/* ---- a part is written */

static void
compose_units(const char *key, energy_units units)
{
	char text[48];

	compose_key(key);
	compose_span(text, (size_t)(write_decimal(text, units, 0, 0) - text));
}

static void
compose_whole(const char *key, int64_t value)
{
	compose_key(key);
	compose_integer(value);
}

static void
compose_reading(const char *key, const struct energy_reading *reading)
{
	compose_key(key);
	compose_begin('[');
	compose_integer(reading->point.time_ns);
	compose_integer(reading->point.watts_nw);
	if (reading->has_joules)
		compose_integer(reading->joules_uj);
	else
		compose_null();
	compose_bool(reading->after_gap);
	if (reading->has_vars)
		compose_integer(reading->vars_uvar);
	else
		compose_null();
	compose_end(']');
}

static void
compose_tick(const char *key, const struct tick *tick)
{
	char text[48];

	compose_key(key);
	compose_begin('[');
	compose_integer(tick->time_ns);
	compose_span(text, (size_t)(write_decimal(text, tick->sum_nw, 0, 0) -
	    text));
	compose_integer(tick->nodes);
	compose_end(']');
}

static void
compose_tally(const struct energy_tally *tally)
{
	compose_units("trapezoid", tally->trapezoid);
	compose_units("hold", tally->hold);
	compose_units("counter", tally->counter);
	compose_whole("counter_uj", tally->counter_uj);
	compose_units("watts_sum", tally->watts_sum);
	compose_whole("samples", tally->samples);
	compose_whole("negative", tally->negative);
	compose_whole("uncounted", tally->uncounted);
	compose_whole("resets", tally->resets);
	compose_whole("gap_ns", tally->gap_ns);
	compose_units("variation", tally->variation);
	compose_whole("differences", tally->differences);
	compose_units("reactive", tally->reactive);
	compose_whole("reactive_ns", tally->reactive_ns);
}

static void
compose_node(const struct node *node, unsigned index, const struct part *part)
{
	compose_begin('{');
	compose_key("node");
	compose_string(s.names.names[index]);
	if (node->instrument_id) {
		compose_key("instrument_id");
		compose_string(node->instrument_id);
	}
	compose_whole("period_ns", node->period_ns);
	compose_whole("wrap_uj", node->wrap_uj);
	compose_whole("resolution_uj", node->resolution_uj);
	compose_whole("delay_ns", node->energy.delay_ns);
	compose_whole("restarted", node->restarted);
	compose_whole("rerated", node->rerated);
	compose_whole("begin_period_ns", node->begin_period_ns);
	compose_whole("begin_wrap_uj", node->begin_wrap_uj);
	compose_whole("lost", part->lost);
	compose_whole("duplicates", node->duplicates);
	compose_whole("gap_next", node->gap_next);
	compose_whole("reset_first", node->reset_first ||
	    index >= s.reset_known);
	if (node->seen) {
		compose_whole("first_period_ns", node->first_period_ns);
		compose_whole("first_wrap_uj", node->first_wrap_uj);
		compose_reading("first", &node->first);
		compose_reading("last", &node->energy.last);
		/* also where it was reset, behind it */
		compose_whole("last_uj", node->energy.last.joules_uj);
		if (node->energy.has_before) {
			compose_reading("before", &node->energy.before);
			compose_whole("last_had_joules",
			    node->energy.last_had_joules);
			compose_units("lead", node->energy.lead);
			compose_whole("lead_is_short",
			    node->energy.lead_is_short);
		}
		compose_whole("step_uj", node->energy.step_uj);
		compose_whole("peak_nw", part->peak_nw);
		compose_whole("low_nw", part->low_nw);
		compose_tally(&node->energy.at_last);
	}
	compose_end('}');
}

static void
compose_stream(const struct span *whole)
{
	compose_whole("starts", (int64_t)s.starts);
	compose_whole("stops", (int64_t)s.stops);
	compose_whole("away", s.away);
	compose_whole("from_ns", s.from_ns);
	compose_whole("start_ns", s.start_ns);
	compose_whole("stop_ns", s.stop_ns);
	compose_whole("lost", whole->lost);
	compose_key("resets");
	compose_begin('[');
	for (char **name = s.resets; name && *name; name++)
		compose_string(*name);
	compose_end(']');
	compose_whole("reset_others", s.reset_known < UINT_MAX);
	compose_whole("malformed", (int64_t)report_malformed_count());
	compose_key("unread");
	compose_bool(s.unread);
	compose_key("simulated");
	compose_bool(s.simulated);
	emit_origin();
	compose_key("announced");
	compose_begin('[');
	instrument_compose();
	compose_end(']');
	compose_whole("tick_count", (int64_t)s.tick_count);
	if (s.tick_count > 0) {
		const struct tick best = { 0, whole->tick_nw,
			whole->tick_nodes };
		const struct tick last = { s.tick.time_ns, s.tick.sum_nw,
			s.tick.nodes };

		compose_tick("first_tick", &s.first_tick);
		compose_tick("last_tick", &last);
		compose_tick("best_tick", &best);
	}
}

/* Parts judge gaps alike only where they know the same periods. */
static void
check_periods(void)
{
	for (unsigned i = 0; i < s.names.count; i++)
		if (s.nodes[i].waits && s.nodes[i].period_ns == 0)
			report_fatal("node %s has no nominal rate in the "
			    "first %d MiB; give --rate", s.names.names[i],
			    HEAD_BYTES >> 20);
}

void
partial_write(const struct cut *cut)
{
	struct span *whole;

	if (s.has_spans)
		report_fatal("--partial cannot take a stream with spans");
	if (cut->parts > 0 && !s.head_is_whole)
		check_periods();
	for (unsigned i = 0; i < s.names.count; i++)
		node_settle(node_known(i), i);
	tick_fold();
	if (s.span_count == 0)
		span_open_whole(0);
	whole = &s.spans[0];
	compose_open();
	compose_key("type");
	compose_string("partial");
	compose_whole("part", cut->part);
	compose_whole("parts", cut->parts);
	compose_stream(whole);
	compose_key("nodes");
	compose_begin('[');
	for (unsigned i = 0; i < s.names.count; i++) {
		if (!s.nodes[i].wanted)
			continue;
		figure_end_part(&s.nodes[i], span_part(whole, i), whole);
		compose_node(&s.nodes[i], i, span_part(whole, i));
	}
	compose_end(']');
	compose_close();
}
