/* epi-mark - write one mark event */
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "option.h"
#include "report.h"
#include "stream.h"
#include "write.h"

static const char help[] =
"usage: epi-mark LABEL begin|end\n"
"Write one mark event, the time now with a label, to standard output.\n"
"\n"
"  -h, --help     show this and exit\n"
"      --version  show the version and exit\n"
"\n"
"Example: epi-mark decode begin >>marks.ndjson\n";

static void
check(char **operands)
{
	if (!operands[0] || !operands[1])
		report_usage("wants a label and begin or end");
	if (operands[2])
		report_usage("more than a label and begin or end: %s",
		    operands[2]);
	if (!*operands[0])
		report_usage("the label is empty");
	if (!write_is_utf8(operands[0], strlen(operands[0])))
		report_usage("the label is not UTF-8");
	if (strcmp(operands[1], "begin") != 0 && strcmp(operands[1], "end") != 0)
		report_usage("neither begin nor end: %s", operands[1]);
}

static void
mark(int64_t timestamp_ns, const char *label, const char *edge)
{
	compose_open();
	compose_key("timestamp");
	compose_time(timestamp_ns);
	compose_key("type");
	compose_string("event");
	compose_key("event");
	compose_string("mark");
	compose_key("label");
	compose_string(label);
	compose_key("edge");
	compose_string(edge);
	compose_close();
}

int
main(int argc, char **argv)
{
	static const struct option_program program = {
		.name = "epi-mark", .help = help, .letters = ""
	};
	int64_t now_ns = clock_now();
	char **operands = option_start(argc, argv, &program);

	check(operands);
	mark(now_ns, operands[0], operands[1]);
	return stream_finish();
}
