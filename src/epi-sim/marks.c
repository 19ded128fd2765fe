#include "epi-sim/marks.h"
#include "host.h"
#include "report.h"

static void
obey(struct marks *marks, const char *line, size_t length)
{
	enum load_state state = LOAD_IDLE;
	struct event event;
	const char *why;

	if (!event_read(line, length, &event, &why)) {
		report_warning("%s: %s", marks->name, why);
		return;
	}
	if (event.kind != EVENT_MARK)
		return;
	if (marks->see)
		marks->see(&event);
	if (!event.edge_is_end && json_is(&event.label, "prefill"))
		state = LOAD_PREFILL;
	else if (!event.edge_is_end && !json_is(&event.label, "idle"))
		state = LOAD_DECODE;
	load_until(&host.load, host.true_us);
	for (unsigned n = 0; n < host.config.load.nodes; n++)
		load_set(&host.load, n, state);
	marks->came = true;
}

bool
marks_open(struct marks *marks, const char *name)
{
	marks->name = name;
	marks->open = stream_open(&marks->stream, name);
	return marks->open;
}

bool
marks_follow(struct marks *marks)
{
	struct block block;
	const char *text;
	size_t length;

	if (!marks->open || !host_readable(marks->stream.fd))
		return true;
	if (!stream_next(&marks->stream, &block)) {
		stream_close(&marks->stream);
		marks->open = false;
		host.config.waker = -1;
		return false;
	}
	while (block_line(&block, &text, &length))
		if (length)
			obey(marks, text, length);
	return true;
}
