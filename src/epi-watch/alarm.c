#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "epi-watch/watch.h"
#include "report.h"

enum {
	OVER_SECONDS = 5,   /* power that was too high is told for so long, */
	LOST_SECONDS = 60,  /* and lost samples for so long */
	QUIET_SECONDS = 3   /* without any input */
};

/* A clamp the wrong way round: more than noise about zero. */
#define REVERSED_WATTS (-0.5)

struct list {
	struct alarm *alarms;
	int room, count;
};

static REPORT_FORMAT(4, 5) void
add(struct list *list, int node, const char *word, const char *format, ...)
{
	va_list arguments;

	if (list->count++ >= list->room)
		return;
	va_start(arguments, format);
	vsnprintf(list->alarms[list->count - 1].text, ALARM_TEXT, format,
	    arguments);
	va_end(arguments);
	snprintf(list->alarms[list->count - 1].word,
	    sizeof list->alarms->word, "%s", word);
	list->alarms[list->count - 1].node = node;
}

static bool
is_within(const struct view *view, int64_t ns, int seconds)
{
	return ns != INT64_MIN && view->account.latest_ns != INT64_MIN &&
	    view->account.latest_ns - ns <= seconds * CLOCK_SECOND;
}

static void
add_input(struct list *list, const struct view *view)
{
	const struct account *account = &view->account;
	double quiet = (double)(view->steady_ns - account->arrived_ns) / 1e9;

	if (account->unread)
		add(list, -1, "", "the input could not be read to its end");
	else if (account->ended && account->stops < account->starts)
		add(list, -1, "", "the stream broke off: no stop event");
	else if (!account->ended && quiet > QUIET_SECONDS)
		add(list, -1, "", "no input for %.0f s", quiet);
	for (int i = 0; i < account->source_count; i++)
		if (account->sources[i].away)
			add(list, -1, "", "%s %s unplugged",
			    account->sources[i].name, account->sources[i].id);
}

static void
add_node(struct list *list, const struct view *view, unsigned i)
{
	const struct node *node = &view->nodes[i];
	const char *name = view->names[i];
	int64_t silence_ns = node_silence(view, i);
	double watts = node_watts(node);

	if (is_within(view, node->over_ns, OVER_SECONDS))
		add(list, (int)i, "OVER", "%.40s %.2f W, over %.6g W", name,
		    (double)node->over_nw / 1e9,
		    (double)view->account.max_nw / 1e9);
	if (silence_ns > 0)
		add(list, (int)i, "SILENT", node->seen ? "%.40s silent %.1f s"
		    : "%.40s never heard in %.1f s", name,
		    (double)silence_ns / 1e9);
	else if (watts <= REVERSED_WATTS)
		add(list, (int)i, "REVERSED", "%.40s %.2f W: clamp reversed?",
		    name, watts);
	else if (node->energy.at_last.samples >= INTERVALS &&
	    node->energy.at_last.negative * 10 > node->energy.at_last.samples)
		add(list, (int)i, "REVERSED",
		    "%.40s often negative: clamp reversed?", name);
	if (is_within(view, node->lost_ns, LOST_SECONDS) ||
	    is_within(view, view->account.lost_ns, LOST_SECONDS))
		add(list, (int)i, "LOST", "%.40s lost %lld", name,
		    (long long)node_lost(view, i));
}

static void
add_lasting(struct list *list, const struct view *view)
{
	const struct account *account = &view->account;

	if (view->count == 0 &&
	    is_within(view, account->lost_ns, LOST_SECONDS))
		add(list, -1, "LOST", "%lld samples lost",
		    (long long)account->lost);
	for (int i = 0; i < account->source_count; i++)
		if (account->sources[i].valid_until_ns > 0 &&
		    account->sources[i].valid_until_ns < account->latest_ns)
			add(list, -1, "", "%s %s: calibration expired",
			    account->sources[i].name, account->sources[i].id);
	if (account->malformed > 0)
		add(list, -1, "", "%llu malformed record%s",
		    (unsigned long long)account->malformed,
		    account->malformed > 1 ? "s" : "");
}

int
alarm_list(const struct view *view, struct alarm *alarms, int room)
{
	struct list list = { alarms, room, 0 };

	add_input(&list, view);
	for (unsigned i = 0; i < view->count; i++)
		add_node(&list, view, i);
	add_lasting(&list, view);
	return list.count;
}
