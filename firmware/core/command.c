/* The command set of meter.h. */
#include "hal.h"
#include "meter.h"

struct words {
	const char *at;
	size_t left;
};

struct command {
	char letter;
	char token[FRAME_TOKEN];
	uint64_t received_us;
	struct words words;
};

/* The next word; a length of 0 is none. */
static size_t
next(struct words *words, const char **word)
{
	size_t length = 0;

	if (words->left && *words->at == ' ') {
		words->at++;
		words->left--;
	}
	*word = words->at;
	while (length < words->left && words->at[length] != ' ')
		length++;
	words->at += length;
	words->left -= length;
	return length;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 16;
}

/* A word that is a number of this base and at most `most`. */
static bool
number(struct words *words, uint32_t base, uint32_t most,
    uint32_t *out)
{
	const char *word;
	size_t length = next(words, &word);
	uint32_t value = 0;

	if (length == 0 || length > 6)
		return false;
	for (size_t i = 0; i < length; i++) {
		uint32_t d = (uint32_t)digit(word[i]);

		if (d >= base)
			return false;
		value = value * base + d;
	}
	*out = value;
	return value <= most;
}

static bool
token_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '-';
}

static bool
token(struct command *command)
{
	const char *word;
	size_t length = next(&command->words, &word);

	if (length == 0 || length >= FRAME_TOKEN)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!token_byte(word[i]))
			return false;
	for (size_t i = 0; i < length; i++)
		command->token[i] = word[i];
	return true;
}

static void
copy(char *to, const char *from, size_t room)
{
	size_t n = 0;

	for (; from[n] && n + 1 < room; n++)
		to[n] = from[n];
	to[n] = '\0';
}

/* When the first byte will be on the wire: ten bits a byte ahead of it. */
static uint64_t
wire_time(void)
{
	return hal_time_us() +
	    (uint64_t)hal_uart_pending() * 10000000 / METER_BAUD;
}

static void
acknowledge(struct meter *meter, const struct command *command,
    const char *reason, const int64_t *values, uint32_t count)
{
	struct frame_ack ack = { .has = FRAME_ACK_RECEIVED | FRAME_ACK_SENT };

	ack.done = reason == NULL;
	ack.command[0] = command->letter;
	copy(ack.token, command->token, FRAME_TOKEN);
	ack.received_us = command->received_us;
	ack.sent_us = wire_time();
	if (reason) {
		ack.has |= FRAME_ACK_REASON;
		copy(ack.reason, reason, FRAME_WORD);
	}
	if (count)
		ack.has |= FRAME_ACK_VALUES;
	ack.values_count = count;
	for (uint32_t i = 0; i < count; i++)
		ack.values[i] = values[i];
	meter_send(meter, frame_format_ack(&ack, meter->line,
	    sizeof meter->line));
}

static void
done(struct meter *meter, const struct command *command)
{
	acknowledge(meter, command, NULL, NULL, 0);
}

static void
refuse(struct meter *meter, const struct command *command,
    const char *reason)
{
	acknowledge(meter, command, reason, NULL, 0);
}

static bool
ended(const struct command *command)
{
	return command->words.left == 0;
}

static void
ping(struct meter *meter, struct command *command)
{
	done(meter, command);
}

static void
identify(struct meter *meter, struct command *command)
{
	meter_send_header(meter);
	done(meter, command);
}

static void
rate(struct meter *meter, struct command *command)
{
	uint32_t hz;

	if (!number(&command->words, 10, 50, &hz) || hz == 0 || !ended(command)) {
		refuse(meter, command, "range");
		return;
	}
	meter_set_rate(meter, hz);
	done(meter, command);
	meter_send_header(meter);
}

static void
stream(struct meter *meter, struct command *command)
{
	uint32_t on;

	if (!number(&command->words, 10, 1, &on) || !ended(command)) {
		refuse(meter, command, "range");
		return;
	}
	meter->streaming = on;
	done(meter, command);
}

/* first..last is one channel, or all of them for "*". */
static bool
channels(const struct meter *meter, struct command *command,
    uint32_t *first, uint32_t *last)
{
	if (command->words.left >= 2 && command->words.at[1] == '*') {
		const char *word;

		*first = 0;
		*last = meter->config->channels - 1;
		return next(&command->words, &word) == 1;
	}
	if (!number(&command->words, 10, meter->config->channels - 1, first))
		return false;
	*last = *first;
	return true;
}

/* K and the energy of a count; every channel's, since the header has one. */
static bool
set_scale(struct meter *meter, uint32_t address, uint32_t value)
{
	for (uint32_t c = 0; c < meter->config->channels; c++) {
		struct ic_setting *kept = &meter->ics[c].kept;
		uint32_t nj = address == 0x7E ?
		    (value << 16 | (kept->energy_nj & 0xFFFF)) :
		    ((kept->energy_nj & 0xFFFF0000) | value);

		if (address == 0x7D ? value == 0 : nj == 0)
			return false;
		if (address == 0x7D)
			kept->gain_k = value;
		else
			kept->energy_nj = nj;
	}
	return true;
}

