/* stand-in - an endpoint for tests; stand-in.h says what it is */
/* link: -lmicrohttpd -ljansson -lnettle -lpthread */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stand-in.h"

struct stand_in stand_in = { .model = "stand-in.m", .right = 1000 };

_Noreturn void
die(const char *what)
{
	fprintf(stderr, "stand-in: %s: %s\n", what, strerror(errno));
	exit(1);
}

void
tell_url(int port)
{
	printf("http://127.0.0.1:%d\n", port);
	fflush(stdout);
}

static void
take(const char *name, const char *value)
{
	static const struct {
		const char *name;
		int64_t *number;
	} numbers[] = {
		{ "right", &stand_in.right }, { "faults", &stand_in.faults },
		{ "seed", &stand_in.seed }, { "delay", &stand_in.delay_ms },
		{ "context", &stand_in.context },
		{ "loading", &stand_in.loading }
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(name, numbers[i].name) == 0)
			*numbers[i].number = atoll(value);
	if (strcmp(name, "model") == 0)
		stand_in.model = value;
	else if (strcmp(name, "token") == 0)
		stand_in.token = value;
	else if (strcmp(name, "script") == 0)
		fault_script(value);
	else if (strcmp(name, "log") == 0)
		tally_open(value);
}

/* usage: stand-in KIND [NAME=VALUE ...] */
int
main(int argc, char **argv)
{
	static const char *const kinds[] = {
		"dllama-api", "llama-server", "ollama", "vllm"
	};
	size_t kind = 0;

	while (kind < 4 && (argc < 2 || strcmp(argv[1], kinds[kind]) != 0))
		kind++;
	if (kind == 4) {
		fprintf(stderr, "usage: stand-in dllama-api|llama-server|ollama|"
		    "vllm [NAME=VALUE ...]\n");
		return 2;
	}
	stand_in.kind = (enum kind)kind;
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value) {
			fprintf(stderr, "stand-in: no value: %s\n", argv[i]);
			return 2;
		}
		*value++ = '\0';
		if (strcmp(argv[i], "items") == 0)
			model_load(value);
		else
			take(argv[i], value);
	}
	if (stand_in.kind == DLLAMA)
		serve_dllama();
	else
		serve_http();
	tally_tell();
	return 0;
}
