/* epi-ask - put questions to an OpenAI-compatible endpoint */
/* link: -lcurl -lnettle */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "epi-ask/health.h"
#include "epi-ask/input.h"
#include "epi-ask/journal.h"
#include "epi-ask/progress.h"
#include "epi-ask/question.h"
#include "epi-ask/token.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-ask --url URL [--backoff D] [--engine NAME] [--jobs N]\n"
"               [--max-tokens N] [--model M] [--progress] [--resume FILE]\n"
"               [--retries N] [--seed N] [--stream] [--temperature X]\n"
"               [--timeout D] [--token-env NAME] [--token-file FILE] [FILE ...]\n"
"       epi-ask --health --url URL [--try]\n"
"Ask the items' prompts; write one answer record for each, in their order.\n"
"\n"
"  -u, --url URL          the endpoint, with or without /v1\n"
"      --backoff D        wait before a question is asked again, doubled each\n"
"                         time (1s)\n"
"  -e, --engine NAME      auto, dllama-api, llama-server, ollama, vllm, other\n"
"      --health           say whether it is ready; status 3: it is not\n"
"  -j, --jobs N           questions at a time (1)\n"
"      --max-tokens N     tokens to generate at most, whatever the items say\n"
"  -m, --model M          the model to name (the first one it lists)\n"
"      --progress         tell how far it is on standard error\n"
"  -r, --resume FILE      answers are kept there at once; what it has is not\n"
"                         asked again\n"
"      --retries N        times that a failed question is asked again (2)\n"
"      --seed N           of sampling (1)\n"
"      --stream           let it stream, and time the first token\n"
"      --temperature X    of sampling (0)\n"
"      --timeout D        of one exchange (10m; with --health 5s)\n"
"      --token-env NAME   the environment variable that has the bearer token\n"
"      --token-file FILE  the file that has it\n"
"      --try              with --health: have one token generated\n"
"  -h, --help             show this and exit\n"
"      --version          show the version and exit\n"
"\n"
"Example: epi-ask --url http://pi1:9990 --resume run.ndjson items.ndjson >answers.ndjson\n";

enum {
	IN_A_ROW = 5,        /* failures that stop the run */
	AHEAD = 4,           /* questions read for each job: answers wait for
	                        their predecessors */
	JOBS_MOST = 256,
	BACKOFF_MOST_SECONDS = 60,
	PATIENCE_SECONDS = 600, /* a longer Retry-After is not waited for */
	SLEEP_MS = 60000
};

struct job {
	struct call call;
	struct reply reply;
	enum reply_kind kind;
	struct question *question; /* NULL: free */
};

static struct {
	/* As the command line says. */
	const char *url, *resume, *token_env, *token_file;
	bool health, try, progress_wanted;
	int64_t jobs_wanted, retries, backoff_ns;
	struct wire wire;
	struct request request;
	struct engine_facts facts;

	struct input input;
	struct journal journal;
	struct progress progress;
	struct question *questions; /* a ring: those from `head` on */
	size_t room, head, count;
	struct job *jobs;
	size_t busy;
	CURLM *multi;
	bool known;    /* which engine it is */
	bool ended;    /* the input */
	bool stopped;  /* nothing more is asked */
	bool signalled;
	int in_a_row;
	int wake;      /* readable once a signal came */
} s = {
	.jobs_wanted = 1, .retries = 2, .backoff_ns = CLOCK_SECOND,
	.request = { .max_tokens = -1, .seed = 1 }
};

enum {
	OPTION_BACKOFF = OPTION_LONG, OPTION_HEALTH, OPTION_MAX_TOKENS,
	OPTION_PROGRESS, OPTION_RETRIES, OPTION_SEED, OPTION_STREAM,
	OPTION_TEMPERATURE, OPTION_TIMEOUT, OPTION_TOKEN_ENV,
	OPTION_TOKEN_FILE, OPTION_TRY
};

