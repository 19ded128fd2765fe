#include <math.h>
#include <stddef.h>

#include "epi-tap/check.h"

static const struct {
	const char *word, *sentence;
} verdicts[CHECK_VERDICTS] = {
	{ "silent", "no sample came" },
	{ "missing", "its IC fails" },
	{ "clipping", "beyond full scale: a clamp for more amperes, or fewer "
	    "turns" },
	{ "reversed", "negative watts: turn the clamp round, or use --invert" },
	{ "near-zero", "next to nothing: both conductors in the clamp, or "
	    "nothing switched on?" },
	{ "volts", "no mains of 120 or 230 V within 10 per cent" },
	{ "other-volts", "over 10 per cent from the volts of the calibration" },
	{ "unused", "next to nothing, and no name: not used" },
	{ "unnamed", "a load on a channel that has no name" }
};

const char *
check_word(unsigned bit)
{
	return verdicts[bit].word;
}

const char *
check_sentence(unsigned bit)
{
	return verdicts[bit].sentence;
}

static double
mean(double sum, uint64_t count)
{
	return count ? sum / (double)count : NAN;
}

double
check_watts(const struct check *check)
{
	return mean(check->watts, check->samples);
}

double
check_amps(const struct check *check)
{
	return mean(check->amps, check->with_amps);
}

double
check_volts(const struct check *check)
{
	return mean(check->volts, check->with_volts);
}

/* Within 10 per cent; what is not known is. */
static bool
near(double value, double of)
{
	return isnan(value) || isnan(of) || fabs(value - of) <= 0.1 * of;
}

static unsigned
judge_power(double watts, enum check_use use)
{
	if (fabs(watts) < CHECK_NOTHING_W)
		return use == CHECK_NAMED ? CHECK_NEAR_ZERO : CHECK_UNUSED;
	if (use == CHECK_NOT_USED)
		return CHECK_UNNAMED;
	return watts < 0 ? CHECK_REVERSED : 0;
}

unsigned
check_judge(const struct check *check, enum check_use use,
    double calibrated_volts)
{
	uint64_t all = check->samples + check->lacking + check->clipped;
	double volts = check_volts(check);
	unsigned verdict = 0;

	if (all == 0)
		return CHECK_SILENT;
	if (check->lacking * 10 >= all && use != CHECK_NOT_USED)
		verdict |= CHECK_MISSING;
	if (check->clipped)
		verdict |= CHECK_CLIPPING;
	if (check->samples)
		verdict |= judge_power(check_watts(check), use);
	if (!near(volts, 120) && !near(volts, 230))
		verdict |= CHECK_VOLTS;
	if (!near(volts, calibrated_volts))
		verdict |= CHECK_OTHER_VOLTS;
	return verdict;
}
