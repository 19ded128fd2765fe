#include <errno.h>
#include <string.h>

#include "epi-sense/file.h"
#include "epi-sense/sensor.h"

/* No part of one machine draws 10 kW: 10 uJ in a nanosecond.  What a counter
 * shows may be older by a millisecond or two. */
enum { MOST_UJ_PER_NS = 10, AGE_NS = 2000000 };

#define UW_MAX INT64_C(1000000000000000) /* 1e9 W, as epi-record(5) has it */

int
sensor_read(const struct sensor *sensor, int64_t *value, const char **file)
{
	int64_t volts_mv = 1;
	int error = file_number(*file = sensor->file, value);

	if (error == 0 && sensor->kind == SENSOR_PRODUCT)
		error = file_number(*file = sensor->volts, &volts_mv);
	if (error)
		return error;
	if (__builtin_mul_overflow(*value, volts_mv, value) ||
	    (sensor->kind == SENSOR_COUNTER ? *value < 0
	    : *value > UW_MAX || *value < -UW_MAX))
		return EBADMSG;
	return 0;
}

int64_t
sensor_step(const struct sensor *sensor, int64_t last_uj, int64_t now_uj,
    int64_t ns)
{
	int64_t step_uj = now_uj - last_uj, most_uj;

	if (__builtin_mul_overflow(ns + AGE_NS, MOST_UJ_PER_NS, &most_uj))
		most_uj = INT64_MAX;
	if (sensor->range_uj > 0 && most_uj >= sensor->range_uj)
		return -1;
	if (step_uj < 0 && last_uj <= sensor->range_uj)
		step_uj += sensor->range_uj;
	return step_uj <= most_uj ? step_uj : -1;
}

/* "intel-rapl:0" holds "intel-rapl:0:1". */
static bool
holds(const char *zone, const char *other)
{
	size_t length = strlen(zone);

	return strncmp(zone, other, length) == 0 &&
	    (other[length] == ':' || other[length] == '\0');
}

static bool
same_control(const char *a, const char *b)
{
	size_t length = strcspn(a, ":");

	return length == strcspn(b, ":") && memcmp(a, b, length) == 0;
}

/* A package's zone holds that of its memory, and its counter does not (Intel,
 * Software Developer's Manual, volume 3, 15.10.1). */
static bool
apart(const struct sensor *memory, const struct sensor *other)
{
	return memory->by_default && strchr(memory->id, '/') &&
	    !holds(memory->group, other->group);
}

bool
sensor_overlap(const struct sensor *a, const struct sensor *b)
{
	if (a->powercap != b->powercap)
		return false;
	if (!a->powercap)
		return strcmp(a->group, b->group) == 0 &&
		    a->number == b->number;
	if (a->all || b->all || !same_control(a->group, b->group))
		return true;
	if (apart(a, b) || apart(b, a))
		return false;
	return holds(a->group, b->group) || holds(b->group, a->group);
}
