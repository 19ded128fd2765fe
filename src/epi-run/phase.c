#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/result.h"
#include "epi-run/run.h"
#include "event.h"
#include "report.h"

static const char name[] = "phases";

/* Labels that are ours. */
static const char *const taken[] = { "run", "idle", "idle_after", "warmup" };

/* The engine's milliseconds are rounded, and arrivals are late by less. */
static const int64_t slack_ns = 10000000;

static bool any;

void
phase_start(void)
{
	char *file = run_file(name);

	close(run_open(file, O_WRONLY | O_CREAT | O_TRUNC));
	if (setenv("EPI_MARKS", file, 1) < 0)
		report_fatal("EPI_MARKS cannot be set");
}

/* Whether the command made marks. */
static bool
written(void)
{
	struct stat status;

	return stat(run_file(name), &status) == 0 && status.st_size > 0;
}

static bool
is_ours(const struct json_value *label)
{
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (json_is(label, taken[i]))
			return true;
	return false;
}

static void
take(void *state, const struct feed_record *record)
{
	struct event event;
	const char *why;

	(void)state;
	if (record->kind != SAMPLE_TYPED)
		return;
	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed("EPI_MARKS", record->line_number, "%s", why);
	} else if (event.kind != EVENT_MARK || is_ours(&event.label)) {
		report_malformed("EPI_MARKS", record->line_number, "not a mark "
		    "of a phase");
	} else {
		any = true;
		mark_copy(record->line, record->length);
	}
}

static void
put(const char *label, int64_t begin_ns, int64_t end_ns)
{
	if (end_ns <= begin_ns)
		return;
	mark_put(label, false, begin_ns, MARK_SPAN | MARK_EVENT);
	mark_put(label, true, end_ns, MARK_SPAN | MARK_EVENT);
}

/* The lines of distributed-llama come at their time; those of others come when
 * all is over. */
static bool
can_tell(const struct record *tokens)
{
	return json_is(&tokens->at[ENGINE], "distributed-llama") &&
	    json_is(&tokens->at[STATUS], "complete") &&
	    record_number(tokens, REQUESTS) == 1 &&
	    record_number(tokens, PREFILL_SECONDS) > 0 &&
	    record_number(tokens, DECODE_SECONDS) > 0;
}

/* Lines that were held back leave less time between the first and the last than
 * the engine says that it took. */
static const char *
by_log(const struct record *tokens)
{
	int64_t begin_ns, end_ns, prefill_ns, decode_ns;

	if (!clock_value(&tokens->at[BEGIN], &begin_ns) ||
	    !clock_value(&tokens->at[END], &end_ns) ||
	    !json_decimal(&tokens->at[PREFILL_SECONDS], 9, &prefill_ns) ||
	    !json_decimal(&tokens->at[DECODE_SECONDS], 9, &decode_ns) ||
	    begin_ns < run.begin_ns || end_ns > run.end_ns ||
	    prefill_ns + decode_ns > end_ns - begin_ns + slack_ns)
		return "the log's lines came too late to tell prefill from "
		    "decode";
	put("prefill", begin_ns, begin_ns + prefill_ns);
	put("decode", begin_ns + prefill_ns, end_ns);
	return NULL;
}

/* A row is written when its test is over: where one began before the one
 * before it was written, they were held back. */
static bool
tests_follow(void)
{
	int64_t last_ns = run.begin_ns;

	for (size_t i = 0; i < result.tests; i++) {
		const struct phase *test = &result.phases[i];

		if (!test->timed)
			continue;
		if (test->begin_ns < last_ns ||
		    test->end_ns > run.end_ns)
			return false;
		last_ns = test->end_ns;
	}
	return true;
}

static const char *
by_tests(void)
{
	if (!tests_follow())
		return "the rows came too late to tell one test from another";
	for (size_t i = 0; i < result.tests; i++)
		if (result.phases[i].timed)
			put(result.phases[i].label, result.phases[i].begin_ns,
			    result.phases[i].end_ns);
	return NULL;
}

const char *
phase_marks(const struct record *tokens)
{
	any = false;
	if (run.step_ns && written())
		return "this machine's clock was set, and the command's marks "
		    "are not by that of the samples";
	records_read(run_file(name), take);
	if (result.tests > 0)
		return by_tests();
	if (!any && tokens->line && can_tell(tokens))
		return by_log(tokens);
	return NULL;
}
