/* What sensors there are: powercap zones and the channels of hwmon chips. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epi-sense/file.h"
#include "epi-sense/sensor.h"
#include "report.h"

static int64_t
optional(const char *dir, const char *name)
{
	char *path = file_path(dir, name);
	int64_t value;
	bool there = file_number(path, &value) == 0 && value > 0;

	free(path);
	return there ? value : 0;
}

/* Of a file in ms; over an hour is none. */
static int64_t
optional_ms(const char *dir, const char *name)
{
	int64_t ms = optional(dir, name);

	return ms <= 3600000 ? ms * 1000000 : 0;
}

static struct sensor *
add(struct sensors *sensors, enum sensor_kind kind, const char *group)
{
	struct sensor *sensor;

	if (sensors->count == sensors->room) {
		sensors->room = sensors->room ? sensors->room * 2 : 16;
		sensors->list = report_resize(sensors->list, sensors->room,
		    sizeof *sensors->list);
	}
	sensor = &sensors->list[sensors->count++];
	*sensor = (struct sensor){ .kind = kind,
		.group = report_copy(group, strlen(group)) };
	return sensor;
}

/* ---- powercap */

/* "package-0/dram", by the zones that hold it; before it "mmio/" where it is
 * another control type's. */
static void
name_zone(const char *root, const char *zone, char *id)
{
	const char *end = strchr(zone, ':');
	size_t used = 0;

	if (strncmp(zone, "intel-rapl:", 11) != 0)
		used = (size_t)snprintf(id, SENSOR_NAME / 4, "%.*s/",
		    strncmp(zone, "intel-rapl-", 11) == 0
		    ? (int)(end - zone - 11) : (int)(end - zone),
		    strncmp(zone, "intel-rapl-", 11) == 0 ? zone + 11 : zone);
	while (end && used < SENSOR_NAME / 2) {
		char name[FILE_TEXT], path[SENSOR_NAME];
		char *dir;

		end = strchr(end + 1, ':');
		snprintf(path, sizeof path, "%.*s/name",
		    (int)(end ? end - zone : (long)strlen(zone)), zone);
		dir = file_path(root, path);
		file_word(dir, name);
		free(dir);
		used += (size_t)snprintf(id + used, SENSOR_NAME - used, "%s%s",
		    *name ? name : "zone", end ? "/" : "");
	}
}

static void
add_zone(struct sensors *sensors, const char *root, const char *zone)
{
	struct sensor *sensor = add(sensors, SENSOR_COUNTER, zone);
	char *dir = file_path(root, zone), *enabled, *last;
	bool own = strncmp(zone, "intel-rapl:", 11) == 0;
	int64_t on;

	sensor->powercap = true;
	snprintf(sensor->key, sizeof sensor->key, "%.*s", FILE_TEXT, zone);
	name_zone(root, zone, sensor->id);
	sensor->file = file_path(dir, "energy_uj");
	sensor->range_uj = optional(dir, "max_energy_range_uj");
	enabled = file_path(dir, "enabled");
	sensor->off = file_number(enabled, &on) == 0 && on == 0;
	free(enabled);
	last = strrchr(sensor->id, '/');
	sensor->all = strncmp(last ? last + 1 : sensor->id, "psys", 4) == 0;
	sensor->by_default = own && (last ? strcmp(last, "/dram") == 0
	    : strncmp(sensor->id, "package", 7) == 0);
	free(dir);
}

/* ---- hwmon */

/* A chip while its channels are found. */
struct chip {
	const char *dir;
	char name[FILE_TEXT], device[FILE_TEXT];
	int64_t update_ns;
};

/* Where the device is, which stays when hwmon counts anew. */
static void
find_device(struct chip *chip, const char *hwmon)
{
	char *link = file_path(chip->dir, "device");
	char target[1024];
	ssize_t length = readlink(link, target, sizeof target - 1);
	const char *base;

	free(link);
	target[length < 0 ? 0 : length] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	snprintf(chip->device, sizeof chip->device, "%.*s", FILE_TEXT - 1,
	    *base ? base : hwmon);
}

