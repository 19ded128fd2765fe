#include <string.h>

#include "epi-sim/script.h"
#include "feed.h"
#include "host.h"
#include "json.h"
#include "report.h"

enum verb {
	IDLE, PREFILL, DECODE, OFF, WATTS, LOSE, DAMAGE, REBOOT, MISSING, STUCK,
	BADSUM, PRESENT, BROWNOUT, REVERSE, FREEZE, RESISTIVE, GAIN, PHASE, PICKUP,
	CUT, UNPLUG, STALL, STEP, MARK, END
};

struct script_action {
	uint64_t at_us;
	enum verb verb;
	unsigned node; /* from 1; 0: all */
	int64_t value; /* uW, ppm, millidegrees, us, a count, or 1 for an end */
	const char *label; /* of a mark */
};

/* `arguments`: w watts, k a count, s seconds, x seconds with a sign, g an error
 * of a ratio, p watts picked up, d degrees, n a node that may be left out, l a
 * label, e an edge. */
static const struct {
	const char *word;
	const char *arguments;
} verbs[] = {
	[IDLE] = { "idle", "n" }, [PREFILL] = { "prefill", "n" },
	[DECODE] = { "decode", "n" }, [OFF] = { "off", "n" },
	[WATTS] = { "watts", "wn" }, [LOSE] = { "lose", "k" },
	[DAMAGE] = { "damage", "k" }, [REBOOT] = { "reboot", "" },
	[MISSING] = { "missing", "n" }, [STUCK] = { "stuck", "n" },
	[BADSUM] = { "badsum", "n" }, [PRESENT] = { "present", "n" },
	[BROWNOUT] = { "brownout", "n" }, [REVERSE] = { "reverse", "n" },
	[FREEZE] = { "freeze", "n" }, [RESISTIVE] = { "resistive", "wn" },
	[GAIN] = { "gain", "gn" }, [PHASE] = { "phase", "dn" },
	[PICKUP] = { "pickup", "pn" }, [CUT] = { "cut", "k" },
	[UNPLUG] = { "unplug", "s" }, [STALL] = { "stall", "s" },
	[STEP] = { "step", "x" }, [MARK] = { "mark", "le" }, [END] = { "end", "" }
};

uint64_t
script_last_us(const struct script *script)
{
	return script->count ? script->actions[script->count - 1].at_us : 0;
}

static void
add(struct script *script, struct script_action action)
{
	if (script->count == script->room) {
		script->room = script->room ? 2 * script->room : 64;
		script->actions = report_resize(script->actions, script->room,
		    sizeof *script->actions);
	}
	script->actions[script->count++] = action;
}

/* The next word of a line; false at its end. */
static bool
word(const char **at, const char *end, const char **from,
    size_t *length)
{
	while (*at < end && (**at == ' ' || **at == '\t'))
		++*at;
	*from = *at;
	while (*at < end && **at != ' ' && **at != '\t' && **at != '#')
		++*at;
	*length = (size_t)(*at - *from);
	return *length > 0;
}

static bool
find_verb(const char *text, size_t length, enum verb *verb)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strlen(verbs[i].word) == length &&
		    memcmp(verbs[i].word, text, length) == 0) {
			*verb = (enum verb)i;
			return true;
		}
	return false;
}

/* A label is of letters, digits and what joins them: it is written in JSON. */
static bool
label(const char *text, size_t length, struct script_action *action)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	for (size_t i = 0; i < length; i++)
		if (!memchr(bytes, text[i], sizeof bytes - 1))
			return false;
	action->label = report_copy(text, length);
	return true;
}

static bool
edge(const char *text, size_t length, struct script_action *action)
{
	action->value = length == 3 && memcmp(text, "end", 3) == 0;
	return action->value || (length == 5 && memcmp(text, "begin", 5) == 0);
}

/* Of what is a number: its decimals, and how far from 0 it may be. */
static int
decimals(char kind)
{
	return kind == 'd' ? 3 : strchr("wsxgp", kind) ? 6 : 0;
}

static int64_t
most(char kind)
{
	switch (kind) {
	case 'g': return 1000000;
	case 'p': return 100000000;
	case 'd': return 30000;
	default: return 2000000000;
	}
}

static bool
argument(char kind, const char *text, size_t length, unsigned nodes,
    struct script_action *action)
{
	int64_t value;

	if (kind == 'l')
		return label(text, length, action);
	if (kind == 'e')
		return edge(text, length, action);
	if (!json_decimal_text(text, length, decimals(kind), &value) ||
	    (value < 0 && !strchr("xgpd", kind)))
		return false;
	if (kind == 'n') {
		action->node = (unsigned)value;
		return value >= 1 && value <= nodes;
	}
	action->value = value;
	return value <= most(kind) && value >= -most(kind);
}

/* NULL, or what is wrong. */
static const char *
read_action(const struct script *script, const char *at, const char *end,
    struct script_action *action)
{
	const char *text;
	size_t length;
	int64_t us;

