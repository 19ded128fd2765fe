#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "compose.h"
#include "epi-env/env.h"
#include "report.h"

#define CPUS "devices/system/cpu"
#define UNKNOWN "?" /* no governor's name */

static void
tell_line(const char *key, const char *root, const char *path)
{
	char text[ENV_TEXT];

	compose_text(key, place_line(text, root, "%s", path) ? text : NULL);
}

/* ---- who it is */

/* 64-bit ARM kernels tell no name: the device tree has the core's. */
static void
see_core(struct env *env, const char *folder, const char *name)
{
	if (!*env->core)
		place_line(env->core, env->proc, "%s/%s/compatible", folder,
		    name);
}

static void
tell_machine(struct env *env)
{
	char text[ENV_TEXT];
	struct utsname machine;

	if (!place_line(env->host, env->proc, "sys/kernel/hostname"))
		*env->host = '\0';
	compose_text("host", env->host);
	if (!place_line(text, env->proc, "device-tree/model") &&
	    !place_line(text, env->sysfs, "class/dmi/id/product_name"))
		*text = '\0';
	compose_text("board", text);
	if (!place_named(text, env->proc, "cpuinfo", "model name")) {
		place_each(env->proc, "device-tree/cpus", "cpu@", see_core,
		    env);
		snprintf(text, sizeof text, "%s", env->core);
	}
	compose_text("cpu_model", text);
	tell_line("kernel", env->proc, "sys/kernel/osrelease");
	compose_text("machine", uname(&machine) == 0 ? machine.machine : NULL);
}

/* ---- processors */

static void
note_governor(struct env *env, const char *governor)
{
	if (!*env->governor)
		snprintf(env->governor, ENV_TEXT, "%s", governor);
	else if (strcmp(env->governor, governor) != 0)
		snprintf(env->governor, ENV_TEXT, "mixed");
}

static void
tell_hertz(const char *key, int64_t khz)
{
	compose_count(key, khz < 0 || khz > INT64_MAX / 1000 ? -1 : khz * 1000);
}

static int64_t
read_khz(const struct env *env, const char *cpu, const char *file)
{
	int64_t khz;

	return place_number(&khz, env->sysfs, CPUS "/%s/cpufreq/%s", cpu, file)
	    ? khz : -1;
}

static void
tell_clock(struct env *env, const char *cpu)
{
	int64_t now = read_khz(env, cpu, "scaling_cur_freq");

	if (now <= 0) /* a driver that does not know tells 0 */
		env->is_hertz_missing = true;
	else if (!(env->least_hertz <= (double)now * 1000))
		env->least_hertz = (double)now * 1000;
	tell_hertz("hertz", now > 0 ? now : -1);
	tell_hertz("min_hertz", read_khz(env, cpu, "scaling_min_freq"));
	tell_hertz("max_hertz", read_khz(env, cpu, "scaling_max_freq"));
}

static void
see_cpu(struct env *env, const char *folder, const char *name)
{
	char governor[ENV_TEXT];
	int64_t online, throttles;

	if (name[3] < '0' || name[3] > '9')
		return;
	if (place_number(&online, env->sysfs, "%s/%s/online", folder, name) &&
	    online == 0)
		return;
	compose_begin('{');
	compose_key("cpu");
	compose_integer(atoll(name + 3));
	if (!place_line(governor, env->sysfs, "%s/%s/cpufreq/scaling_governor",
	    folder, name))
		snprintf(governor, sizeof governor, "%s", "");
	compose_text("governor", governor);
	note_governor(env, *governor ? governor : UNKNOWN);
	tell_clock(env, name);
	if (place_number(&throttles, env->sysfs,
	    "%s/%s/thermal_throttle/core_throttle_count", folder, name))
		env->throttles = throttles +
		    (env->throttles < 0 ? 0 : env->throttles);
	compose_end('}');
}

static void
tell_cpus(struct env *env)
{
	compose_key("cpus");
	compose_begin('[');
	place_each(env->sysfs, CPUS, "cpu", see_cpu, env);
	compose_end(']');
	if (env->is_hertz_missing)
		env->least_hertz = NAN;
	if (strcmp(env->governor, UNKNOWN) == 0)
		*env->governor = '\0';
	compose_text("governor", env->governor);
}

/* ---- heat */

static void
tell_sensor(struct env *env, const char *sensor, bool is_known, int64_t milli)
{
	is_known = is_known && milli >= -273150 && milli <= 1000000;
	compose_begin('{');
	compose_text("sensor", sensor);
	compose_key("celsius");
	if (is_known)
		compose_decimal(milli, 3, 1);
	else
		compose_null();
	compose_end('}');
	if (is_known && !(env->celsius >= (double)milli / 1000))
		env->celsius = (double)milli / 1000;
}

static void
see_zone(struct env *env, const char *folder, const char *name)
{
	char type[ENV_TEXT];
	int64_t milli = 0;
	bool is_known = place_number(&milli, env->sysfs, "%s/%s/temp", folder,
	    name);

	tell_sensor(env, place_line(type, env->sysfs, "%s/%s/type", folder,
	    name) ? type : name, is_known, milli);
}

static void
see_input(struct env *env, const char *folder, const char *name)
{
	size_t number = strcspn(name, "_");
	char chip[ENV_TEXT], label[ENV_TEXT], sensor[2 * ENV_TEXT];
	int64_t milli = 0;
	bool is_known;

	if (strcmp(name + number, "_input") != 0)
		return;
	is_known = place_number(&milli, env->sysfs, "%s/%s", folder, name);
	if (!place_line(chip, env->sysfs, "%s/name", folder))
		snprintf(chip, sizeof chip, "hwmon");
	if (!place_line(label, env->sysfs, "%s/%.*s_label", folder, (int)number,
	    name))
		snprintf(label, sizeof label, "%.*s", (int)number, name);
	snprintf(sensor, sizeof sensor, "%s %s", chip, label);
	tell_sensor(env, sensor, is_known, milli);
}

