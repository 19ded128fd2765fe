/*
 * script: what happens to the simulated cluster, and when.  A line is a time
 * in seconds, a verb and its arguments; epi-sim(1) has them all.
 */
#ifndef EPI_SIM_SCRIPT_H
#define EPI_SIM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script_action;

struct script {
	struct script_action *actions; /* in time's order */
	size_t count, room, next;
	unsigned nodes;
	bool repeats;     /* after its last action the first again */
	uint64_t turn_us; /* when it began again */
	bool ended;       /* by the verb `end` */
	/* The verb `mark`, at its own time; may be NULL. */
	void (*mark)(const char *label, size_t length, bool is_end, uint64_t us);
};

/* Reads the file of the operands; false if it has errors, which are told. */
bool script_read(struct script *script, char **operands, unsigned nodes);

/* Two seconds of idle, three of prefill, ten of decode, and again. */
void script_default(struct script *script, unsigned nodes);

/* The time of the last action, 0 without any; of the next, or false. */
uint64_t script_last_us(const struct script *script);
bool script_next_us(const struct script *script, uint64_t *us);

/* Does to `host` what is due there, up to the end. */
void script_follow(struct script *script);

#endif
