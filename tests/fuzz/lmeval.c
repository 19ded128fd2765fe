/*
 * Any bytes as a file of lm-evaluation-harness: it is read to its end, within
 * its bounds.  What is written goes to /dev/null.
 */
#include <fcntl.h>
#include <unistd.h>

#include "epi-lmeval/emit.c"
#include "epi-lmeval/load.c"
#include "epi-lmeval/results.c"

/* The two sources have names in common. */
#define metric_of samples_metric_of
#include "epi-lmeval/samples.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_RDWR);

	(void)argc;
	(void)argv;
	report_start("fuzz");
	return null < 0 || dup2(null, STDOUT_FILENO) < 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct wanted any;
	const char *bytes = (const char *)data;
	size_t length = size;
	char *clean;
	struct json_value document = { .kind = JSON_OBJECT };
	struct json_error error;

	if (samples_are(bytes, size))
		samples_take(bytes, size, "fuzz", &any);
	clean = load_clean(bytes, &length);
	document.at = clean;
	document.length = length;
	if (json_members(clean, length, NULL, 0, NULL, &error))
		results_take(&document, "fuzz", &any);
	free(clean);
	return 0;
}