static bool
set_word(struct meter *meter, uint32_t first, uint32_t last,
    uint32_t address, uint32_t value)
{
	if (address >= 0x7D)
		return first == 0 && last + 1 == meter->config->channels &&
		    address <= 0x7F && set_scale(meter, address, value);
	for (uint32_t c = first; c <= last; c++) {
		struct ic *ic = &meter->ics[c];
		uint16_t mask;
		uint16_t *word = ic->driver->word(&ic->kept, address,
		    &mask);

		if (!word || value & ~(uint32_t)mask)
			return false;
		*word = (uint16_t)value;
	}
	return true;
}

static void
calibrate(struct meter *meter, struct command *command)
{
	uint32_t first, last, address, value;

	if (meter->applying)
		refuse(meter, command, "busy");
	else if (!channels(meter, command, &first, &last) ||
	    !number(&command->words, 16, 0xFF, &address) ||
	    !number(&command->words, 16, 0xFFFF, &value) || !ended(command) ||
	    !set_word(meter, first, last, address, value))
		refuse(meter, command, "range");
	else
		done(meter, command);
}

static void
apply(struct meter *meter, struct command *command)
{
	if (meter->applying) {
		refuse(meter, command, "busy");
		return;
	}
	meter->applying = true;
	copy(meter->apply_token, command->token, FRAME_TOKEN);
	meter->apply_received_us = command->received_us;
	for (uint32_t c = 0; c < meter->config->channels; c++) {
		struct ic *ic = &meter->ics[c];
		bool same_count = ic->kept.energy_nj == ic->used.energy_nj;

		ic->used = ic->kept;
		ic->errors = FRAME_VERIFY;
		ic_restart(ic, same_count, hal_time_us());
	}
}

void
command_finish_apply(struct meter *meter)
{
	struct command command = { .letter = 'A',
		.received_us = meter->apply_received_us };
	int64_t sums[FRAME_CHANNELS];
	const char *reason = NULL;

	for (uint32_t c = 0; c < meter->config->channels; c++) {
		const struct ic *ic = &meter->ics[c];

		sums[c] = ic->driver->checksum(ic);
		if (ic->state != IC_READY)
			reason = ic->errors & FRAME_MISSING ? "missing" : "verify";
	}
	meter->applying = false;
	copy(command.token, meter->apply_token, FRAME_TOKEN);
	acknowledge(meter, &command, reason, sums, meter->config->channels);
	meter_send_header(meter);
}

static void
tare(struct meter *meter, struct command *command)
{
	uint32_t first, last, count = 2 * meter->rate_hz;

	if (!channels(meter, command, &first, &last) || first != last ||
	    (!ended(command) && !number(&command->words, 10, 3000, &count)) ||
	    !ended(command)) {
		refuse(meter, command, "range");
		return;
	}
	struct meter_tare *taring = &meter->taring[first];
	if (meter->ics[first].state != IC_READY || taring->wanted) {
		refuse(meter, command, taring->wanted ? "busy" : "missing");
		return;
	}
	*taring = (struct meter_tare){ .wanted = count,
		.received_us = command->received_us };
	copy(taring->token, command->token, FRAME_TOKEN);
	if (count == 0) {
		meter->ics[first].tare_uw = 0;
		command_finish_tare(meter, first, NULL);
	}
}

void
command_finish_tare(struct meter *meter, uint32_t channel,
    const char *reason)
{
	struct command command = { .letter = 'T',
		.received_us = meter->taring[channel].received_us };

	copy(command.token, meter->taring[channel].token, FRAME_TOKEN);
	acknowledge(meter, &command, reason, &meter->ics[channel].tare_uw,
	    reason ? 0 : 1);
}

static void
energy(struct meter *meter, struct command *command)
{
	int64_t counts[FRAME_CHANNELS];

	if (!meter_counts(meter)) {
		refuse(meter, command, "range");
		return;
	}
	for (uint32_t c = 0; c < meter->config->channels; c++)
		counts[c] = meter->ics[c].energy_counts;
	acknowledge(meter, command, NULL, counts, meter->config->channels);
}

static void
reset(struct meter *meter, struct command *command)
{
	done(meter, command);
	meter->resetting = true;
}

static void
dispatch(struct meter *meter, struct command *command)
{
	static const struct {
		char letter;
		bool bare; /* takes no argument */
		void (*obey)(struct meter *, struct command *);
	} commands[] = {
		{ 'I', true, identify }, { 'R', false, rate },
		{ 'S', false, stream }, { 'P', true, ping },
		{ 'C', false, calibrate }, { 'A', true, apply },
		{ 'T', false, tare }, { 'E', true, energy }, { 'X', true, reset }
	};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (commands[i].letter != command->letter)
			continue;
		if (!token(command))
			refuse(meter, command, "token");
		else if (commands[i].bare && !ended(command))
			refuse(meter, command, "range");
		else
			commands[i].obey(meter, command);
		return;
	}
	command->letter = '?';
	refuse(meter, command, "command");
}

void
command_obey(struct meter *meter, uint64_t received_us)
{
	struct command command = { .letter = '?', .received_us = received_us,
		.words = { meter->command, meter->command_length } };
	const char *word;

	if (next(&command.words, &word) == 1)
		command.letter = *word;
	dispatch(meter, &command);
}

void
command_refuse(struct meter *meter, const char *reason,
    uint64_t received_us)
{
	const struct command command = { .letter = '?',
		.received_us = received_us };

	refuse(meter, &command, reason);
}
