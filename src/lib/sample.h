/*
 * sample: the power sample, from its record.
 *
 * The record is epi-record(5)'s: required timestamp, node, watts; optional
 * joules.  A record with a "type" is not a sample and is told apart here.
 * Units and required keys are checked here, once.
 * Floor: second.  Nothing here prints; an error is a value with its sentence.
 */
#ifndef EPI_SAMPLE_H
#define EPI_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "stream.h"

enum { SAMPLE_NODE_MAX = 255 }; /* bytes of a node's name */

struct sample {
	int64_t timestamp_ns;
	int64_t watts_nw;   /* within +-1e18 */
	int64_t joules_uj;  /* the instrument's counter, 1e-6 J */
	bool has_joules;
	unsigned node;      /* index into the reader's table of names */
};

enum sample_kind {
	SAMPLE_END,   /* the block is used up */
	SAMPLE_POWER, /* a sample */
	SAMPLE_TYPED, /* a record that has "type" */
	SAMPLE_BAD    /* malformed: reader->error says why */
};

/* The names seen so far; a node is its index.  Owned by its user. */
struct sample_nodes {
	char **names;
	unsigned count;
	unsigned room;
};

/* The index of a name, added if new. */
unsigned sample_node(struct sample_nodes *nodes, const char *name,
    size_t length);

struct json_shapes;
struct json_form;

/* Start it with .nodes set and all else zero; sample_forget at the end. */
struct sample_reader {
	struct sample_nodes *nodes;
	const char *line;      /* the record last read, without its newline */
	size_t length;
	uint64_t line_number;
	char error[160];       /* of a SAMPLE_BAD, one sentence */

	/* What the lines before let expect of the next one. */
	struct json_shapes *shapes;
	bool wants_vars;
	unsigned last_node;
	struct sample_habit {
		struct sample like; /* what its next line will have, but for
		                       the numbers */
		uint64_t head;   /* of its name, up to eight bytes, */
		uint64_t mask;   /* which of eight these are, */
		unsigned length; /* and that name's length */
		unsigned next;   /* the node that came after this one */
		const struct json_form *form; /* of its last line, or of none */
	} *habits;               /* by node */
	unsigned habits_count;
};

/*
 * The next record of a block; blank lines are passed over.  On SAMPLE_POWER
 * *sample is filled; line and length are set for every kind but SAMPLE_END.
 */
enum sample_kind sample_next(struct sample_reader *reader, struct block *block,
    struct sample *sample);

#define SAMPLE_NO_VARS INT64_MIN

/* A sample and the record that it stands in, without its newline. */
struct sample_line {
	struct sample sample;
	const char *line;
	size_t length;
	int64_t vars_uvar; /* reactive power, 1e-6 var, where it is wanted;
	                      SAMPLE_NO_VARS: none */
};

/* From the next line on sample_lines tells reactive power. */
void sample_want_vars(struct sample_reader *reader);

/*
 * Samples that stand next in the block and are like others before them, line
 * after line, at most `room`; their count.  Less: sample_other knows more.
 */
size_t sample_lines(struct sample_reader *reader, struct block *block,
    struct sample_line *lines, size_t room);

/* sample_next where sample_lines has just ended. */
enum sample_kind sample_other(struct sample_reader *reader,
    struct block *block, struct sample *sample);

/* Frees what the reader remembers; it may be used again. */
void sample_forget(struct sample_reader *reader);

#endif