static void
take_number(int letter, const char *argument)
{
	switch (letter) {
	case 'j':
		s.jobs_wanted = option_integer("--jobs", argument, 1, JOBS_MOST);
		break;
	case OPTION_BACKOFF:
		s.backoff_ns = option_duration("--backoff", argument);
		break;
	case OPTION_MAX_TOKENS:
		s.request.max_tokens = option_integer("--max-tokens", argument,
		    1, 1 << 24);
		break;
	case OPTION_RETRIES:
		s.retries = option_integer("--retries", argument, 0, 1000);
		break;
	case OPTION_SEED:
		s.request.seed = option_integer("--seed", argument, 0,
		    INT64_C(0xFFFFFFFF));
		break;
	case OPTION_TEMPERATURE:
		s.request.temperature = option_double("--temperature",
		    argument, 0, 100);
		break;
	default:
		s.wire.timeout_ns = option_duration("--timeout", argument);
		break;
	}
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case 'u':
		s.url = argument;
		break;
	case 'e':
		s.facts.engine = (enum engine)option_word("--engine", argument,
		    engine_names);
		break;
	case 'm':
		s.request.model = argument;
		break;
	case 'r':
		s.resume = argument;
		break;
	case OPTION_HEALTH:
		s.health = true;
		break;
	case OPTION_PROGRESS:
		s.progress_wanted = true;
		break;
	case OPTION_STREAM:
		s.request.stream = true;
		break;
	case OPTION_TOKEN_ENV:
		s.token_env = argument;
		break;
	case OPTION_TOKEN_FILE:
		s.token_file = argument;
		break;
	case OPTION_TRY:
		s.try = true;
		break;
	default:
		take_number(letter, argument);
		break;
	}
}

static void
look_for_signal(void)
{
	char byte;

	if (read(s.wake, &byte, 1) == 1)
		s.stopped = s.signalled = true;
}

/* Which engine it is. */

static void
nap(int64_t ns)
{
	struct timespec time = { .tv_sec = (time_t)(ns / CLOCK_SECOND),
		.tv_nsec = (long)(ns % CLOCK_SECOND) };

	nanosleep(&time, NULL); /* a signal ends it, and is looked for */
	look_for_signal();
}

static int64_t
wait_ns(int64_t tries)
{
	int64_t most_ns = BACKOFF_MOST_SECONDS * CLOCK_SECOND, ns = s.backoff_ns;

	while (--tries > 0 && ns < most_ns)
		ns *= 2;
	return ns < most_ns || ns == s.backoff_ns ? ns : most_ns;
}

/* Says what the endpoint is and how it is asked; false: it cannot be. */
static bool
find_engine(void)
{
	struct call call = { 0 };
	const char *outcome = NULL;
	bool asks = s.facts.engine == ENGINE_AUTO || !s.request.model;

	wire_open(&s.wire, &call);
	for (int64_t tries = 1; asks; tries++) {
		outcome = engine_find(&s.wire, &call, &s.facts);
		if (!outcome || tries > s.retries || s.stopped)
			break;
		nap(wait_ns(tries));
	}
	if (outcome)
		report_error("%s: %s%s%s: nothing was asked", s.wire.base,
		    outcome, *call.words ? ": " : "", call.words);
	wire_close(&call);
	if (!s.request.model && *s.facts.model)
		s.request.model = s.facts.model;
	s.request.engine = s.facts.engine;
	if (!outcome && s.request.stream && s.facts.engine == ENGINE_DLLAMA)
		report_warning("dllama-api tells no usage with --stream: "
		    "tokens are unknown");
	s.known = !outcome;
	return s.known;
}

/* Reading questions. */

/* The ring has a free place at its end for it. */
static struct question *
free_question(void)
{
	return &s.questions[(s.head + s.count) % s.room];
}

/* An answer of before is graded by what it says of its item. */
static void
admit_answered(struct question *question)
{
	struct json_value key;

	if (!question_fits(question, &key)) {
		report_error("%s:%llu: %s has an answer to another item of this "
		    "id: %.*s differs", s.input.file,
		    (unsigned long long)s.input.line, s.resume,
		    (int)key.length, key.at);
		s.stopped = true;
		return;
	}
	question->state = QUESTION_DONE;
	s.count++;
	s.progress.done++;
	s.progress.done_bytes += (int64_t)question->item.line.length + 1;
}

