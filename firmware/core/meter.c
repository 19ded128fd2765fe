#include "meter.h"

#include "hal.h"

/* Over this rate the slow members come on every tenth line only. */
enum {
	FULL_RATE_HZ = 20, SLOW_LINES = 10, START_US = 200000,
	LATE_US = 20000  /* that a reading may come after its time */
};

static uint64_t
tick_us(const struct meter *meter)
{
	return meter->origin_us + meter->ticks * 1000000 / meter->rate_hz;
}

/* Whole lines or nothing: half a line would cost its neighbour too. */
void
meter_send(struct meter *meter, size_t length)
{
	if (length == 0 || hal_uart_room() < length)
		meter->dropped++;
	else
		hal_uart_write(meter->line, length);
}

/* A sample leaves room for an answer: who asks what is wrong with a wire that
 * is too slow must get one. */
static void
send_sample(struct meter *meter)
{
	size_t length = frame_format_sample(&meter->sample, meter->line,
	    sizeof meter->line);

	if (hal_uart_room() < length + FRAME_LINE_MAX)
		meter->dropped++;
	else
		meter_send(meter, length);
}

static void
copy_word(char *to, const char *from)
{
	size_t n = 0;

	for (; from[n] && n + 1 < FRAME_WORD; n++)
		to[n] = from[n];
	to[n] = '\0';
}

static void
hex_word(char *to, uint64_t value)
{
	for (int i = 0; i < 16; i++)
		to[i] = "0123456789ABCDEF"[value >> (60 - 4 * i) & 15];
	to[16] = '\0';
}

/* CRC-32 (IEEE 802.3, reflected). */
static uint32_t
crc32_of(uint32_t crc, uint32_t value, int bits)
{
	for (int i = 0; i < bits; i++) {
		uint32_t odd = (crc ^ value >> i) & 1;

		crc = crc >> 1 ^ (odd ? 0xEDB88320U : 0);
	}
	return crc;
}

/* Of K, nJ and every word and tare (uW), channel by channel, low bits first. */
static uint32_t
calibration_hash(const struct meter *meter)
{
	uint32_t crc = ~0U;

	for (uint32_t c = 0; c < meter->config->channels; c++) {
		const struct ic *ic = &meter->ics[c];

		crc = crc32_of(crc, ic->used.gain_k, 32);
		crc = crc32_of(crc, ic->used.energy_nj, 32);
		for (unsigned i = 0; i < IC_WORDS; i++)
			crc = crc32_of(crc, ic->used.words[i], 16);
		crc = crc32_of(crc, (uint32_t)ic->tare_uw, 32);
	}
	return ~crc;
}

static void
averaging(const struct meter *meter, struct frame_header *header)
{
	const struct meter_config *config = meter->config;

	if (!config->averaging_known)
		return;
	header->has = FRAME_HEAD_DELAY | FRAME_HEAD_AVERAGING;
	header->averaging_us = config->averaging_us;
	header->delay_us = config->delay_us;
	if (config->averaging_us || config->delay_us)
		return;
	header->averaging_us = 1000000 / meter->rate_hz;
	header->delay_us = 500000 / meter->rate_hz;
}

void
meter_send_header(struct meter *meter)
{
	const struct meter_config *config = meter->config;
	struct frame_header header = { .protocol = FRAME_PROTOCOL };

	averaging(meter, &header);
	header.has |= FRAME_HEAD_NEXT;
	header.next_sequence = meter->sequence;
	copy_word(header.device, "epi-meter");
	copy_word(header.firmware, config->firmware);
	copy_word(header.chip, hal_chip());
	copy_word(header.ic, config->driver->name);
	header.channels = config->channels;
	header.rate_hz = meter->rate_hz;
	for (size_t i = 0; i < sizeof FRAME_UNITS_TEXT; i++)
		header.units[i] = FRAME_UNITS_TEXT[i];
	header.uptime_us = hal_time_us();
	copy_word(header.reset, hal_reset_cause());
	header.calibration = calibration_hash(meter);
	header.gain_k = meter->ics[0].used.gain_k;
	hex_word(header.id, hal_unique_id());
	header.energy_nj = meter->ics[0].used.energy_nj;
	header.dropped = meter->dropped;
	header.simulated = config->simulated;
	meter_send(meter, frame_format_header(&header, meter->line,
	    sizeof meter->line));
}

/* The new period starts now. */
void
meter_set_rate(struct meter *meter, uint32_t rate_hz)
{
	meter->rate_hz = rate_hz;
	meter->origin_us = hal_time_us();
	meter->ticks = 1;
}

/* Sampling. */

