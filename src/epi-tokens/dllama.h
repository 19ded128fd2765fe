/*
 * dllama: a run of distributed-llama, as its log tells it.
 *
 * dllama.c reads the lines, dllama_count.c draws the conclusion.  The letters
 * of the formats are those of epi-tokens(1).
 */
#ifndef EPI_TOKENS_DLLAMA_H
#define EPI_TOKENS_DLLAMA_H

#include "tally.h"

#define MILLISECOND INT64_C(1000000)

enum mode {
	MODE_UNKNOWN, MODE_INFERENCE, MODE_PERPLEXITY, MODE_CHAT, MODE_API,
	MODE_WORKER
};

struct phase {
	int64_t tokens;       /* as the summary says */
	int64_t rate;         /* tokens per second, times 10^6 */
	int64_t per_token_ns;
};

struct summary {
	int64_t batch;
	struct phase eval, pred;
	int64_t passes, pass_ns; /* of releases a */
};

struct run {
	const char *format;
	enum mode mode;
	bool started;         /* start-up lines were seen */
	char first[48];       /* the name of the first of them */
	bool begun_again;     /* and it stood there again, behind the load */
	bool loaded_again;    /* and the load, too */
	bool loaded;          /* the weights are: the prompt's echo may follow */
	bool failed;          /* the engine said a critical error */
	bool failed_behind;   /* and that behind a summary */
	bool every_token_prints;
	bool done;            /* a last line without counts was seen */

	/* steps */
	int64_t evals, eval_tokens, eval_ms;
	int64_t last_batch;               /* tokens of the last batch line */
	int64_t streak_batch, streak;     /* equal ones right before it */
	bool evals_ended;     /* text stood behind the last of them */
	int64_t preds, pred_ms;           /* sampled tokens, or passes */
	bool are_passes;
	int64_t prompt_ms;    /* of the first --prompt-tokens - 1 passes */
	int64_t loaded_ns, before_ns, begin_ns, end_ns; /* arrivals */

	/* summary */
	int at, old_at;       /* the line that comes next */
	struct summary next, summary;
	bool summarized, old_summarized, text_after;

	/* nodes */
	int64_t slices, other_workers;
	uint64_t sockets[4];  /* bit per worker that was connected to */
	bool sockets_known;
	int64_t perplexity_tokens, perplexity_passes;
};

/* Root and workers, or TALLY_UNKNOWN. */
int64_t dllama_nodes(const struct run *run);

/* What a run that is over comes to, into a tally that was started. */
void dllama_count(const struct run *run, struct tally *tally);

#endif
