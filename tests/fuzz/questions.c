/*
 * Any bytes as the lines of a benchmark's file, in each of its forms: a
 * question that is taken has what it needs.  The first byte tells the form.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "epi-prompt/lines.c"
#include "epi-prompt/table.c"
#include "epi-prompt/text.c"
/* Of find, only this is called. */
char *
find_join(const char *folder, const char *name)
{
	(void)folder;
	return report_copy(name, strlen(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	(void)argc;
	(void)argv;
	report_start("fuzz");
	return null < 0 || dup2(null, STDOUT_FILENO) < 0;
}

static char subject[] = "x"; /* of a table */

static void
check(struct questions *list)
{
	for (; list->count > 0; question_drop(list)) {
		struct question *last = &list->at[list->count - 1];

		if (last->gold < 0 || last->gold >= last->choice_count ||
		    last->choice_count > CHOICES_MAX || !last->id ||
		    !write_is_utf8(last->text, strlen(last->text)))
			abort();
		if (last->stratum == subject)
			last->stratum = NULL;
	}
	free(list->at);
	*list = (struct questions){ 0 };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static feed_take_line *const takes[] = {
		table_take, arc_take, hellaswag_take, own_take
	};
	struct questions list = { 0 }, shots = { 0 };
	struct form form = { 0 };
	char *text = malloc(size + 1), *at = text, *end;
	struct reader reader = {
		.into = &list, .shots = &shots, .form = &form,
		.most = SIZE_MAX, .stratum = subject
	};
	struct feed_line line = { .file = "fuzz" };

	if (!text || size == 0) {
		free(text);
		return 0;
	}
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\n';
	for (; at < text + size; at = end + 1) {
		end = memchr(at, '\n', (size_t)(text + size - at));
		line.text = at;
		line.length = (size_t)(end - at);
		line.line_number++;
		takes[*data & 3](&reader, &line);
	}
	table_end(&reader, "fuzz");
	check(&list);
	check(&shots);
	free((char *)(uintptr_t)form.name);
	free((char *)(uintptr_t)form.letter_intro);
	free(text);
	return 0;
}
