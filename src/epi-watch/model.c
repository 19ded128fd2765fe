#define _XOPEN_SOURCE 700 /* recursive includes of pthread.h want it */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-watch/watch.h"
#include "event.h"
#include "feed.h"
#include "json.h"
#include "report.h"

enum { STALE_SECONDS = 5 }; /* an older quantity is not shown */

void
watch_start(struct watch *watch)
{
	struct account *account = &watch->account;

	pthread_mutex_init(&watch->lock, NULL);
	account->start_ns = account->earliest_ns = account->latest_ns =
	    account->stop_ns = account->lost_ns = INT64_MIN;
	account->max_nw = INT64_MAX;
	account->arrived_ns = clock_steady();
	account->tokens.decode_seconds = NAN;
}

static struct node *
node_at(struct watch *watch, unsigned index)
{
	while (watch->room <= index) {
		unsigned room = watch->room ? watch->room * 2 : 8;

		watch->nodes = report_resize(watch->nodes, room,
		    sizeof *watch->nodes);
		for (; watch->room < room; watch->room++)
			watch->nodes[watch->room] = (struct node){
				.peak_nw = INT64_MIN,
				.energy = { .step_uj = INT64_MAX,
				    .gap_limit_ns = INT64_MAX },
				.lost_ns = INT64_MIN, .over_ns = INT64_MIN,
				.mean_ns = INT64_MIN,
				.volts.ns = INT64_MIN, .hertz.ns = INT64_MIN,
				.power_factor.ns = INT64_MIN
			};
	}
	return &watch->nodes[index];
}

/* ---- samples */