static bool
has(const struct chip *chip, const char *name)
{
	char *path = file_path(chip->dir, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static struct sensor *
add_channel(struct sensors *sensors, const struct chip *chip,
    enum sensor_kind kind, const char *what, unsigned number)
{
	struct sensor *sensor = add(sensors, kind, chip->dir);
	char name[FILE_TEXT], label[FILE_TEXT];
	char *path;

	snprintf(name, sizeof name, "%s%u_label", what, number);
	path = file_path(chip->dir, name);
	file_word(path, label);
	free(path);
	sensor->number = number;
	sensor->update_ns = chip->update_ns;
	snprintf(sensor->key, sizeof sensor->key, "%s/%s%u", chip->device,
	    what, number);
	if (*label)
		snprintf(sensor->id, sizeof sensor->id, "%s/%s", chip->name,
		    label);
	else
		snprintf(sensor->id, sizeof sensor->id, "%s/%s%u", chip->name,
		    what, number);
	return sensor;
}

static void
add_average(struct sensors *sensors, const struct chip *chip,
    const char *file, unsigned number)
{
	struct sensor *sensor = add_channel(sensors, chip, SENSOR_POWER,
	    "power", number);
	char name[FILE_TEXT];

	snprintf(name, sizeof name, "power%u_average_interval", number);
	sensor->averaging_ns = optional_ms(chip->dir, name);
	sensor->file = file_path(chip->dir, file);
	snprintf(name, sizeof name, "power%u_input", number);
	if (!has(chip, name))
		return;
	strcat(sensor->id, "-average");
	strcat(sensor->key, "-average");
}

static void
add_product(struct sensors *sensors, const struct chip *chip,
    const char *file, unsigned number)
{
	struct sensor *sensor;
	char volts[FILE_TEXT];

	snprintf(volts, sizeof volts, "in%u_input", number);
	if (!has(chip, volts))
		return;
	sensor = add_channel(sensors, chip, SENSOR_PRODUCT, "curr", number);
	sensor->file = file_path(chip->dir, file);
	sensor->volts = file_path(chip->dir, volts);
}

/* "power12_input": 12, where the name is what<number>_end. */
static bool
is_channel(const char *name, const char *what, const char *end,
    unsigned *number)
{
	size_t length = strlen(what), digits;

	if (strncmp(name, what, length) != 0)
		return false;
	digits = strspn(name + length, "0123456789");
	if (digits == 0 || digits > 4 ||
	    strcmp(name + length + digits, end) != 0)
		return false;
	*number = (unsigned)strtoul(name + length, NULL, 10);
	return true;
}

static void
add_file(struct sensors *sensors, const struct chip *chip, const char *file)
{
	unsigned number;

	if (is_channel(file, "power", "_input", &number))
		add_channel(sensors, chip, SENSOR_POWER, "power",
		    number)->file = file_path(chip->dir, file);
	else if (is_channel(file, "energy", "_input", &number))
		add_channel(sensors, chip, SENSOR_COUNTER, "energy",
		    number)->file = file_path(chip->dir, file);
	else if (is_channel(file, "power", "_average", &number))
		add_average(sensors, chip, file, number);
	else if (is_channel(file, "curr", "_input", &number))
		add_product(sensors, chip, file, number);
}

/* ---- both */

/* Calls `take` for each name of a folder, in order; one that is not there has
 * none. */
static void
walk(struct sensors *sensors, const char *dir, void (*take)(struct sensors *,
    const char *, const char *, void *), void *state)
{
	struct dirent **names;
	int count = scandir(dir, &names, NULL, alphasort);

	if (count < 0) {
		if (errno != ENOENT)
			report_error("%s: %s", dir, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.')
			take(sensors, dir, names[i]->d_name, state);
		free(names[i]);
	}
	free(names);
}

static void
take_zone(struct sensors *sensors, const char *dir, const char *name,
    void *state)
{
	(void)state;
	if (strchr(name, ':') && strlen(name) < FILE_TEXT)
		add_zone(sensors, dir, name);
}

static void
take_file(struct sensors *sensors, const char *dir, const char *name,
    void *state)
{
	(void)dir;
	if (strlen(name) < FILE_TEXT)
		add_file(sensors, state, name);
}

static void
take_chip(struct sensors *sensors, const char *dir, const char *name,
    void *state)
{
	char *path = file_path(dir, name), *label = file_path(path, "name");
	struct chip chip = { .dir = path,
		.update_ns = optional_ms(path, "update_interval") };

	(void)state;
	file_word(label, chip.name);
	free(label);
	if (!*chip.name)
		snprintf(chip.name, sizeof chip.name, "chip");
	find_device(&chip, name);
	walk(sensors, path, take_file, &chip);
	free(path);
}

/* Of one name, each also has the kernel's behind an @. */
static void
tell_apart(struct sensors *sensors)
{
	for (size_t i = 0; i < sensors->count; i++) {
		struct sensor *a = &sensors->list[i];
		size_t length = strlen(a->id);
		bool twin = false;

		for (size_t j = 0; j < sensors->count; j++) {
			const char *id = sensors->list[j].id;

			if (j != i && strncmp(id, a->id, length) == 0 &&
			    (id[length] == '\0' || id[length] == '@'))
				twin = true;
		}
		if (twin)
			snprintf(a->id + length, sizeof a->id - length, "@%s",
			    a->key);
	}
}

void
sensor_scan(struct sensors *sensors, const char *sysfs)
{
	char *powercap = file_path(sysfs, "class/powercap");
	char *hwmon = file_path(sysfs, "class/hwmon");

	walk(sensors, powercap, take_zone, NULL);
	walk(sensors, hwmon, take_chip, NULL);
	tell_apart(sensors);
	free(powercap);
	free(hwmon);
}

void
sensor_forget(struct sensors *sensors)
{
	for (size_t i = 0; i < sensors->count; i++) {
		free(sensors->list[i].group);
		free(sensors->list[i].file);
		free(sensors->list[i].volts);
	}
	free(sensors->list);
}
