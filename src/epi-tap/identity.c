#include <string.h>

#include "clock.h"
#include "epi-tap/identity.h"
#include "epi-tap/tap.h"
#include "report.h"

void
identity_name(struct meter *meter, char **names)
{
	for (int c = 0; names[c]; c++)
		if (strcmp(names[c], "-") != 0)
			meter->channels[c].node = names[c];
	meter->named = true;
}

bool
identity_fit(struct meter *meter, uint32_t count)
{
	static const char *const names[FRAME_CHANNELS] = {
		"ch1", "ch2", "ch3", "ch4"
	};

	for (uint32_t c = count; c < FRAME_CHANNELS; c++)
		if (meter->channels[c].node) {
			report_error("%s: no channel %u for node %s: the "
			    "meter has %u", meter->name, (unsigned)c + 1,
			    meter->channels[c].node, (unsigned)count);
			meter->refused = true;
			return false;
		}
	for (uint32_t c = 0; c < count && !meter->named; c++)
		meter->channels[c].node = names[c];
	for (uint32_t c = 0; c < count; c++)
		if (meter->channels[c].node)
			meter->channels[c].inverted =
			    tap_inverted(meter->channels[c].node);
	meter->count = count;
	return true;
}

bool
identity_calibrated(const struct meter *meter)
{
	return meter->calibration && !meter->uncalibrated;
}

void
identity_find(struct meter *meter)
{
	for (uint32_t c = 0; c < meter->count && identity_calibrated(meter); c++) {
		struct meter_channel *channel = &meter->channels[c];

		if (!channel->node)
			continue;
		channel->calibration = calibration_find(meter->calibration,
		    c + 1, channel->node);
		if (!channel->calibration)
			report_error("%s: channel %u, node %s, is not in the "
			    "calibration", meter->name, (unsigned)c + 1,
			    channel->node);
		meter->refused |= !channel->calibration;
	}
}

void
identity_check(struct meter *meter)
{
	const struct calibration *with = meter->calibration;
	char hash[9] = "", why[160];

	for (int i = 0; i < 8; i++)
		hash[i] = "0123456789ABCDEF"[meter->header.calibration >>
		    (28 - 4 * i) & 15];
	if (!identity_calibrated(meter))
		return;
	if (with->meter_id[0] && strcmp(with->meter_id,
	    meter->header.id) != 0)
		meter_refuse(meter, "the calibration is another meter's");
	if (with->simulated != (meter->header.simulated != 0))
		meter_refuse(meter, with->simulated
		    ? "the calibration is a simulated meter's"
		    : "a simulated meter, and the calibration of a real one");
	if (strcmp(hash, with->meter_hash) == 0)
		return;
	strcpy(why, "the meter's calibration is ");
	strcat(strcat(why, hash), ", the file's ");
	strcat(strcat(why, with->meter_hash),
	    ": calibrate it again, or say --uncalibrated");
	meter_refuse(meter, why);
}

void
identity_date(const struct meter *meter)
{
	char until[CLOCK_TEXT];

	if (!identity_calibrated(meter) || meter->now.ns <=
	    meter->calibration->valid_until_ns)
		return;
	clock_format(until, meter->calibration->valid_until_ns);
	report_warning("%s: the calibration was valid until %s", meter->name,
	    until);
}