static int
by_length(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int64_t
median(const int64_t *intervals, int count)
{
	int64_t sorted[INTERVALS];

	if (count == 0)
		return 0;
	memcpy(sorted, intervals, (size_t)count * sizeof *sorted);
	qsort(sorted, (size_t)count, sizeof *sorted, by_length);
	return sorted[count / 2];
}

int64_t
node_period(const struct node *node)
{
	return node->period_ns > 0 ? node->period_ns
	    : median(node->intervals, node->interval_count);
}

/* What of the first intervals is a gap is only known once the period is. */
static int64_t
early_gaps(const struct node *node, int64_t period_ns)
{
	int64_t gap_ns = 0;

	for (int i = 0; i < node->interval_count; i++)
		if (node->intervals[i] > period_ns * 5 / 2)
			gap_ns += node->intervals[i];
	return gap_ns;
}

static void
learn_period(struct node *node, int64_t interval_ns)
{
	node->intervals[node->interval_count++] = interval_ns;
	if (node->interval_count < INTERVALS)
		return;
	node->period_ns = node_period(node);
	node->energy.gap_limit_ns = node->period_ns * 5 / 2;
	node->energy.at_last.gap_ns += early_gaps(node, node->period_ns);
}

static void
take_quantity(const struct json_value *value, int64_t ns,
    struct quantity *quantity)
{
	if (json_double(value, &quantity->value))
		quantity->ns = ns;
}

static void
take_quantities(struct node *node, const struct feed_record *record)
{
	enum { VOLTS, POWER_FACTOR, HERTZ, CALIBRATION, KEYS };
	static const char *const keys[KEYS] = { "volts", "power_factor",
		"hertz", "calibration" };
	int64_t ns = record->sample.timestamp_ns;
	struct json_value values[KEYS];
	struct json_error error;

	if (!json_members(record->line, record->length, keys, KEYS, values,
	    &error))
		return;
	take_quantity(&values[VOLTS], ns, &node->volts);
	take_quantity(&values[POWER_FACTOR], ns, &node->power_factor);
	take_quantity(&values[HERTZ], ns, &node->hertz);
	node->uncalibrated = values[CALIBRATION].kind == JSON_NULL;
}

/* The sample lies in a later second than the one before: where that second ends,
 * its mean is known, if all of it was measured. */
static void
pass_second(struct node *node, const struct energy_reading *to, bool is_gap)
{
	int64_t second_ns = to->point.time_ns / CLOCK_SECOND * CLOCK_SECOND;
	int64_t end_ns = node->second_ns + CLOCK_SECOND;
	energy_units units = node->energy.at_last.trapezoid;

	if (!is_gap)
		units += energy_until(node->energy.last.point, to->point,
		    second_ns);
	if (!is_gap && second_ns == end_ns && node->second_whole) {
		node->mean_watts = energy_mean_watts(
		    units - node->second_units, CLOCK_SECOND);
		node->mean_ns = node->second_samples > 1 ? end_ns : INT64_MIN;
	} else {
		node->mean_ns = INT64_MIN;
	}
	node->second_ns = second_ns;
	node->second_units = units;
	node->second_whole = !is_gap || to->point.time_ns == second_ns;
	node->second_samples = 0;
}

static void
begin_node(struct node *node, const struct energy_reading *to)
{
	int64_t t = to->point.time_ns;

	node->seen = true;
	node->first_ns = t;
	node->energy.last = *to;
	node->second_ns = t / CLOCK_SECOND * CLOCK_SECOND;
	node->second_whole = t == node->second_ns;
	node->trace = trace_new(t);
}

/* False: it is not news; said where it is wrong. */
static bool
in_order(struct watch *watch, const struct energy_reading *last,
    const struct energy_reading *to, const struct feed_record *record)
{
	if (to->point.time_ns > last->point.time_ns)
		return true;
	if (to->point.time_ns == last->point.time_ns &&
	    to->point.watts_nw == last->point.watts_nw &&
	    to->joules_uj == last->joules_uj)
		return false;
	watch->account.malformed++;
	report_malformed(record->file, record->line_number, "%s",
	    to->point.time_ns == last->point.time_ns
	    ? "two different samples of one node at one time"
	    : "time goes backwards for its node");
	return false;
}

static void
move_node(struct node *node, const struct energy_reading *to)
{
	int64_t interval_ns = to->point.time_ns - node->energy.last.point.time_ns;
	bool is_gap = interval_ns > node_patience(node) &&
	    interval_ns > node->energy.gap_limit_ns;

	trace_add(node->trace, node->energy.last.point, to->point,
	    interval_ns > node->energy.gap_limit_ns);
	if (to->point.time_ns >= node->second_ns + CLOCK_SECOND)
		pass_second(node, to, is_gap);
	energy_advance(&node->energy, to);
	if (node->period_ns == 0)
		learn_period(node, interval_ns);
}

static void
note_peaks(struct node *node, const struct sample *sample, int64_t max_nw)
{
	if (sample->watts_nw > node->peak_nw)
		node->peak_nw = sample->watts_nw;
	if (sample->watts_nw > max_nw) {
		node->over_nw = sample->watts_nw;
		node->over_ns = sample->timestamp_ns;
	}
	node->second_samples++;
}

void
watch_sample(struct watch *watch, const struct feed_record *record)
{
	const struct sample *sample = &record->sample;
	struct node *node = node_at(watch, sample->node);
	struct account *account = &watch->account;
	struct energy_reading to = {
		.point = { sample->timestamp_ns, sample->watts_nw },
		.joules_uj = sample->joules_uj,
		.has_joules = sample->has_joules
	};

	if (node->seen && !in_order(watch, &node->energy.last, &to, record))
		return;
	if (node->seen)
		move_node(node, &to);
	else
		begin_node(node, &to);
	account->samples++;
	note_peaks(node, sample, account->max_nw);
	take_quantities(node, record);
	if (account->earliest_ns == INT64_MIN ||
	    sample->timestamp_ns < account->earliest_ns)
		account->earliest_ns = sample->timestamp_ns;
	if (sample->timestamp_ns > account->latest_ns)
		account->latest_ns = sample->timestamp_ns;
}

/* ---- events */

static void
copy_word(char word[WORD], const struct json_value *value)
{
	char text[512];
	long length = json_string(value, text, sizeof text);

	if (length < 0)
		return;
	if (length >= WORD)
		length = WORD - 1;
	memcpy(word, text, (size_t)length);
	word[length] = '\0';
}

/* The source of an id, or of a name where it has none; the last one stands for
 * all that are too many. */
static struct source *
source_of(struct account *account, const struct event *event, bool make)
{
	char id[WORD] = "", name[WORD] = "";
	struct source *source;

	copy_word(id, &event->instrument_id);
	copy_word(name, &event->instrument);
	for (int i = 0; i < account->source_count; i++)
		if (strcmp(account->sources[i].id, id) == 0 &&
		    (*id || !*name || strcmp(account->sources[i].name, name) == 0))
			return &account->sources[i];
	if (!make)
		return NULL;
	if (account->source_count < SOURCES)
		account->source_count++;
	source = &account->sources[account->source_count - 1];
	*source = (struct source){ .bound_seconds = -1 };
	memcpy(source->id, id, WORD);
	memcpy(source->name, name, WORD);
	return source;
}

/* What a start before said of it is of the samples before. */
static void
take_calibration(struct source *source, const struct json_value *value)
{
	enum { CORRECTED, VALID_UNTIL, TRACEABLE, KEYS };
	static const char *const keys[KEYS] = { "corrected", "valid_until",
		"traceable" };
	struct json_value values[KEYS];
	struct json_error error;

	source->calibration = CALIBRATION_UNKNOWN;
	source->valid_until_ns = 0;
	source->traceable = false;
	if (value->kind != JSON_OBJECT ||
	    !json_members(value->at, value->length, keys, KEYS, values, &error))
		return;
	if (values[CORRECTED].kind == JSON_FALSE)
		source->calibration = CALIBRATION_NONE;
	if (values[CORRECTED].kind != JSON_TRUE)
		return;
	source->calibration = CALIBRATED;
	clock_value(&values[VALID_UNTIL], &source->valid_until_ns);
	source->traceable = values[TRACEABLE].kind == JSON_TRUE;
}

static void
announce_node(struct watch *watch, unsigned index, const struct event *event,
    const struct source *source)
{
	struct node *node = node_at(watch, index);
	int64_t delay_ns;

	if (source->rate_hz > 0 && source->rate_hz < 1e6) {
		node->period_ns = (int64_t)(1e9 / source->rate_hz + 0.5);
		node->energy.gap_limit_ns = node->period_ns * 5 / 2;
	}
	json_decimal(&event->joules_wrap, 6, &node->energy.wrap_uj);
	json_decimal(&event->joules_resolution, 6, &node->resolution_uj);
	if (!node->seen && json_decimal(&event->delay_seconds, 9, &delay_ns) &&
	    delay_ns >= 0)
		node->energy.delay_ns = delay_ns;
}

static void
take_start(struct watch *watch, const struct feed_record *record,
    const struct event *event)
{
	static const char *const keys[] = { "calibration" };
	struct account *account = &watch->account;
	struct source *source = source_of(account, event, true);
	struct json_value element, value;
	struct json_error error;
	const char *cursor = NULL;
	char name[SAMPLE_NODE_MAX + 1];

	account->starts++;
	account->simulated |= event->simulated;
	if (event->has_timestamp && (account->start_ns == INT64_MIN ||
	    event->timestamp_ns < account->start_ns))
		account->start_ns = event->timestamp_ns;
	source->away = false;
	json_double(&event->rate_hz, &source->rate_hz);
	if (json_members(record->line, record->length, keys, 1, &value, &error))
		take_calibration(source, &value);
	while (json_element(&event->nodes, &cursor, &element)) {
		long length = json_string(&element, name, sizeof name);

		if (length > 0)
			announce_node(watch, sample_node(&watch->names, name,
			    (size_t)length), event, source);
	}
}

static void
take_stop(struct account *account, const struct event *event)
{
	account->stops++;
	account->simulated |= event->simulated;
	if (event->has_timestamp && event->timestamp_ns > account->stop_ns)
		account->stop_ns = event->timestamp_ns;
}

static void
take_lost(struct watch *watch, const struct event *event)
{
	struct account *account = &watch->account;
	char name[SAMPLE_NODE_MAX + 1];
	long length = json_string(&event->node, name, sizeof name);
	int64_t count = event->count > 0 ? event->count : 1;
	int64_t ns = event->has_timestamp ? event->timestamp_ns
	    : account->latest_ns;

	if (length > 0) {
		struct node *node = node_at(watch, sample_node(&watch->names,
		    name, (size_t)length));

		node->lost += count;
		node->lost_ns = ns;
		return;
	}
	account->lost += count;
	account->lost_ns = ns;
}

/* After a reset the counter starts anew, even where it reads higher; one of no
 * node is of every node that was heard. */
static void
take_reset(struct watch *watch, const struct event *event)
{
	char name[SAMPLE_NODE_MAX + 1];
	long length = json_string(&event->node, name, sizeof name);

	for (unsigned i = 0; i < watch->names.count; i++)
		if (length <= 0 || strcmp(watch->names.names[i], name) == 0)
			node_at(watch, i)->energy.last.has_joules = false;
}

/* The clock of another host says nothing of an instrument's. */
static void
take_clock(struct account *account, const struct feed_record *record,
    const struct event *event)
{
	enum { BOUND, HOST, KEYS };
	static const char *const keys[KEYS] = { "bound", "host" };
	struct json_value values[KEYS];
	struct json_error error;
	double bound;

	if (!json_members(record->line, record->length, keys, KEYS, values,
	    &error) || values[HOST].kind == JSON_STRING ||
	    !json_double(&values[BOUND], &bound) || bound < 0)
		return;
	for (int i = 0; i < account->source_count; i++)
		if (event->instrument_id.kind != JSON_STRING ||
		    json_is(&event->instrument_id, account->sources[i].id))
			account->sources[i].bound_seconds = bound;
}

static void
set_away(struct account *account, const struct event *event, bool away)
{
	struct source *source = source_of(account, event, false);

	if (source)
		source->away = away;
	else
		for (int i = 0; i < account->source_count; i++)
			account->sources[i].away = away;
}

void
watch_record(struct watch *watch, const struct feed_record *record)
{
	struct account *account = &watch->account;
	struct event event;
	const char *why;

	if (!event_read(record->line, record->length, &event, &why)) {
		account->malformed++;
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	if (event.kind == EVENT_START)
		take_start(watch, record, &event);
	else if (event.kind == EVENT_STOP)
		take_stop(account, &event);
	else if (event.kind == EVENT_LOST)
		take_lost(watch, &event);
	else if (event.kind == EVENT_RESET)
		take_reset(watch, &event);
	else if (event.kind == EVENT_CLOCK)
		take_clock(account, record, &event);
	else if (event.kind == EVENT_DISCONNECT)
		set_away(account, &event, true);
	else if (event.kind == EVENT_RECONNECT)
		set_away(account, &event, false);
	else if (event.kind == EVENT_MARK && event.edge_is_end)
		*account->label = '\0';
	else if (event.kind == EVENT_MARK)
		copy_word(account->label, &event.label);
}

/* ---- views */

void
watch_view(struct watch *watch, struct view *view, int level)
{
	unsigned count;

	pthread_mutex_lock(&watch->lock);
	count = watch->names.count;
	if (count > 0)
		node_at(watch, count - 1);
	if (view->room < count) {
		view->nodes = report_resize(view->nodes, count,
		    sizeof *view->nodes);
		view->names = report_resize(view->names, count,
		    sizeof *view->names);
		view->buckets = report_resize(view->buckets, count,
		    TRACE_BUCKETS * sizeof *view->buckets);
		view->room = count;
	}
	view->account = watch->account;
	view->count = count;
	view->level = level;
	view->steady_ns = clock_steady();
	for (unsigned i = 0; i < count; i++) {
		view->nodes[i] = watch->nodes[i];
		view->names[i] = watch->names.names[i];
		if (watch->nodes[i].trace)
			trace_copy(watch->nodes[i].trace, level,
			    watch->account.latest_ns,
			    view->buckets + i * TRACE_BUCKETS);
		else
			memset(view->buckets + i * TRACE_BUCKETS, 0,
			    TRACE_BUCKETS * sizeof *view->buckets);
	}
	pthread_mutex_unlock(&watch->lock);
}

void
watch_forget(struct watch *watch, struct view *view)
{
	for (unsigned i = 0; i < watch->room; i++)
		free(watch->nodes[i].trace);
	for (unsigned i = 0; i < watch->names.count; i++)
		free(watch->names.names[i]);
	free(watch->names.names);
	free(watch->nodes);
	free(view->nodes);
	free(view->names);
	free(view->buckets);
}

energy_units
node_joules(const struct node *node)
{
	struct energy_tally tally = energy_at_last(&node->energy);

	if (tally.uncounted > 0 || tally.resets > 0 ||
	    node->energy.lead_is_short || energy_is_behind(&node->energy,
	    node->energy.last.point.time_ns) ||
	    energy_is_coarse(tally.trapezoid,
	    energy_step(node->energy.step_uj, node->resolution_uj)))
		return tally.trapezoid;
	return energy_counter(&tally);
}

int64_t
node_lost(const struct view *view, unsigned index)
{
	return view->nodes[index].lost + view->account.lost;
}

double
node_watts(const struct node *node)
{
	if (!node->seen)
		return NAN;
	if (node->mean_ns == node->second_ns)
		return node->mean_watts;
	return (double)node->energy.last.point.watts_nw / 1e9;
}

int64_t
node_patience(const struct node *node)
{
	int64_t limit_ns = node_period(node) / 2 * 5;

	return limit_ns > CLOCK_SECOND ? limit_ns : CLOCK_SECOND;
}

int64_t
node_silence(const struct view *view, unsigned index)
{
	const struct node *node = &view->nodes[index];
	int64_t since_ns = node->seen ? node->energy.last.point.time_ns
	    : view->account.start_ns;
	int64_t silence_ns = view->account.latest_ns - since_ns;

	if (since_ns == INT64_MIN || view->account.latest_ns == INT64_MIN)
		return 0;
	return silence_ns > node_patience(node) ? silence_ns : 0;
}

/* As epi-integrate bounds a whole stream: by its samples, and by its events
 * where silence lies between. */
static int64_t
span_of(const struct view *view, int64_t *begin_ns)
{
	const struct account *account = &view->account;
	int64_t end_ns = account->latest_ns, period_ns = 0;

	*begin_ns = account->earliest_ns;
	for (unsigned i = 0; i < view->count; i++)
		if (node_period(&view->nodes[i]) > period_ns)
			period_ns = node_period(&view->nodes[i]);
	if (account->earliest_ns == INT64_MIN)
		return 0;
	if (account->start_ns != INT64_MIN &&
	    *begin_ns - account->start_ns > period_ns * 5 / 2)
		*begin_ns = account->start_ns;
	if (account->stop_ns != INT64_MIN &&
	    account->stop_ns - end_ns > period_ns * 5 / 2)
		end_ns = account->stop_ns;
	return end_ns - *begin_ns;
}

double
view_coverage(const struct view *view, unsigned index)
{
	const struct node *node = &view->nodes[index];
	int64_t begin_ns, span_ns = span_of(view, &begin_ns), measured_ns;

	if (span_ns <= 0)
		return NAN;
	if (!node->seen)
		return 0;
	measured_ns = node->energy.last.point.time_ns - node->first_ns -
	    node->energy.at_last.gap_ns;
	if (node->period_ns == 0)
		measured_ns -= early_gaps(node, node_period(node));
	return (double)measured_ns / (double)span_ns;
}

/* As epi-integrate's: over the time from its first sample to its last. */
static double
node_mean(const struct node *node)
{
	int64_t ns = node->energy.last.point.time_ns - node->first_ns;

	return node->seen && ns > 0 ? energy_mean_watts(node_joules(node), ns)
	    : NAN;
}

double
quantity_fresh(const struct view *view, const struct quantity *quantity)
{
	return quantity->ns == INT64_MIN || view->account.latest_ns -
	    quantity->ns > STALE_SECONDS * CLOCK_SECOND ? NAN
	    : quantity->value;
}

void
view_total(const struct view *view, struct total *total)
{
	int64_t begin_ns;

	*total = (struct total){
		.watts = view->count > 0 ? 0 : NAN, .coverage = NAN,
		.mean_watts = view->count > 0 ? 0 : NAN,
		.lost = view->count > 0 ? 0 : view->account.lost,
		.seconds = (double)span_of(view, &begin_ns) / 1e9
	};
	for (unsigned i = 0; i < view->count; i++) {
		const struct node *node = &view->nodes[i];
		double coverage = view_coverage(view, i);

		total->watts += node_silence(view, i) > 0 ? NAN
		    : node_watts(node);
		total->joules += node->seen ? node_joules(node) : 0;
		total->mean_watts += node_mean(node);
		total->lost += node_lost(view, i);
		if (!(total->coverage <= coverage))
			total->coverage = coverage;
	}
}
