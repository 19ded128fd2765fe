/*
 * prompt: the parts of epi-prompt.
 *
 * find tells which files a benchmark is made of; table (CSV) and lines (JSON)
 * read questions from them; draw takes a sample; render makes a question's
 * prompt, and the item record.  text and decode are what they say below.
 */
#ifndef EPI_PROMPT_PROMPT_H
#define EPI_PROMPT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"
#include "json.h"

enum { CHOICES_MAX = 26 }; /* as many as there are letters */

enum protocol { GEN_LETTER, LOGLIK_LETTER, LOGLIK_CLOZE };

/* Texts are UTF-8 without NUL, allocated, and kept to the end. */
struct question {
	char *id;
	char *stratum;      /* MMLU's subject; NULL: the benchmark has none */
	char *cluster;      /* of questions on one text; NULL: alone */
	char *text;         /* what is asked */
	char **choices;
	int choice_count;   /* 2 to CHOICES_MAX */
	int gold;           /* the right one, from 0 */
	bool drawn;         /* in the sample */
};

struct questions {
	struct question *at;
	size_t count, room;
};

/* How a benchmark puts a question to a model. */
struct form {
	const char *name;
	int64_t shots;             /* by default */
	bool tells_stratum;        /* it is %s of an intro */
	const char *letter_intro;  /* before everything */
	const char *cloze_intro;
	const char *letter_lead;   /* before each question */
	const char *cloze_lead;
	const char *cloze_tail;    /* behind each question */
};

/* What is being read. */
struct reader {
	struct questions *into;
	size_t most;        /* questions wanted; the rest is passed over */
	size_t rows;        /* records seen, also malformed ones */
	char *stratum;      /* of a file that is all one stratum */
	bool header_seen;
	char *pending;      /* of CSV: the lines of a cut record */
	size_t pending_length, pending_room;
	uint64_t pending_line;
	bool open;          /* a quoted cell goes on */
	struct questions *shots; /* of an own benchmark: the examples */
	struct form *form;       /* what its first record says */
};

/*
 * Readers of a line, for feed_lines; the state is a struct reader.  table_end
 * tells of a record that never ended.
 */
void table_take(void *state, const struct feed_line *line);
void table_end(struct reader *reader, const char *file);
void arc_take(void *state, const struct feed_line *line);
void hellaswag_take(void *state, const struct feed_line *line);
void own_take(void *state, const struct feed_line *line);

/* A new question at the end of a list, all zero. */
struct question *question_add(struct questions *list);
/* Takes back the last one, and frees what is in it. */
void question_drop(struct questions *list);

/* Allocated copies; `wrong` where the text is not UTF-8 or has a NUL. */
char *text_copy(const char *text, size_t length, const char **wrong);
char *text_of(const struct json_value *value, const char **wrong);
/* Without the white space around it (Unicode's), in place. */
char *text_strip(char *text);
/* HellaSwag as lm-evaluation-harness cleans it; allocated, `text` is freed. */
char *text_clean(char *text);
/* First letter upper case, all others lower, of ASCII and Latin-1; in place. */
void text_capitalize(char *text);

/*
 * The files of a folder, in the order of their bytes, ended by NULL: those of
 * MMLU's questions, or the one whose name has `word` in it.  NULL: said.
 */
char **find_tables(const char *folder);
char *find_lines(const char *folder, const char *word);
/* "dir/base" without base; "." if there is none.  Allocated. */
char *find_parent(const char *file);
char *find_join(const char *folder, const char *name);
bool find_is_folder(const char *path);
/* MMLU's subject: the file's name without "_test.csv". */
char *find_subject(const char *file);

/* Draws `sample` questions, the share of each stratum as in the whole. */
void draw(struct questions *list, uint64_t sample, uint64_t seed);

/* What an item says beside its question. */
struct setting {
	const struct form *form;
	enum protocol protocol;
	int64_t shots;
	int64_t sample;     /* 0: all */
	int64_t seed;
	const struct questions *all, *examples;
};

/* The item of a question on standard output.  False: there are too few
 * examples (said). */
bool render(const struct setting *setting, const struct question *question);

/* The items of the decode workload, and the prompts that these are of. */
void decode(void);
extern const char *const decode_prompts[];
extern const int decode_count;

#endif