/* An item into the ring: done already, or to be asked. */
static void
admit(struct question *question)
{
	const char *refusal;

	if (!s.known && !find_engine()) {
		s.stopped = true;
		return;
	}
	refusal = request_refuses(&s.request, &question->item);
	if (refusal) {
		report_error("%s:%llu: %s %s", s.input.file,
		    (unsigned long long)s.input.line,
		    engine_names[s.facts.engine], refusal);
		s.stopped = true;
		return;
	}
	question_start(question);
	request_sha256(&s.request, &question->item, question->request_sha256);
	switch (journal_look(&s.journal, &question->item,
	    question->request_sha256, &question->record)) {
	case JOURNAL_NEW:
		s.count++;
		s.busy++;
		return;
	case JOURNAL_ANSWERED:
		admit_answered(question);
		return;
	case JOURNAL_TWICE:
		report_malformed(s.input.file, s.input.line,
		    "a question of this id was there before");
		return;
	case JOURNAL_OTHERWISE:
		report_error("%s:%llu: %s has an answer to another request: "
		    "prompt, model or options differ", s.input.file,
		    (unsigned long long)s.input.line, s.resume);
		break;
	case JOURNAL_FAILED:
		break;
	}
	s.stopped = true;
}

static void
take_line(const char *line, size_t length)
{
	struct question *question = free_question();
	const char *why;

	if (length == 0)
		return;
	switch (item_read(&question->item, line, length, &why)) {
	case ITEM_WANTED:
		admit(question);
		break;
	case ITEM_BAD:
		report_malformed(s.input.file, s.input.line, "%s", why);
		break;
	case ITEM_OTHER:
		break;
	}
}

static bool
wants_line(void)
{
	return !s.ended && !s.stopped && s.count < s.room &&
	    s.busy < (size_t)s.jobs_wanted;
}

/* False: a line is wanted, and none is there yet. */
static bool
take_lines(void)
{
	const char *line;
	size_t length;

	while (wants_line())
		switch (input_next(&s.input, &line, &length)) {
		case INPUT_LINE:
			take_line(line, length);
			break;
		case INPUT_WAIT:
			return false;
		case INPUT_END:
			s.ended = true;
			break;
		}
	return true;
}

/* Asking. */

/* The first token of a stream is timed as it arrives. */
static void
arrived(struct call *call)
{
	struct job *job = call->owner;

	reply_events(&job->reply, &call->got, false);
	if (job->reply.text.length && !job->question->first_steady_ns)
		job->question->first_steady_ns = clock_steady();
}

static void
ask(struct job *job)
{
	struct question *question = job->question;

	job->kind = request_kind(&s.request, &question->item, question->step);
	request_body(&s.request, &question->item, question->step,
	    &job->call.sent);
	reply_start(&job->reply);
	job->call.events = s.request.stream && job->kind == REPLY_CHAT;
	question->first_steady_ns = 0;
	question->state = QUESTION_ASKED;
	question->attempts++;
	question->tries++;
	wire_prepare(&s.wire, &job->call, request_path(job->kind), true);
	if (curl_multi_add_handle(s.multi, job->call.easy) != CURLM_OK)
		report_fatal("libcurl does not take a request");
}

/* What stays as it is however often it is asked. */
static bool
is_final(const struct job *job)
{
	static const char *const classes[] = {
		"too_long", "http_3xx", "http_4xx", "tls"
	};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (strcmp(job->question->error, classes[i]) == 0)
			return true;
	return job->reply.no_logprobs ||
	    job->call.retry_after_seconds > PATIENCE_SECONDS;
}

static void
count_failure(const struct question *question)
{
	if (!question_unanswered(question)) {
		s.in_a_row = 0;
		return;
	}
	s.progress.failed++;
	if (++s.in_a_row < IN_A_ROW || s.stopped)
		return;
	s.stopped = true;
	report_error("%d questions in a row were not answered, the last one: "
	    "%s%s%s: stopped", IN_A_ROW, question->error,
	    *question->detail ? ": " : "", question->detail);
}

static void
finish(struct job *job)
{
	struct question *question = job->question;

	token_redact(s.wire.token, question->detail);
	question_record(question, &s.request, &s.facts);
	journal_add(&s.journal, &question->record);
	question->state = QUESTION_DONE;
	count_failure(question);
	s.progress.done++;
	s.progress.asked++;
	s.progress.done_bytes += (int64_t)question->item.line.length + 1;
	job->question = NULL;
	s.busy--;
}

static void
fail(struct job *job)
{
	struct question *question = job->question;
	int64_t ns = wait_ns(question->tries), after_ns;

	if (job->reply.no_logprobs && !s.stopped) {
		report_error("%s: gives no log-probabilities", s.wire.base);
		s.stopped = true;
	}
	if (is_final(job) || question->tries > s.retries || s.stopped) {
		finish(job);
		return;
	}
	after_ns = (int64_t)(job->call.retry_after_seconds * 1e9);
	question->not_before_ns = clock_steady() + (after_ns > ns ? after_ns : ns);
	question->state = QUESTION_WAITING;
}

