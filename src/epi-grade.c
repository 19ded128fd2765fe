/* epi-grade - what a model got right of the questions it was asked */
/* link: -lnettle */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-grade/grade.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-grade [--strata] [--each] [--metric acc|acc_norm] [--force]\n"
"                 [FILE ...]\n"
"What a model got right of the questions it was asked: one accuracy record for\n"
"each benchmark.\n"
"\n"
"  --strata       the accuracy of each stratum too\n"
"  --each         instead, one graded record for each question\n"
"  --metric NAME  of log-probabilities: acc, the most probable choice, or\n"
"                 acc_norm, the most probable by the character (the default\n"
"                 of loglik-cloze)\n"
"  --force        also where questions were not answered\n"
"  -h, --help     this text\n"
"      --version  the version\n";

enum { NOTES = 4, SENTENCE = 400 };

static struct {
	bool strata, each, force;
	struct graded graded;
	struct sample_nodes nodes;
	char *notes[NOTES + 1]; /* what --force lets pass, of one benchmark */
	int note_count;
} s;

__attribute__((format(printf, 1, 2))) static void
note(const char *format, ...)
{
	char text[SENTENCE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	s.notes[s.note_count++] = report_copy(text, strlen(text));
}

static void
clear_notes(void)
{
	while (s.note_count > 0) {
		free(s.notes[--s.note_count]);
		s.notes[s.note_count] = NULL;
	}
}

/* What makes a figure of these answers false, however wanted. */
static bool
is_mixed(const struct benchmark *mark)
{
	if (mark->mixed)
		report_error("refused: %s: its answers are not of one %s",
		    mark->name, mark->mixed);
	if (mark->prompts_differ)
		report_error("refused: %s: two different prompts for %s",
		    mark->name, mark->prompts_differ);
	return mark->mixed || mark->prompts_differ;
}

/* What is missing, into the notes. */
static void
look(const struct benchmark *mark, const struct summary *summary)
{
	int64_t wanted = mark->sample > 0 ? mark->sample : mark->questions;
	int64_t lost = summary->all.failures[TRANSPORT];
	int64_t asked = summary->all.questions + lost;

	if (lost > 0)
		note("transport-failures: %lld questions of %s were never "
		    "answered; epi-ask --resume asks them again",
		    (long long)lost, mark->name);
	if (wanted != UNKNOWN && asked > wanted)
		note("too-many: %lld questions of %s were asked, which has "
		    "%lld: they are not of one set", (long long)asked,
		    mark->name, (long long)wanted);
	if (wanted != UNKNOWN && asked < wanted)
		note("unasked: %lld of %lld questions of %s were asked",
		    (long long)asked, (long long)wanted, mark->name);
}

static void
put_each(size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (s.graded.answers[i].chosen)
			emit_graded(&s.graded, &s.graded.answers[i]);
}

static void
put_benchmark(size_t first, size_t end)
{
	struct benchmark *mark =
	    &s.graded.benchmarks[s.graded.answers[first].benchmark];
	struct summary summary;

	if (is_mixed(mark))
		return;
	mark->normalised = mark->loglik && (s.graded.metric == 2 ||
	    (s.graded.metric == 0 &&
	    strcmp(mark->protocol, "loglik-cloze") == 0));
	if (s.each) {
		put_each(first, end);
		return;
	}
	account(&summary, &s.graded, first, end);
	look(mark, &summary);
	if (summary.all.questions == 0)
		report_error("refused: %s: no question was answered",
		    mark->name);
	else if (s.force || s.note_count == 0)
		emit_accuracy(mark, &summary, s.strata, s.notes);
	else
		for (int i = 0; i < s.note_count; i++)
			report_error("refused: %s", s.notes[i]);
	clear_notes();
	account_clear(&summary);
}

static void
put_all(void)
{
	struct graded *graded = &s.graded;

	settle(graded);
	for (size_t i = 0, first = 0; i < graded->count; i++)
		if (i + 1 == graded->count || graded->answers[i].benchmark !=
		    graded->answers[i + 1].benchmark) {
			put_benchmark(first, i + 1);
			first = i + 1;
		}
	if (graded->count == 0)
		report_error("no answers%s", graded->undecidable
		    ? " that could be right or wrong" : "");
}

enum { STRATA = OPTION_LONG, EACH, METRIC, FORCE };

static const struct option options[] = {
	{ "strata", no_argument, NULL, STRATA },
	{ "each", no_argument, NULL, EACH },
	{ "metric", required_argument, NULL, METRIC },
	{ "force", no_argument, NULL, FORCE },
	{ 0 }
};

static void
take_option(void *state, int letter, const char *argument)
{
	static const char *const metrics[] = { "acc", "acc_norm", NULL };

	(void)state;
	switch (letter) {
	case STRATA:
		s.strata = true;
		break;
	case EACH:
		s.each = true;
		break;
	case METRIC:
		s.graded.metric = 1 + option_word("--metric", argument,
		    metrics);
		break;
	case FORCE:
		s.force = true;
		break;
	}
}

int
main(int argc, char **argv)
{
	static const struct option_program program = {
		"epi-grade", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	if (s.each && s.strata)
		report_usage("--each and --strata");
	if (feed_records(operands, &s.nodes, read_take, &s.graded))
		put_all();
	return stream_finish();
}
