#include <string.h>

#include "clock.h"
#include "compose.h"
#include "epi-ask/health.h"
#include "epi-ask/token.h"

struct health {
	enum engine_state state;
	const char *error, *words;
	struct reply reply;
	long http_status;
	int64_t begin_ns, begin_steady_ns;
	bool tried;
};

static void
note(struct health *health, const struct wire *wire, struct call *call,
    const char *outcome)
{
	health->state = engine_state(call, outcome);
	health->error = outcome;
	health->http_status = call->http_status;
	health->words = call->words;
	if (outcome && call->http_status >= 400) {
		reply_refusal(&health->reply, &call->got);
		token_redact(wire->token, health->reply.detail);
		health->words = health->reply.detail;
	}
}

/* One token, of the shortest prompt. */
static const char *
generate(const struct wire *wire, struct call *call,
    const struct request *request, struct reply *reply)
{
	static const char line[] =
	    "{\"type\":\"item\",\"id\":\"health\",\"prompt\":\"Hi\"}";
	struct request one = *request;
	struct item item = { 0 };
	const char *why, *outcome;

	one.max_tokens = 1;
	one.stream = false;
	item_read(&item, line, sizeof line - 1, &why);
	request_body(&one, &item, 0, &call->sent);
	wire_prepare(wire, call, request_path(REPLY_CHAT), true);
	outcome = wire_outcome(call, curl_easy_perform(call->easy));
	if (!outcome) {
		reply_start(reply);
		reply_read(reply, REPLY_CHAT, &call->got, &item, 0);
		outcome = reply->error;
	}
	item_free(&item);
	return outcome;
}

static void
tell(const struct health *health, const struct wire *wire,
    const struct request *request, const struct engine_facts *facts)
{
	static const char *const states[] = {
		"ready", "loading", "busy", "down"
	};

	compose_open();
	compose_key("timestamp");
	compose_time(health->begin_ns);
	compose_key("type");
	compose_string("health");
	compose_key("url");
	compose_string(wire->base);
	compose_key("state");
	compose_string(states[health->state]);
	compose_key("engine");
	compose_string(facts->engine == ENGINE_AUTO ? NULL
	    : engine_names[facts->engine]);
	compose_key("engine_version");
	compose_string(*facts->version ? facts->version : NULL);
	compose_key("model");
	compose_string(request->model);
	compose_key("generated");
	compose_bool(health->tried && !health->error);
	compose_key("http_status");
	if (health->http_status)
		compose_integer(health->http_status);
	else
		compose_null();
	compose_key("seconds");
	compose_decimal(clock_steady() - health->begin_steady_ns, 9, 6);
	compose_key("error");
	compose_string(health->error);
	if (health->error && *health->words) {
		compose_key("error_text");
		compose_string(health->words);
	}
	compose_close();
}

bool
health_tell(const struct wire *wire, const struct request *asked,
    struct engine_facts *facts, bool with_token)
{
	struct call call = { 0 };
	struct health health = { .begin_ns = clock_now(),
		.begin_steady_ns = clock_steady() };
	struct request request = *asked;

	reply_start(&health.reply);
	wire_open(wire, &call);
	note(&health, wire, &call, engine_find(wire, &call, facts));
	if (health.state == ENGINE_READY && call.http_status != 404)
		note(&health, wire, &call, engine_health(wire, &call, facts->engine));
	request.engine = facts->engine;
	if (!request.model && *facts->model)
		request.model = facts->model;
	if (health.state == ENGINE_READY && with_token) {
		note(&health, wire, &call,
		    generate(wire, &call, &request, &health.reply));
		health.tried = true;
	}
	if (health.state == ENGINE_READY && call.http_status == 404) {
		health.state = ENGINE_DOWN;
		health.error = "http_4xx";
		health.words = "no list of models: --try tells more";
	}
	tell(&health, wire, &request, facts);
	reply_free(&health.reply);
	wire_close(&call);
	return health.state == ENGINE_READY;
}
