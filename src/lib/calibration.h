/*
 * calibration: the calibration record of epi-calibration-file(5), and the
 * exact inverse of what it found out about a channel.
 *
 * With P and Q true, w, q and e what the meter indicates as watts, vars and as
 * the slope of its energy counter, o offsets, G gains, f the phase error:
 *
 *     w = o  + G  (P cos f + Q sin f)
 *     q = oq + G  (Q cos f - P sin f)
 *     e = oe + Ge (P cos f + Q sin f)
 *
 * Floor: second.  No allocation; nothing here prints; an error is a sentence.
 */
#ifndef EPI_CALIBRATION_H
#define EPI_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

enum {
	CALIBRATION_FORMAT = 1,
	CALIBRATION_CHANNELS = 4,
	CALIBRATION_REGISTERS = 96, /* the most that are pushed */
	CALIBRATION_WORD = 33       /* a short string and its NUL */
};

/* The order of `parameters` and of the covariance. */
enum calibration_parameter {
	CALIBRATION_OFFSET_WATTS, CALIBRATION_GAIN, CALIBRATION_PHASE_RADIANS,
	CALIBRATION_OFFSET_VARS, CALIBRATION_ENERGY_OFFSET_WATTS,
	CALIBRATION_ENERGY_GAIN, CALIBRATION_PARAMETERS
};

extern const char *const calibration_names[CALIBRATION_PARAMETERS];

struct calibration_channel {
	unsigned number;         /* from 1, of the meter's channels; 0: not known */
	struct json_value node;  /* its name when it was calibrated */
	bool has_energy;         /* else the counter is not calibrated, and the
	                            energy parameters are 0 */
	double value[CALIBRATION_PARAMETERS];
	double covariance[CALIBRATION_PARAMETERS][CALIBRATION_PARAMETERS];
	double lowest_watts, highest_watts; /* the range that it is valid in */
	struct json_value sources; /* the array of their lines */
	struct json_value points;
};

/* One C command of firmware/PROTOCOL.md. */
struct calibration_register {
	char channel[2];         /* "*", "0" to "3" */
	unsigned address, value;
};

/* json_values are spans of the record. */
struct calibration {
	char id[CALIBRATION_WORD];
	char meter_id[CALIBRATION_WORD]; /* "": any */
	char meter_hash[CALIBRATION_WORD]; /* of its registers; "": not known */
	int64_t date_ns, valid_until_ns;
	bool traceable, simulated;
	double volts;            /* NAN: not known */
	struct calibration_channel channels[CALIBRATION_CHANNELS];
	size_t channel_count;
	struct calibration_register registers[CALIBRATION_REGISTERS];
	size_t register_count;
	struct json_value reference; /* an object, or absent */
	struct json_value warnings;  /* an array, or absent */
};

/* Reads a record, of one line or more.  False: `why` (static text) says what
 * is wrong with it. */
bool calibration_read(const char *text, size_t length,
    struct calibration *calibration, const char **why);

/* The channel of that number, or else of that name; NULL: not calibrated. */
const struct calibration_channel *calibration_find(
    const struct calibration *calibration, unsigned number, const char *node);

/* What was indicated becomes what it was.  Vars that are not known are NULL,
 * and what the phase error makes of them stays in the watts. */
void calibration_correct(const struct calibration_channel *channel,
    double *watts, double *vars);

/* How much the corrected watts move with each parameter, where the truth is so
 * many watts and vars; of the energy counter's slope with `counter`. */
void calibration_slopes(const double value[CALIBRATION_PARAMETERS],
    bool counter, double watts, double vars,
    double slopes[CALIBRATION_PARAMETERS]);

/* An energy counter; all zero before its first reading and after a reset. */
struct calibration_counter {
	bool begun;
	int64_t ns;
	double indicated, vars;
	double joules; /* corrected */
};

/*
 * The corrected counter at a reading; it begins at the first one as that
 * stands.  Vars are taken as straight between readings; NULL as above.
 * The channel has_energy; times rise.
 */
double calibration_joules(const struct calibration_channel *channel,
    struct calibration_counter *counter, int64_t ns, double joules,
    const double *vars);

#endif
