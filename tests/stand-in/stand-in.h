/*
 * stand-in: an endpoint for tests, that behaves as one of four servers does,
 * with a model whose answers are known before it is asked.
 *
 * The model is right about a prompt if the first 32 bits of the prompt's
 * SHA-256, modulo 1000, are below --right; else it says the next letter.  A
 * prompt has 1 + bytes / 4 tokens.  Nothing here is a measurement.
 */
#ifndef STAND_IN_H
#define STAND_IN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind { DLLAMA, LLAMA, OLLAMA, VLLM };

struct stand_in {
	enum kind kind;
	const char *model, *token;
	int64_t right, faults, seed, delay_ms, context, loading;
	bool stopping;
};
extern struct stand_in stand_in;

/* What is sent back for one request. */
struct answer {
	int status;
	char *body;          /* malloc */
	bool events;         /* a stream of events */
	const char *fault;   /* NULL, or what goes wrong */
	int64_t retry_after; /* -1: none */
};

/* Items with "gold": what is right.  Exits where they cannot be read. */
void model_load(const char *file);

/* Answers a POST or GET; `token` is what Authorization carries. */
void model_answer(const char *method, const char *path, const char *body,
    size_t length, const char *token, struct answer *answer);

/* Why dllama-api would die of this body, or NULL. */
const char *model_deadly(const char *body, size_t length);

/* Words of a script of faults, "ok,reset,429:1,..."; each is used once. */
void fault_script(const char *words);
const char *fault_next(int64_t *argument);

/* A request, by the hash of its prompt, and what became of it. */
void tally_open(const char *file);
void tally_note(const char *sha256, const char *outcome);
void tally_count(int64_t prompt_tokens, int64_t generated_tokens);
void tally_expect(void);
void tally_tell(void);

/* Both listen on a free port of 127.0.0.1, tell its URL and serve. */
void serve_http(void);   /* llama-server, ollama, vllm: libmicrohttpd */
void serve_dllama(void); /* a serial server that dies as dllama-api dies */

void tell_url(int port);
_Noreturn void die(const char *what);

#endif
