/* epi-env - the state of one host, in one record */
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "epi-env/env.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-env [--ambient COMMAND] [--demand LIST] [--engine COMMAND]\n"
"               [--proc DIR] [--sysfs DIR]\n"
"       epi-env --offset HOST [--rounds N] [--ssh COMMAND]\n"
"       epi-env --clock\n"
"Write the state of this host: its processors' governors and clocks, throttling,\n"
"temperatures, load, memory, the bound of its clock, versions.\n"
"\n"
"      --ambient COMMAND  a command that prints the room's temperature, in C\n"
"      --demand LIST      status 3 unless all of these hold, for instance\n"
"                         governor=performance,max_celsius=70,max_load=0.5\n"
"      --engine COMMAND   a command that prints the engine's version\n"
"      --proc DIR         where /proc is\n"
"      --sysfs DIR        where /sys is\n"
"      --offset HOST      by how much HOST's clock is ahead of this one's\n"
"      --rounds N         asked so many times (32)\n"
"      --ssh COMMAND      how HOST is reached (ssh -o BatchMode=yes)\n"
"      --clock            answer such questions, on standard input\n"
"  -h, --help             show this and exit\n"
"      --version          show the version and exit\n"
"\n"
"Example: parallel --nonall --sshlogin pi1,pi2 epi-env\n";

enum { AMBIENT = OPTION_LONG, CLOCK, DEMAND, ENGINE, OFFSET, PROC, ROUNDS, SSH,
	SYSFS };

static struct env env = { .proc = "/proc", .sysfs = "/sys" };
static const char *far_host, *ssh = "ssh -o BatchMode=yes";
static bool answers, is_state, is_far;
static int rounds = 32;

static void
take_far(int letter, const char *argument)
{
	switch (letter) {
	case CLOCK: answers = true; break;
	case OFFSET: far_host = argument; break;
	case ROUNDS:
		rounds = (int)option_integer("--rounds", argument, 1, 10000);
		is_far = true;
		break;
	default:
		ssh = argument;
		is_far = true;
	}
}

static void
take(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case AMBIENT: env.ambient = argument; break;
	case DEMAND: demand_option(argument); break;
	case ENGINE: env.engine = argument; break;
	case PROC: env.proc = argument; break;
	case SYSFS: env.sysfs = argument; break;
	default:
		take_far(letter, argument);
		return;
	}
	is_state = true;
}

static void
check(char **operands)
{
	if (operands[0])
		report_usage("takes no operand: %s", operands[0]);
	if (answers + (far_host != NULL) + is_state > 1)
		report_usage("--clock, --offset and the options of this host's "
		    "state: choose one");
	if (is_far && !far_host)
		report_usage("--rounds and --ssh go with --offset");
}

/* False: a demand is not met. */
static bool
tell_state(void)
{
	bool met;

	compose_open();
	compose_key("timestamp");
	compose_time(clock_now());
	compose_text("type", "environment");
	state_tell(&env);
	met = demand_tell(&env);
	compose_close();
	return met;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ambient", required_argument, NULL, AMBIENT },
		{ "clock", no_argument, NULL, CLOCK },
		{ "demand", required_argument, NULL, DEMAND },
		{ "engine", required_argument, NULL, ENGINE },
		{ "offset", required_argument, NULL, OFFSET },
		{ "proc", required_argument, NULL, PROC },
		{ "rounds", required_argument, NULL, ROUNDS },
		{ "ssh", required_argument, NULL, SSH },
		{ "sysfs", required_argument, NULL, SYSFS },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-env", help, "", options, take, NULL
	};
	bool met = true;
	int status;

	signal(SIGCHLD, SIG_DFL); /* ignored, no command would have a status */
	check(option_start(argc, argv, &program));
	if (answers)
		offset_answer();
	else if (far_host)
		offset_tell(ssh, far_host, rounds);
	else
		met = tell_state();
	status = stream_finish();
	return status == STATUS_DONE && !met ? STATUS_NO : status;
}
