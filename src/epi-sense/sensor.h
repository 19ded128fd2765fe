/*
 * sensor: one counter or meter of this machine, found and read.
 */
#ifndef EPI_SENSE_SENSOR_H
#define EPI_SENSE_SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SENSOR_NAME = 256 };

enum sensor_kind {
	SENSOR_COUNTER, /* uJ that add up */
	SENSOR_POWER,   /* uW */
	SENSOR_PRODUCT  /* mA, and the mV of another file */
};

struct sensor {
	enum sensor_kind kind;
	bool powercap;      /* else hwmon */
	bool by_default;    /* measured where nobody says what is */
	bool off;           /* its domain's power limits are */
	bool all;           /* psys: everything else is in it */
	char id[SENSOR_NAME];   /* its name in --list and --node */
	char key[SENSOR_NAME];  /* the kernel's, which no two have */
	char *group;        /* its zone, or the folder of its chip */
	unsigned number;    /* hwmon: which of the chip's */
	char *file, *volts; /* what is read; volts: of a product alone */
	int64_t range_uj;   /* at which the counter wraps; 0: not known */
	int64_t update_ns;  /* hwmon: it has a new value so often; 0: not told */
	int64_t averaging_ns; /* of power; 0: not told */
};

struct sensors {
	struct sensor *list;
	size_t count, room;
};

/* All there is under a sysfs, readable or not. */
void sensor_scan(struct sensors *sensors, const char *sysfs);
void sensor_forget(struct sensors *sensors);

/* The value as it stands, uJ or uW.  0, or an errno as file_number's;
 * *file is the one that failed. */
int sensor_read(const struct sensor *sensor, int64_t *value,
    const char **file);

/* Whether what one measures is, or may be, in what the other measures; their
 * sum is then none. */
bool sensor_overlap(const struct sensor *a, const struct sensor *b);

/*
 * What a counter rose by from `last` to `now`, which were read ns > 0 apart.
 * A fall is a wrap if the range explains it.  Below 0: nobody knows, for it was
 * reset, or could have wrapped twice.
 */
int64_t sensor_step(const struct sensor *sensor, int64_t last_uj,
    int64_t now_uj, int64_t ns);

#endif
