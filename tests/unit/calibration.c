/* A channel with cos f = 0.8 and sin f = 0.6, and what it makes of 10 W and
 * 5 var, by hand: w = 0.5 + 2 (8 + 3), q = -1 + 2 (4 - 6), e = 1 + 3 (8 + 3). */
#include <math.h>
#include <string.h>

#include "calibration.h"
#include "unit.h"

#define ROW "[0,0,0,0,0,0]"
#define CHANNEL(number) "{\"channel\":" number ",\"node\":\"pi1\"," \
	"\"power\":{\"offset_watts\":0.5,\"gain\":2," \
	"\"phase_radians\":0.6435011087932844,\"offset_vars\":-1}," \
	"\"energy\":{\"offset_watts\":1,\"gain\":3}," \
	"\"covariance\":[" ROW "," ROW "," ROW "," ROW "," ROW "," ROW "]," \
	"\"valid\":{\"watts\":[0,15]}}"
#define RECORD(channels) "{\"type\":\"calibration\",\"format\":1," \
	"\"id\":\"00ff\",\"date\":1700000000," \
	"\"meter\":{\"id\":\"E6\",\"hash\":\"26375DEF\"}," \
	"\"registers\":[{\"channel\":\"*\",\"address\":\"7D\"," \
	"\"value\":\"00C8\"}],\"channels\":[" channels "]}"

static bool
near(double found, double expected)
{
	return fabs(found - expected) < 1e-12;
}

static void
correction(const struct calibration_channel *channel)
{
	struct calibration_counter counter = { 0 };
	double watts = 22.5, vars = -5;
	const double indicated = -5;

	calibration_correct(channel, &watts, &vars);
	is(near(watts, 10) && near(vars, 5), "10 W and 5 var come back");
	watts = 0.5 + 2 * 8; /* 10 W of a resistor */
	calibration_correct(channel, &watts, NULL);
	is(near(watts, 10), "without vars a resistor's watts come back");
	is(calibration_joules(channel, &counter, 1000000000, 7, &indicated) ==
	    7, "a counter begins as it stands");
	is(near(calibration_joules(channel, &counter, 3000000000, 7 + 2 * 34,
	    &indicated), 7 + 20), "10 W for 2 s are 20 J more");
	counter = (struct calibration_counter){ 0 };
	calibration_joules(channel, &counter, 0, 0, NULL);
	is(near(calibration_joules(channel, &counter, 2000000000, 2 * 25, NULL),
	    20), "without vars as of a resistor: 1 + 3 * 8 W are 10 W");
}

/* By the correction itself, at a hair's breadth to both sides. */
static void
slopes(struct calibration_channel channel)
{
	double by[CALIBRATION_PARAMETERS];

	calibration_slopes(channel.value, false, 10, 5, by);
	for (int k = 0; k <= CALIBRATION_OFFSET_VARS; k++) {
		struct calibration_channel up = channel, down = channel;
		double high = 22.5, low = 22.5, vars = -5, also = -5;

		up.value[k] += 1e-6;
		down.value[k] -= 1e-6;
		calibration_correct(&up, &high, &vars);
		calibration_correct(&down, &low, &also);
		is(fabs((high - low) / 2e-6 - by[k]) < 1e-6,
		    "slope by %s", calibration_names[k]);
	}
	/* d/dGe of (e - oe) / Ge cos f, (e - oe) / Ge being 11 */
	calibration_slopes(channel.value, true, 10, 5, by);
	is(near(by[CALIBRATION_ENERGY_GAIN], -11 * 0.8 / 3) &&
	    near(by[CALIBRATION_ENERGY_OFFSET_WATTS], -0.8 / 3) &&
	    near(by[CALIBRATION_OFFSET_WATTS], 0), "slopes of the counter");
}

static void
reads(void)
{
	static const char good[] = RECORD(CHANNEL("2"));
	struct calibration calibration;
	const char *why;

	is(calibration_read(good, strlen(good), &calibration, &why),
	    "a record is read");
	is(strcmp(calibration.meter_hash, "26375DEF") == 0 &&
	    strcmp(calibration.id, "00ff") == 0 && !calibration.traceable &&
	    calibration.date_ns == INT64_C(1700000000000000000),
	    "its meter, id and date");
	is(calibration.register_count == 1 &&
	    calibration.registers[0].channel[0] == '*' &&
	    calibration.registers[0].address == 0x7D &&
	    calibration.registers[0].value == 200, "its registers");
	is(calibration_find(&calibration, 2, "other") != NULL &&
	    calibration_find(&calibration, 1, "pi1") == NULL,
	    "a channel is found by its number");
	is(calibration_find(&calibration, 0, "pi1") != NULL &&
	    calibration_find(&calibration, 0, "pi2") == NULL,
	    "or by its name where no number is known");
	correction(&calibration.channels[0]);
	slopes(calibration.channels[0]);
}

static void
refusals(void)
{
	static const char *const wrong[] = {
		"{}", "[]", "{\"type\":\"calibration\",\"format\":2}",
		RECORD(CHANNEL("0")), RECORD(CHANNEL("5")), RECORD("{}"),
		RECORD(CHANNEL("1") "," CHANNEL("1")), RECORD("1"),
		"{\"type\":\"calibration\",\"format\":1,\"registers\":"
		"[{\"channel\":\"4\",\"address\":\"7D\",\"value\":\"0\"}]}",
		"{\"type\":\"calibration\",\"format\":1,\"registers\":"
		"[{\"channel\":\"0\",\"address\":\"100\",\"value\":\"0\"}]}"
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct calibration calibration;
		const char *why = NULL;

		is(!calibration_read(wrong[i], strlen(wrong[i]), &calibration,
		    &why) && why && *why, "refused: %.60s", wrong[i]);
	}
}

int
main(void)
{
	reads();
	refusals();
	return unit_finish();
}
