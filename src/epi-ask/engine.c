#include <string.h>

#include "epi-ask/engine.h"
#include "json.h"

const char *const engine_names[] = {
	"auto", "dllama-api", "llama-server", "ollama", "vllm", "other", NULL
};

/* Where a version is told: dllama-api has no such place. */
static const struct {
	const char *path, *key;
} versions[] = {
	[ENGINE_LLAMA] = { "/props", "build_info" },
	[ENGINE_OLLAMA] = { "/api/version", "version" },
	[ENGINE_VLLM] = { "/version", "version" },
	[ENGINE_OTHER] = { NULL, NULL }
};

static bool
member(const struct text *body, const char *key, struct json_value *value)
{
	struct json_error error;

	return json_members(body->at, body->length, &key, 1, value, &error) &&
	    value->kind != JSON_ABSENT;
}

static void
read_name(const struct json_value *value, char name[ENGINE_NAME])
{
	if (json_string(value, name, ENGINE_NAME) < 0)
		name[0] = '\0';
}

/* {"data":[{"id":"...","owned_by":"..."}]}: the owner is the engine's name. */
static void
read_models(const struct text *body, struct engine_facts *facts)
{
	static const char *const keys[] = { "id", "owned_by" };
	struct json_value data, first, values[2];
	struct json_error error;
	const char *cursor = NULL;

	if (!member(body, "data", &data) ||
	    !json_element(&data, &cursor, &first) ||
	    first.kind != JSON_OBJECT || !json_members(first.at, first.length,
	    keys, 2, values, &error))
		return;
	read_name(&values[0], facts->model);
	if (facts->engine != ENGINE_AUTO)
		return;
	if (json_is(&values[1], "user"))
		facts->engine = ENGINE_DLLAMA;
	else if (json_is(&values[1], "llamacpp"))
		facts->engine = ENGINE_LLAMA;
	else if (json_is(&values[1], "vllm"))
		facts->engine = ENGINE_VLLM;
}

static void
read_version(const struct wire *wire, struct call *call,
    struct engine_facts *facts, enum engine engine)
{
	struct json_value version;
	long status = call->http_status; /* of the list of models */

	if (versions[engine].path &&
	    !wire_get(wire, call, versions[engine].path) &&
	    member(&call->got, versions[engine].key, &version))
		read_name(&version, facts->version);
	call->http_status = status;
}

const char *
engine_find(const struct wire *wire, struct call *call,
    struct engine_facts *facts)
{
	const char *outcome = wire_get(wire, call, "/v1/models");

	if (outcome && call->http_status != 404)
		return outcome;
	if (!outcome)
		read_models(&call->got, facts);
	if (facts->engine == ENGINE_AUTO) {
		/* ollama's models are owned by whoever published them. */
		read_version(wire, call, facts, ENGINE_OLLAMA);
		facts->engine = *facts->version ? ENGINE_OLLAMA : ENGINE_OTHER;
	} else {
		read_version(wire, call, facts, facts->engine);
	}
	return NULL;
}

enum engine_state
engine_state(const struct call *call, const char *outcome)
{
	const char *body = call->got.at;

	if (!outcome)
		return ENGINE_READY;
	if (call->http_status == 503 && strstr(body, "oading"))
		return ENGINE_LOADING;
	if (call->http_status == 429 || (call->http_status == 503 &&
	    strstr(body, "no slot")))
		return ENGINE_BUSY;
	if (strcmp(outcome, "timeout") == 0) {
		curl_off_t connected = 0;

		/* A serial server takes the connection and lets it wait. */
		curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T,
		    &connected);
		return connected > 0 ? ENGINE_BUSY : ENGINE_DOWN;
	}
	return ENGINE_DOWN;
}

const char *
engine_health(const struct wire *wire, struct call *call, enum engine engine)
{
	if (engine != ENGINE_LLAMA && engine != ENGINE_VLLM)
		return NULL;
	return wire_get(wire, call, "/health");
}