/* A mean over a gap, or of two settings, is no tare. */
static void
take_tare(struct meter *meter, uint32_t c)
{
	struct meter_tare *tare = &meter->taring[c];

	if (!tare->wanted)
		return;
	if (meter->sample.absent >> c & 1) {
		tare->wanted = 0;
		command_finish_tare(meter, c, "missing");
		return;
	}
	tare->sum_uw += meter->ics[c].power_uw;
	if (++tare->taken < tare->wanted)
		return;
	meter->ics[c].tare_uw = tare->sum_uw / tare->wanted;
	tare->wanted = 0;
	command_finish_tare(meter, c, NULL);
}

/* Registers that may wrap from one sample to the next count nothing. */
bool
meter_counts(const struct meter *meter)
{
	const struct ic *ic = &meter->ics[0];

	return ic->driver->guard_us(ic) >= 1000000 / meter->rate_hz + LATE_US;
}

/* What is due on this line, of the members that do not fit into every one. */
static uint32_t
due(const struct meter *meter)
{
	uint32_t reactive = meter->config->driver->has_reactive ?
	    FRAME_HAS_REACTIVE : 0U;

	if (meter->rate_hz <= FULL_RATE_HZ)
		return FRAME_HAS_VOLTAGE | FRAME_HAS_FREQUENCY | reactive |
		    FRAME_HAS_POWER_FACTOR;
	switch (meter->sequence % SLOW_LINES) {
	case 0: return FRAME_HAS_VOLTAGE | FRAME_HAS_FREQUENCY;
	case 3: return reactive;
	case 6: return FRAME_HAS_POWER_FACTOR;
	default: return 0;
	}
}

static unsigned
wanted(const struct meter *meter, uint32_t has, uint32_t c)
{
	unsigned what = 0;

	if (has & FRAME_HAS_REACTIVE)
		what |= IC_REACTIVE;
	if (has & FRAME_HAS_POWER_FACTOR)
		what |= IC_POWER_FACTOR;
	if (has & FRAME_HAS_VOLTAGE && !(meter->sample.has & FRAME_HAS_VOLTAGE))
		what |= IC_LINE;
	if (meter->sequence % meter->config->channels == c)
		what |= IC_CHECK;
	return what;
}

static void
read_ics(struct meter *meter, uint32_t has)
{
	struct frame_sample *sample = &meter->sample;

	sample->has = has & ~(uint32_t)(FRAME_HAS_VOLTAGE | FRAME_HAS_FREQUENCY);
	for (uint32_t c = 0; c < meter->config->channels; c++)
		if (meter->ics[c].state == IC_READY)
			meter->ics[c].driver->power(&meter->ics[c]);
	for (uint32_t c = 0; c < meter->config->channels; c++) {
		struct ic *ic = &meter->ics[c];

		if (ic->state != IC_READY)
			continue;
		unsigned what = wanted(meter, has, c);
		if (!(ic->errors & IC_FATAL))
			ic->driver->rest(ic, what);
		if (ic->errors & IC_FATAL || !(what & IC_LINE))
			continue;
		sample->has |= FRAME_HAS_VOLTAGE | FRAME_HAS_FREQUENCY;
		sample->voltage_mv = ic->voltage_mv;
		sample->frequency_millihertz = ic->frequency_millihertz;
	}
}

static int32_t
milliwatts(int64_t uw)
{
	return (int32_t)((uw + (uw < 0 ? -500 : 500)) / 1000);
}

static void
fill(struct meter *meter, uint32_t c)
{
	struct frame_sample *sample = &meter->sample;
	const struct ic *ic = &meter->ics[c];

	sample->errors[c] = (int32_t)ic->errors;
	if (ic->state != IC_READY || ic->errors & IC_FATAL) {
		sample->absent |= 1U << c;
		return;
	}
	sample->changed |= (uint32_t)ic->changed << c;
	sample->power_mw[c] = milliwatts(ic->power_uw - ic->tare_uw);
	sample->current_ua[c] = ic->current_ua;
	sample->reactive_mvar[c] = ic->reactive_mvar;
	sample->power_factor_milli[c] = ic->power_factor_milli;
	sample->energy_counts[c] = ic->energy_counts;
}

static void
take_sample(struct meter *meter)
{
	struct frame_sample *sample = &meter->sample;
	uint64_t now_us = hal_time_us();

	sample->sequence = meter->sequence;
	sample->time_us = now_us;
	sample->channels = meter->config->channels;
	sample->absent = sample->changed = 0;
	read_ics(meter, due(meter) | FRAME_HAS_CURRENT | FRAME_HAS_CHANGED |
	    (meter_counts(meter) ? FRAME_HAS_ENERGY : 0U));
	for (uint32_t c = 0; c < sample->channels; c++)
		fill(meter, c);
	if (meter->streaming) {
		send_sample(meter);
		meter->sequence++;
	}
	for (uint32_t c = 0; c < sample->channels; c++)
		take_tare(meter, c);
}

