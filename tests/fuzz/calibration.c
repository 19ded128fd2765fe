/* Any bytes as a calibration record: reading stays inside them, and what it
 * accepts corrects finite figures to numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check(const struct calibration_channel *channel)
{
	struct calibration_counter counter = { 0 };
	double watts = 5, vars = -1;

	must(channel->number <= CALIBRATION_CHANNELS);
	must(channel->value[CALIBRATION_GAIN] > 0);
	must(channel->lowest_watts <= channel->highest_watts);
	calibration_correct(channel, &watts, &vars);
	if (channel->has_energy)
		calibration_joules(channel, &counter, 0, 1, &vars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *own = malloc(size ? size : 1);
	struct calibration calibration;
	const char *why = NULL;

	must(own != NULL);
	if (size)
		memcpy(own, data, size);
	if (calibration_read(own, size, &calibration, &why)) {
		must(calibration.channel_count <= CALIBRATION_CHANNELS &&
		    calibration.register_count <= CALIBRATION_REGISTERS);
		for (size_t i = 0; i < calibration.channel_count; i++)
			check(&calibration.channels[i]);
	} else {
		must(why && *why);
	}
	free(own);
	return 0;
}