static void
see_chip(struct env *env, const char *folder, const char *name)
{
	char path[ENV_TEXT + 64];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	place_each(env->sysfs, path, "temp", see_input, env);
}

static void
tell_heat(struct env *env)
{
	compose_key("temperatures");
	compose_begin('[');
	place_each(env->sysfs, "class/thermal", "thermal_zone", see_zone, env);
	place_each(env->sysfs, "class/hwmon", "hwmon", see_chip, env);
	compose_end(']');
	compose_figure("celsius", env->celsius);
}

/* ---- throttling: of the Raspberry Pi's firmware, and of x86 */

/* The firmware's word in the place it has in sysfs. */
static void
see_firmware(struct env *env, const char *folder, const char *name)
{
	(void)folder;
	if (!*env->firmware && strncmp(name, "soc", 3) == 0)
		place_line(env->firmware, env->sysfs,
		    "devices/platform/%s/%s:firmware/get_throttled", name, name);
}

static bool
read_throttled(struct env *env, unsigned long *bits)
{
	char text[ENV_TEXT], *end;
	const char *at;

	/* it knows of this host alone */
	if (strcmp(env->sysfs, "/sys") == 0 &&
	    command_line(text, NULL, "vcgencmd get_throttled") &&
	    strncmp(text, "throttled=", 10) == 0)
		at = text + 10;
	else {
		place_each(env->sysfs, "devices/platform", "soc", see_firmware,
		    env);
		at = env->firmware;
	}
	*bits = strtoul(at, &end, 16);
	return *at && end != at && !*end;
}

static void
tell_bits(const char *key, unsigned long bits)
{
	static const char *const meanings[] = {
		"under_voltage", "frequency_capped", "throttled",
		"temperature_limit"
	};

	compose_key(key);
	compose_begin('[');
	for (int i = 0; i < 4; i++)
		if (bits >> i & 1)
			compose_string(meanings[i]);
	compose_end(']');
}

static void
tell_throttled(struct env *env)
{
	unsigned long bits;
	char text[32];

	compose_key("throttled");
	if (read_throttled(env, &bits)) {
		env->throttled = (bits & 0xf) != 0;
		snprintf(text, sizeof text, "0x%lx", bits);
		compose_begin('{');
		compose_text("bits", text);
		tell_bits("now", bits);
		tell_bits("since_boot", bits >> 16);
		compose_end('}');
	} else {
		compose_null();
	}
	compose_count("throttle_count", env->throttles);
}

/* ---- load and memory */

static void
tell_load(struct env *env)
{
	char text[ENV_TEXT], rest = '\0';
	double loads[3];

	compose_key("load");
	if (!place_line(text, env->proc, "loadavg") ||
	    sscanf(text, "%lf %lf %lf%c", &loads[0], &loads[1], &loads[2],
	    &rest) != 4 || rest != ' ') {
		compose_null();
		return;
	}
	env->load = loads[0];
	compose_begin('[');
	for (int i = 0; i < 3; i++)
		compose_double(loads[i]);
	compose_end(']');
}

/* "16316412 kB" */
static int64_t
read_kib(const char *proc, const char *name)
{
	char text[ENV_TEXT], *end;
	long long kib;

	if (!place_named(text, proc, "meminfo", name))
		return -1;
	kib = strtoll(text, &end, 10);
	return end != text && strcmp(end, " kB") == 0 &&
	    kib < INT64_MAX / 1024 ? kib : -1;
}

static void
tell_memory(struct env *env)
{
	static const struct { const char *key, *name; } sizes[] = {
		{ "total_bytes", "MemTotal" },
		{ "available_bytes", "MemAvailable" },
		{ "swap_total_bytes", "SwapTotal" },
		{ "swap_free_bytes", "SwapFree" }
	};
	int64_t kib;

	compose_key("memory");
	compose_begin('{');
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		kib = read_kib(env->proc, sizes[i].name);
		compose_count(sizes[i].key, kib < 0 ? -1 : kib * 1024);
		if (i == 1 && kib >= 0)
			env->available_bytes = (double)kib * 1024;
	}
	compose_end('}');
}

/* ---- what commands tell */

static void
tell_versions(const struct env *env)
{
	char text[ENV_TEXT];

	compose_key("versions");
	compose_begin('{');
	compose_text("epi", EPI_VERSION);
	compose_text("engine", env->engine &&
	    command_line(text, "--engine", env->engine) ? text : NULL);
	compose_end('}');
}

static void
tell_ambient(struct env *env)
{
	char text[ENV_TEXT], *end;

	if (env->ambient && command_line(text, "--ambient", env->ambient)) {
		env->ambient_celsius = strtod(text, &end);
		if (end == text || *end || !(env->ambient_celsius > -100 &&
		    env->ambient_celsius < 200)) {
			report_error("--ambient: not a temperature: %s", text);
			env->ambient_celsius = NAN;
		}
	}
	compose_figure("ambient_celsius", env->ambient_celsius);
}

void
state_tell(struct env *env)
{
	env->celsius = env->load = env->available_bytes = NAN;
	env->least_hertz = env->ambient_celsius = env->bound_seconds = NAN;
	env->synchronized = env->throttled = -1;
	env->throttles = -1;
	tell_machine(env);
	tell_cpus(env);
	tell_heat(env);
	tell_throttled(env);
	tell_load(env);
	tell_memory(env);
	clock_tell(env);
	tell_versions(env);
	tell_ambient(env);
}