/* After the line that told of it. */
static void
retire_failed(struct meter *meter)
{
	for (uint32_t c = 0; c < meter->config->channels; c++) {
		struct ic *ic = &meter->ics[c];

		if (ic->state == IC_READY && ic->errors & IC_FATAL)
			ic_fail(ic, ic->errors, hal_time_us());
	}
}

/* A tick that could not be kept (a stall) is a sample lost, and its number is
 * left out, so that the host sees the gap. */
static void
skip_missed(struct meter *meter, uint64_t now_us)
{
	for (meter->ticks++; tick_us(meter) <= now_us; meter->ticks++)
		meter->sequence += meter->streaming;
}

/* Start-up of ICs goes on while the next sample leaves time for a step. */
static bool
repair(struct meter *meter)
{
	bool more = false;

	for (uint32_t c = 0; c < meter->config->channels; c++)
		if (hal_time_us() + 1000 < tick_us(meter))
			more |= meter->ics[c].driver->work(&meter->ics[c],
			    hal_time_us());
	return more;
}

static bool
all_settled(const struct meter *meter)
{
	for (uint32_t c = 0; c < meter->config->channels; c++)
		if (meter->ics[c].state == IC_STARTING)
			return false;
	return true;
}

static void
listen(struct meter *meter)
{
	uint64_t when;
	int byte;

	while ((byte = hal_uart_read(&when)) >= 0) {
		if (byte == '\n') {
			if (meter->command_spoilt)
				command_refuse(meter, meter->command_long ?
				    "long" : "command", when);
			else if (meter->command_length)
				command_obey(meter, when);
			meter->command_length = 0;
			meter->command_spoilt = meter->command_long = false;
		} else if (meter->command_length + 1 == METER_COMMAND) {
			meter->command_spoilt = meter->command_long = true;
		} else if (byte >= ' ' && byte <= '~') {
			meter->command[meter->command_length++] = (char)byte;
		} else if (byte != '\r') {
			meter->command_spoilt = true;
		}
	}
}

/* Half a second at most: the watchdog wants to be fed. */
static uint64_t
wake_us(const struct meter *meter, uint64_t now_us)
{
	uint64_t latest = now_us + (all_settled(meter) ? 500000 : 2000);

	return tick_us(meter) < latest ? tick_us(meter) : latest;
}

void
meter_turn(struct meter *meter)
{
	uint64_t now_us = hal_time_us();

	hal_watchdog_feed();
	listen(meter);
	if (meter->resetting) {
		if (hal_uart_pending() == 0)
			hal_reset();
		hal_sleep_until(now_us + 1000);
		return;
	}
	if (now_us >= tick_us(meter)) {
		take_sample(meter);
		retire_failed(meter);
		skip_missed(meter, hal_time_us());
		return;
	}
	bool more = repair(meter);
	if (meter->applying && all_settled(meter))
		command_finish_apply(meter);
	if (!more)
		hal_sleep_until(wake_us(meter, now_us));
}

static void
clear(void *at, size_t size)
{
	for (unsigned char *byte = at; size--; byte++)
		*byte = 0;
}

static void
start_ics(struct meter *meter)
{
	uint64_t until_us = hal_time_us() + START_US;

	while (!all_settled(meter) && hal_time_us() < until_us) {
		bool more = false;

		hal_watchdog_feed();
		for (uint32_t c = 0; c < meter->config->channels; c++)
			more |= meter->ics[c].driver->work(&meter->ics[c],
			    hal_time_us());
		if (!more)
			hal_sleep_until(hal_time_us() + 1000);
	}
}

void
meter_start(struct meter *meter, const struct meter_config *config)
{
	clear(meter, sizeof *meter);
	meter->config = config;
	meter->streaming = true;
	hal_watchdog_feed();
	hal_spi_setup(config->driver->spi_mode, config->driver->spi_hz);
	for (uint32_t c = 0; c < config->channels; c++) {
		meter->ics[c].driver = config->driver;
		meter->ics[c].channel = c;
		meter->ics[c].errors = FRAME_MISSING;
		config->driver->defaults(&meter->ics[c].kept);
		meter->ics[c].used = meter->ics[c].kept;
		ic_restart(&meter->ics[c], false, hal_time_us());
	}
	start_ics(meter);
	meter_set_rate(meter, config->rate_hz);
	meter_send_header(meter);
}
