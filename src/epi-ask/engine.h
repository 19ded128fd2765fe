/*
 * engine: which server answers, what it can do, and how it is.
 */
#ifndef EPI_ASK_ENGINE_H
#define EPI_ASK_ENGINE_H

#include "epi-ask/wire.h"

enum engine {
	ENGINE_AUTO, ENGINE_DLLAMA, ENGINE_LLAMA, ENGINE_OLLAMA, ENGINE_VLLM,
	ENGINE_OTHER
};
extern const char *const engine_names[]; /* NULL-ended, in that order */

enum engine_state {
	ENGINE_READY, ENGINE_LOADING, ENGINE_BUSY, ENGINE_DOWN
};

enum { ENGINE_NAME = 256 };

struct engine_facts {
	enum engine engine;
	char model[ENGINE_NAME];   /* the first one that it lists, or "" */
	char version[ENGINE_NAME]; /* "" where it does not tell */
};

/*
 * Asks with whole GETs, one after the other, which engine it is, unless
 * facts->engine says so already; its first model; its version, where it tells.
 * NULL, or the class of the failure (the call has its words and status).
 */
const char *engine_find(const struct wire *wire, struct call *call,
    struct engine_facts *facts);

/* What an outcome, NULL or a class, says of a server; the call is its own. */
enum engine_state engine_state(const struct call *call, const char *outcome);

/* Health beyond the list of models, where the engine has it. */
const char *engine_health(const struct wire *wire, struct call *call,
    enum engine engine);

#endif