/* What an exchange gave, as a reply with its class of failure. */
static void
judge(struct job *job, const char *outcome)
{
	struct call *call = &job->call;
	struct reply *reply = &job->reply;

	if (!outcome && call->events)
		reply_events(reply, &call->got, true);
	if (!outcome && !reply->events) {
		reply_read(reply, job->kind, &call->got, &job->question->item,
		    job->question->before);
	} else if (outcome && call->http_status >= 300 &&
	    strncmp(outcome, "http_", 5) == 0) {
		reply_refusal(reply, &call->got);
		if (!reply->error)
			reply->error = outcome;
	} else if (outcome) {
		reply_fail(reply, outcome, call->words);
	}
}

static void
complete(struct job *job, CURLcode code)
{
	struct question *question = job->question;

	curl_multi_remove_handle(s.multi, job->call.easy);
	judge(job, wire_outcome(&job->call, code));
	question_take(question, &job->call, &job->reply, job->kind);
	if (question->error) {
		fail(job);
		return;
	}
	question->tries = 0;
	if (++question->step < request_steps(&s.request, &question->item))
		ask(job);
	else
		finish(job);
}

static void
complete_all(void)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(s.multi, &left))) {
		char *job = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
		complete(((struct call *)(void *)job)->owner,
		    message->data.result);
	}
}

/* Questions without a job get one. */
static void
assign(void)
{
	size_t job = 0;

	for (size_t i = 0; i < s.count; i++) {
		struct question *question = &s.questions[(s.head + i) % s.room];

		if (question->state != QUESTION_WAITING || question->attempts)
			continue;
		while (s.jobs[job].question)
			job++;
		s.jobs[job].question = question;
		ask(&s.jobs[job]);
	}
}

/* Asks those whose time has come; the ms until the next one's. */
static int
ask_again(void)
{
	int64_t now_ns = clock_steady(), least_ns = SLEEP_MS * INT64_C(1000000);

	for (size_t i = 0; i < (size_t)s.jobs_wanted; i++) {
		struct question *question = s.jobs[i].question;

		if (!question || question->state != QUESTION_WAITING)
			continue;
		if (s.stopped)
			finish(&s.jobs[i]);
		else if (question->not_before_ns <= now_ns) {
			question_again(question);
			ask(&s.jobs[i]);
		} else if (question->not_before_ns - now_ns < least_ns)
			least_ns = question->not_before_ns - now_ns;
	}
	return (int)(least_ns / 1000000) + 1;
}

static void
write_done(void)
{
	while (s.count && s.questions[s.head].state == QUESTION_DONE) {
		stream_copy(s.questions[s.head].record.at,
		    s.questions[s.head].record.length);
		s.head = (s.head + 1) % s.room;
		s.count--;
	}
}

/* Flush before sleep, as everywhere. */
static void
wait_for_more(bool for_line, int most_ms)
{
	struct curl_waitfd others[] = {
		{ .fd = s.wake, .events = CURL_WAIT_POLLIN },
		{ .fd = s.input.in.fd, .events = CURL_WAIT_POLLIN }
	};

	progress_tell(&s.progress, false);
	if (s.progress.on && most_ms > 1000)
		most_ms = 1000;
	stream_flush();
	if (curl_multi_poll(s.multi, others, for_line ? 2 : 1, most_ms,
	    NULL) != CURLM_OK)
		report_fatal("libcurl cannot wait");
}

static void
ask_all(void)
{
	bool for_line;
	int running, most_ms;

	for (;;) {
		for_line = !take_lines();
		assign();
		if (curl_multi_perform(s.multi, &running) != CURLM_OK)
			report_fatal("libcurl cannot go on");
		complete_all();
		write_done();
		look_for_signal();
		if (!s.busy && (s.ended || s.stopped) && !s.count)
			return;
		most_ms = ask_again();
		if (for_line || (s.busy && !wants_line()))
			wait_for_more(for_line, most_ms);
	}
}

/* Begin and end. */

