#include <string.h>

#include "epi-tap/replay.h"
#include "json.h"

/* A sum or difference of two of these is no overflow. */
#define NS_MOST (INT64_MAX / 4)

enum { HOST, REAL, MONO, TEXT, KEYS };

static bool
take_time(struct replay *replay, const struct json_value *values,
    struct moment *at)
{
	int64_t real_ns, mono_ns;

	if (!json_integer(&values[REAL], &real_ns) ||
	    !json_integer(&values[MONO], &mono_ns) || real_ns < 0 ||
	    mono_ns < 0 || real_ns > NS_MOST || mono_ns > NS_MOST)
		return false;
	if (!replay->begun)
		replay->ahead_ns = real_ns - mono_ns;
	replay->begun = true;
	at->steady_ns = mono_ns;
	at->ns = mono_ns + replay->ahead_ns;
	at->stepped_ns = real_ns - at->ns;
	return true;
}

enum replay_what
replay_line(struct replay *replay, const char *line, size_t length,
    struct moment *at, char text[REPLAY_TEXT])
{
	static const char begin[] = "{\"host\":";
	static const char *const keys[KEYS] = { "host", "real", "mono", "text" };
	static const char *const words[] = { "at", "sent", "unplugged",
		"plugged" };
	struct json_value values[KEYS];
	struct json_error error;

	if (length < sizeof begin || memcmp(line, begin, sizeof begin - 1) != 0)
		return REPLAY_WIRE;
	if (!json_members(line, length, keys, KEYS, values, &error) ||
	    !take_time(replay, values, at))
		return REPLAY_BAD;
	for (int i = 0; i < 4; i++) {
		if (!json_is(&values[HOST], words[i]))
			continue;
		if (i == REPLAY_SENT - REPLAY_AT &&
		    json_string(&values[TEXT], text, REPLAY_TEXT) < 0)
			return REPLAY_BAD;
		return (enum replay_what)(REPLAY_AT + i);
	}
	return REPLAY_BAD;
}
