/* epi-window - the samples of one or many spans of time */
#include <stdint.h>
#include <string.h>

#include "epi-window/window.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-window [--from T] [--to T | --for D] [--label L] [--nodes LIST]\n"
"                  [--only] [--sorted] [FILE...]\n"
"       epi-window --span FILE [--label L] [--nodes LIST] [--only] [--sorted]\n"
"                  [FILE...]\n"
"The samples of a span of time, with the two neighbours that let its edges be\n"
"interpolated, and a span event at each edge.\n"
"\n"
"      --for D           as long as this, from --from on\n"
"      --from T          from here on (the first sample)\n"
"      --label L         the span's name, or the one to take of --span's\n"
"      --nodes LIST      only these nodes\n"
"      --only            without the neighbours\n"
"      --sorted          the samples are in the order of time\n"
"      --span FILE       the spans are those of the records in FILE: marks, or\n"
"                        any record with begin and end\n"
"      --to T            up to here, not included (the last sample)\n"
"  -h, --help            this text\n"
"      --version         the version\n"
"T is Unix seconds, RFC 3339, +D from the first sample or -D from the last.\n";

enum { OPTION_FOR = OPTION_LONG, OPTION_FROM, OPTION_LABEL, OPTION_NODES,
	OPTION_ONLY, OPTION_SORTED, OPTION_SPAN, OPTION_TO };

struct state s;

static struct moment
read_moment(const char *name, const char *text)
{
	if (*text == '+')
		return (struct moment){ AFTER_FIRST,
			strcmp(text, "+0") == 0 ? 0
			: option_duration(name, text + 1) };
	if (*text == '-')
		return (struct moment){ BEFORE_LAST,
			option_duration(name, text + 1) };
	return (struct moment){ AT, option_time(name, text) };
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case OPTION_FOR:
		s.for_ns = option_duration("--for", argument);
		break;
	case OPTION_FROM:
		s.from = read_moment("--from", argument);
		break;
	case OPTION_LABEL:
		s.label = argument;
		break;
	case OPTION_NODES:
		s.only_nodes = option_list("--nodes", argument);
		break;
	case OPTION_ONLY:
		s.only = true;
		break;
	case OPTION_SORTED:
		s.sorted = true;
		break;
	case OPTION_SPAN:
		s.span_file = argument;
		break;
	case OPTION_TO:
		s.to = read_moment("--to", argument);
		break;
	}
}

static void
check_options(void)
{
	bool bounded = s.from.from != UNSET || s.to.from != UNSET ||
	    s.for_ns > 0;

	if (s.span_file && bounded)
		report_usage("--span and --from, --to or --for: choose one");
	if (s.for_ns > 0 && s.to.from != UNSET)
		report_usage("--to and --for: choose one");
	if (!s.span_file && !bounded)
		report_usage("no window: give --from, --to, --for or --span");
	if (s.from.from != UNSET && s.from.from == s.to.from &&
	    (s.from.from == BEFORE_LAST ? s.to.ns >= s.from.ns
	    : s.to.ns <= s.from.ns))
		report_usage("the window ends before it begins");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, OPTION_FOR },
		{ "from", required_argument, NULL, OPTION_FROM },
		{ "label", required_argument, NULL, OPTION_LABEL },
		{ "nodes", required_argument, NULL, OPTION_NODES },
		{ "only", no_argument, NULL, OPTION_ONLY },
		{ "sorted", no_argument, NULL, OPTION_SORTED },
		{ "span", required_argument, NULL, OPTION_SPAN },
		{ "to", required_argument, NULL, OPTION_TO },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-window", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	check_options();
	if (s.span_file)
		span_load();
	if (s.sorted && (!operands[0] || !operands[1]) &&
	    sorted_take(*operands)) {
		pass_finish();
		return stream_finish();
	}
	if (s.span_file || s.resolved)
		;
	else if (s.from.from == BEFORE_LAST || s.to.from == BEFORE_LAST)
		extent_find(operands);
	else if (s.from.from == AT && s.to.from != AFTER_FIRST)
		span_resolve(); /* nothing hangs on the first sample */
	s.unread = !feed_records(operands, &s.names, pass_record, NULL);
	pass_finish();
	return stream_finish();
}