static void
prepare(void)
{
	s.room = (size_t)s.jobs_wanted * AHEAD;
	s.questions = report_resize(NULL, s.room, sizeof *s.questions);
	memset(s.questions, 0, s.room * sizeof *s.questions);
	s.jobs = report_resize(NULL, (size_t)s.jobs_wanted, sizeof *s.jobs);
	memset(s.jobs, 0, (size_t)s.jobs_wanted * sizeof *s.jobs);
	for (size_t i = 0; i < (size_t)s.jobs_wanted; i++) {
		s.jobs[i].call.owner = &s.jobs[i];
		s.jobs[i].call.arrived = arrived;
		wire_open(&s.wire, &s.jobs[i].call);
	}
	s.multi = curl_multi_init();
	if (!s.multi)
		report_fatal("libcurl does not start");
	curl_multi_setopt(s.multi, CURLMOPT_MAXCONNECTS, (long)s.jobs_wanted);
}

static void
release(void)
{
	for (size_t i = 0; i < (size_t)s.jobs_wanted; i++) {
		wire_close(&s.jobs[i].call);
		reply_free(&s.jobs[i].reply);
	}
	for (size_t i = 0; i < s.room; i++)
		question_free(&s.questions[i]);
	curl_multi_cleanup(s.multi);
	input_close(&s.input);
	request_forget();
	free(s.jobs);
	free(s.questions);
}

/* Whether something of the input was left unasked. */
static bool
is_cut_short(void)
{
	const char *line;
	size_t length;

	return s.stopped && !s.ended &&
	    input_next(&s.input, &line, &length) != INPUT_END;
}

static void
conclude(void)
{
	progress_tell(&s.progress, true);
	if (s.progress.failed)
		report_error("%llu of %llu questions were not answered; "
		    "with --resume they are asked again",
		    (unsigned long long)s.progress.failed,
		    (unsigned long long)s.progress.done);
	if (s.signalled && is_cut_short())
		report_error("interrupted: the rest was not asked");
}

static void
run(char **operands)
{
	if (s.resume && !journal_open(&s.journal, s.resume))
		return;
	s.wake = stream_wake();
	input_start(&s.input, operands);
	s.progress.total_bytes = s.input.total_bytes;
	progress_start(&s.progress, s.progress_wanted);
	prepare();
	ask_all();
	conclude();
	release();
}

static void
check(char **operands)
{
	if (!s.url)
		report_usage("where to? give --url URL");
	if (s.try && !s.health)
		report_usage("--try is for --health");
	if (s.health && operands[0])
		report_usage("--health reads nothing: %s", operands[0]);
	if (s.health && s.resume)
		report_usage("--health asks nothing: --resume");
	if (s.token_env && s.token_file)
		report_usage("--token-env and --token-file: one of them");
	if (!s.wire.timeout_ns)
		s.wire.timeout_ns = (s.health ? 5 : 600) * CLOCK_SECOND;
	s.wire.token = token_read(s.token_env, s.token_file);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		report_fatal("libcurl does not start");
	wire_base(&s.wire, s.url);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "backoff", required_argument, NULL, OPTION_BACKOFF },
		{ "engine", required_argument, NULL, 'e' },
		{ "health", no_argument, NULL, OPTION_HEALTH },
		{ "jobs", required_argument, NULL, 'j' },
		{ "max-tokens", required_argument, NULL, OPTION_MAX_TOKENS },
		{ "model", required_argument, NULL, 'm' },
		{ "progress", no_argument, NULL, OPTION_PROGRESS },
		{ "resume", required_argument, NULL, 'r' },
		{ "retries", required_argument, NULL, OPTION_RETRIES },
		{ "seed", required_argument, NULL, OPTION_SEED },
		{ "stream", no_argument, NULL, OPTION_STREAM },
		{ "temperature", required_argument, NULL, OPTION_TEMPERATURE },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "token-env", required_argument, NULL, OPTION_TOKEN_ENV },
		{ "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
		{ "try", no_argument, NULL, OPTION_TRY },
		{ 0 }
	};
	static const struct option_program program = {
		.name = "epi-ask", .help = help, .letters = "u:e:j:m:r:",
		.options = options, .take = take_option
	};
	char **operands = option_start(argc, argv, &program);
	bool ready = true;
	int status;

	check(operands);
	if (s.health)
		ready = health_tell(&s.wire, &s.request, &s.facts, s.try);
	else
		run(operands);
	journal_close(&s.journal);
	free(s.wire.base);
	curl_global_cleanup();
	status = stream_finish();
	return status == STATUS_DONE && !ready ? STATUS_NO : status;
}
