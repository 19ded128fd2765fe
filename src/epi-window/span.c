/* Which spans are wanted. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-window/window.h"
#include "json.h"
#include "report.h"

static struct span *
push_span(struct span **list, size_t *count, size_t *room, char *label,
    int64_t begin_ns, int64_t end_ns)
{
	if (*count == *room) {
		*room = *room ? *room * 2 : 8;
		*list = report_resize(*list, *room, sizeof **list);
	}
	(*list)[*count] = (struct span){ .label = label,
		.begin_ns = begin_ns, .end_ns = end_ns };
	return &(*list)[(*count)++];
}

/* The sum, short of the INT64_MAX that stands for an open end. */
static int64_t
later(int64_t t, int64_t by_ns)
{
	return t < INT64_MAX - by_ns ? t + by_ns : INT64_MAX - 1;
}

static int64_t
resolve(const struct moment *moment, int64_t unset)
{
	switch (moment->from) {
	case AT:
		return moment->ns;
	case AFTER_FIRST:
		return later(s.first_ns, moment->ns);
	case BEFORE_LAST: /* records have no time before 1970 */
		return s.last_ns > moment->ns ? s.last_ns - moment->ns : 0;
	default:
		return unset;
	}
}

/* --from and --to become a span, once the first sample is there. */
void
span_resolve(void)
{
	int64_t begin_ns, end_ns;

	s.resolved = true;
	begin_ns = resolve(&s.from, s.first_ns);
	end_ns = s.for_ns > 0 ? later(begin_ns, s.for_ns)
	    : resolve(&s.to, INT64_MAX);
	if (end_ns <= begin_ns)
		report_fatal("the window ends before it begins");
	push_span(&s.spans, &s.count, &s.room, s.label
	    ? report_copy(s.label, strlen(s.label)) : NULL, begin_ns, end_ns);
}
/* The name of a span: its record's label, or its id. */
static char *
label_of(const struct feed_record *record, const struct event *event)
{
	static const char *const key = "id";
	struct json_value value = event->label;
	struct json_error error;
	char *label;

	if (value.kind != JSON_STRING &&
	    (!json_members(record->line, record->length, &key, 1, &value,
	    &error) || value.kind != JSON_STRING))
		return NULL;
	label = report_resize(NULL, value.length + 1, 1);
	json_string(&value, label, value.length + 1);
	return label;
}

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void
take_begin_and_end(const struct feed_record *record, int64_t begin_ns,
    int64_t end_ns, char *label)
{
	if (end_ns > begin_ns) {
		push_span(&s.spans, &s.count, &s.room, label, begin_ns,
		    end_ns);
		return;
	}
	report_malformed(record->file, record->line_number,
	    "\"%s\" ends before it begins", label ? label : "");
	free(label);
}

/* The begin that is open under this label, the innermost; NULL: none. */
static struct span *
open_mark(const char *label)
{
	for (size_t i = s.mark_count; i-- > 0;)
		if (same(s.marks[i].label, label))
			return &s.marks[i];
	return NULL;
}

/* A mark, or a span event whose begin edge did not know the end. */
static void
take_edge(const struct feed_record *record, const struct event *event,
    char *label)
{
	struct span *mark = open_mark(label);
	int64_t begin_ns;

	if (event->has_timestamp && !event->edge_is_end) {
		push_span(&s.marks, &s.mark_count, &s.mark_room, label,
		    event->timestamp_ns, INT64_MAX);
		return;
	}
	if (!event->has_timestamp || !mark) {
		report_malformed(record->file, record->line_number,
		    event->has_timestamp ? "the end of \"%s\" has no begin"
		    : "a mark of \"%s\" without timestamp",
		    label ? label : "");
		free(label);
		return;
	}
	begin_ns = mark->begin_ns;
	free(mark->label);
	s.mark_count--;
	memmove(mark, mark + 1,
	    (size_t)(s.marks + s.mark_count - mark) * sizeof *mark);
	take_begin_and_end(record, begin_ns, event->timestamp_ns, label);
}

/* One that took no time took no energy. */
static void
take_attempt(const struct feed_record *record, int64_t begin_ns,
    int64_t end_ns, const char *label)
{
	if (end_ns != begin_ns)
		take_begin_and_end(record, begin_ns, end_ns, label
		    ? report_copy(label, strlen(label)) : NULL);
}

/* An answer's attempts before the one that counts took energy too: each is a
 * span of the answer's name. */
static void
take_retried(const struct feed_record *record, const char *label)
{
	static const char *const of_answer = "retried";
	static const char *const edges[] = { "begin", "end" };
	struct json_value list, attempt, at[2];
	struct json_error error;
	const char *cursor = NULL;
	int64_t begin_ns, end_ns;

	if (!json_members(record->line, record->length, &of_answer, 1, &list,
	    &error) || list.kind != JSON_ARRAY)
		return;
	while (json_element(&list, &cursor, &attempt)) {
		if (attempt.kind != JSON_OBJECT || !json_members(attempt.at,
		    attempt.length, edges, 2, at, &error) ||
		    !clock_value(&at[0], &begin_ns) ||
		    !clock_value(&at[1], &end_ns))
			report_malformed(record->file, record->line_number,
			    "\"retried\" is not attempts with begin and end");
		else
			take_attempt(record, begin_ns, end_ns, label);
	}
}

static void
take_span(void *state, const struct feed_record *record)
{
	struct event event;
	const char *why;
	char *label;
	bool both, edge;

	(void)state;
	if (record->kind == SAMPLE_POWER)
		return;
	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	both = event.has_begin && event.has_end;
	edge = event.kind == EVENT_MARK || event.kind == EVENT_SPAN;
	if (event.kind == EVENT_OTHER ? !both : !edge)
		return;
	label = label_of(record, &event);
	if (s.label && !same(label, s.label)) {
		free(label);
		return;
	}
	if (json_is(&event.type, "answer"))
		take_retried(record, label);
	if (!both || (edge && event.edge_is_end && open_mark(label)))
		take_edge(record, &event, label);
	else if (edge && event.edge_is_end)
		free(label); /* the begin edge told it */
	else
		take_begin_and_end(record, event.begin_ns, event.end_ns,
		    label);
}

static int
by_begin(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

void
span_load(void)
{
	char *operands[] = { (char *)(uintptr_t)s.span_file, NULL };
	struct sample_nodes names = { 0 }; /* they say nothing of the stream */

	bool whole = feed_records(operands, &names, take_span, NULL);

	for (unsigned i = 0; i < names.count; i++)
		free(names.names[i]);
	free(names.names);
	for (size_t i = 0; i < s.mark_count; i++)
		report_error("%s: the begin of \"%s\" has no end",
		    s.span_file, s.marks[i].label ? s.marks[i].label : "");
	if (s.count == 0 && !whole)
		exit(STATUS_FAILED);
	if (s.count == 0)
		report_fatal("%s: no span%s%s", s.span_file,
		    s.label ? " named " : "", s.label ? s.label : "");
	qsort(s.spans, s.count, sizeof *s.spans, by_begin);
	s.resolved = true;
}