	word(&at, end, &text, &length);
	if (!json_decimal_text(text, length, 6, &us) || us < 0)
		return "no time in seconds";
	action->at_us = (uint64_t)us;
	if (action->at_us < script_last_us(script))
		return "a time before the line before";
	if (!word(&at, end, &text, &length) ||
	    !find_verb(text, length, &action->verb))
		return "no such verb";
	for (const char *kind = verbs[action->verb].arguments; *kind; kind++)
		if (!word(&at, end, &text, &length)) {
			if (*kind != 'n')
				return "a word is missing";
		} else if (!argument(*kind, text, length, script->nodes,
		    action)) {
			return "no such number, node or word";
		}
	return word(&at, end, &text, &length) ? "a word too many" : NULL;
}

static void
take_line(void *state, const struct feed_line *line)
{
	const char *at = line->text, *end = at + line->length, *text;
	struct script *script = state;
	struct script_action action = { 0 };
	size_t length;

	if (!word(&at, end, &text, &length) &&
	    (at == end || *at == '#'))
		return;
	const char *wrong = read_action(script, line->text, end, &action);
	if (wrong)
		report_malformed(line->file, line->line_number, "%s: %.*s", wrong,
		    (int)(line->length < 80 ? line->length : 80), line->text);
	else
		add(script, action);
}

bool
script_read(struct script *script, char **operands, unsigned nodes)
{
	script->nodes = nodes;
	return feed_lines(operands, take_line, NULL, script) &&
	    report_status() == STATUS_DONE;
}

void
script_default(struct script *script, unsigned nodes)
{
	script->nodes = nodes;
	script->repeats = true;
	add(script, (struct script_action){ .at_us = 0, .verb = IDLE });
	add(script, (struct script_action){ .at_us = 2000000, .verb = PREFILL });
	add(script, (struct script_action){ .at_us = 5000000, .verb = DECODE });
	add(script, (struct script_action){ .at_us = 15000000, .verb = IDLE });
}

/* The front end of a node's channel, with one of its errors another one. */
static void
set_front(enum verb verb, unsigned n, int32_t value)
{
	struct load_front front = host.load.nodes[n].front;

	if (verb == GAIN)
		front.gain_ppm = value;
	else if (verb == PHASE)
		front.phase_millidegrees = value;
	else
		front.pickup_uw = value;
	load_set_front(&host.load, n, &front);
}

static void
act_on_node(const struct script_action *action, unsigned n)
{
	struct model *model = &host.models[n];

	switch (action->verb) {
	case IDLE: load_set(&host.load, n, LOAD_IDLE); break;
	case PREFILL: load_set(&host.load, n, LOAD_PREFILL); break;
	case DECODE: load_set(&host.load, n, LOAD_DECODE); break;
	case OFF: load_set(&host.load, n, LOAD_OFF); break;
	case WATTS:
	case RESISTIVE:
		load_fix(&host.load, n, (int32_t)action->value,
		    action->verb == RESISTIVE);
		break;
	case GAIN:
	case PHASE:
	case PICKUP:
		set_front(action->verb, n, (int32_t)action->value);
		break;
	case MISSING: model->missing = true; break;
	case STUCK: model->stuck_low = true; break;
	case BADSUM: model->refuse_sum = true; break;
	case PRESENT:
		model->missing = model->stuck_low = model->refuse_sum =
		    model->frozen = false;
		break;
	case BROWNOUT: model_brown_out(model); break;
	case REVERSE:
		host.load.nodes[n].reversed = !host.load.nodes[n].reversed;
		break;
	case FREEZE: model->frozen = true; break;
	default: break;
	}
}

static void
act(struct script *script, const struct script_action *action)
{
	load_until(&host.load, host.true_us);
	switch (action->verb) {
	case LOSE: host.wire.lose = (unsigned)action->value; break;
	case DAMAGE: host.wire.damage = (unsigned)action->value; break;
	case CUT: host.wire.cut = (unsigned)action->value; break;
	case UNPLUG: host_unplug((uint64_t)action->value); break;
	case STALL:
		wire_stall(&host.wire, host.true_us, (uint64_t)action->value);
		break;
	case STEP: host.wire.step_ns += action->value * 1000; break;
	case REBOOT: host_boot("run"); break;
	case MARK:
		if (script->mark)
			script->mark(action->label, strlen(action->label),
			    action->value, script->turn_us + action->at_us);
		break;
	case END: script->ended = true; break;
	default:
		for (unsigned n = 0; n < script->nodes; n++)
			if (action->node == 0 || action->node == n + 1)
				act_on_node(action, n);
	}
}

bool
script_next_us(const struct script *script, uint64_t *us)
{
	if (script->next == script->count)
		return false;
	*us = script->turn_us + script->actions[script->next].at_us;
	return true;
}

void
script_follow(struct script *script)
{
	uint64_t us;

	while (!script->ended && script_next_us(script, &us) &&
	    us <= host.true_us) {
		act(script, &script->actions[script->next++]);
		if (script->next == script->count && script->repeats) {
			script->turn_us += script_last_us(script);
			script->next = 0;
		}
	}
}
