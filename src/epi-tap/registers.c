#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epi-tap/registers.h"
#include "report.h"

enum {
	READ_HOLDING = 0x03, READ_INPUT = 0x04, WRITE_SINGLE = 0x06,
	REFUSED = 0x80, COUNT = 10, ADDRESS = 2, TRIES = 3,
	SET_WAIT_US = 300000
};

/* The most of the larger kind, PZEM-004T-100A, by its manual. */
enum { MOST_DECIVOLTS = 2600, MOST_MILLIAMPS = 100000, MOST_DECIWATTS = 230000 };

const char *
answer_word(enum answer answer)
{
	static const char *const words[] = {
		[ANSWER_SOUND] = "sound", [ANSWER_OTHER] = "other",
		[ANSWER_SILENT] = "silent", [ANSWER_CUT] = "cut",
		[ANSWER_CRC] = "crc", [ANSWER_EXCEPTION] = "exception",
		[ANSWER_MALFORMED] = "malformed", [ANSWER_CLIPPED] = "clipped",
		[ANSWER_BROKEN] = "broken"
	};

	return words[answer];
}

/* The whole answer has one time limit, not each byte its own: bytes that drip
 * in hold nobody up for long. */
static void
set_wait(modbus_t *modbus, uint32_t wait_us)
{
	modbus_set_response_timeout(modbus, wait_us / 1000000,
	    wait_us % 1000000);
	modbus_set_byte_timeout(modbus, 0, 0);
}

modbus_t *
registers_open(const char *name, int fd, int baud, uint32_t answer_us)
{
	modbus_t *modbus = modbus_new_rtu(name, baud, 'N', 8, 1);

	if (!modbus)
		report_fatal("%s: libmodbus: %s", name,
		    modbus_strerror(errno));
	modbus_set_socket(modbus, fd);
	modbus_set_error_recovery(modbus, MODBUS_ERROR_RECOVERY_NONE);
	set_wait(modbus, answer_us);
	return modbus;
}

void
registers_close(modbus_t *modbus)
{
	modbus_free(modbus);
}

/* A question of six bytes, two more for its checksum.  Its address may be the
 * general one, which libmodbus before 3.1.8 knows no other way. */
static bool
send_question(modbus_t *modbus, int address, int function, int at, int value)
{
	uint8_t raw[] = {
		(uint8_t)address, (uint8_t)function, (uint8_t)(at >> 8),
		(uint8_t)at, (uint8_t)(value >> 8), (uint8_t)value
	};

	return modbus_send_raw_request(modbus, raw, sizeof raw) ==
	    REGISTERS_QUESTION;
}

bool
registers_ask(modbus_t *modbus, int address)
{
	modbus_set_slave(modbus, address);
	return send_question(modbus, address, READ_INPUT, 0, COUNT);
}

static enum answer
failure(int number, char why[REGISTERS_WHY])
{
	snprintf(why, REGISTERS_WHY, "%s", modbus_strerror(number));
	switch (number) {
	case ETIMEDOUT: return ANSWER_CUT;
	case EMBBADCRC: return ANSWER_CRC;
	default: break;
	}
	return number > MODBUS_ENOBASE ? ANSWER_MALFORMED : ANSWER_BROKEN;
}

static uint32_t
word(const uint8_t *answer, int i)
{
	return (uint32_t)answer[3 + 2 * i] << 8 | answer[4 + 2 * i];
}

static uint32_t
words(const uint8_t *answer, int i)
{
	return word(answer, i + 1) << 16 | word(answer, i);
}

static enum answer
read_values(const uint8_t *answer, struct registers *registers,
    char why[REGISTERS_WHY])
{
	*registers = (struct registers){
		.decivolts = word(answer, 0), .milliamps = words(answer, 1),
		.deciwatts = words(answer, 3), .watt_hours = words(answer, 5),
		.decihertz = word(answer, 7),
		.power_factor_percent = word(answer, 8)
	};
	if (registers->power_factor_percent > 100) {
		snprintf(why, REGISTERS_WHY, "a power factor over 1");
		return ANSWER_MALFORMED;
	}
	if (registers->decivolts > MOST_DECIVOLTS ||
	    registers->milliamps > MOST_MILLIAMPS ||
	    registers->deciwatts > MOST_DECIWATTS) {
		snprintf(why, REGISTERS_WHY, "beyond its range: %.1f V, "
		    "%.3f A, %.1f W", registers->decivolts / 10.0,
		    registers->milliamps / 1000.0,
		    registers->deciwatts / 10.0);
		return ANSWER_CLIPPED;
	}
	return ANSWER_SOUND;
}

/* libmodbus has looked at address and checksum, and at nothing else. */
enum answer
registers_take(modbus_t *modbus, int address, struct registers *registers,
    char why[REGISTERS_WHY])
{
	uint8_t answer[MODBUS_RTU_MAX_ADU_LENGTH] = { 0 };
	int length = modbus_receive_confirmation(modbus, answer);

	if (length < 0)
		return failure(errno, why);
	if (length == 0 || answer[0] != address) {
		snprintf(why, REGISTERS_WHY, "address %u spoke, unasked",
		    answer[0]);
		return ANSWER_OTHER;
	}
	if (answer[1] == (REFUSED | READ_INPUT)) {
		snprintf(why, REGISTERS_WHY, "refuses, with exception %u",
		    answer[2]);
		return ANSWER_EXCEPTION;
	}
	if (length != REGISTERS_ANSWER || answer[1] != READ_INPUT ||
	    answer[2] != 2 * COUNT) {
		snprintf(why, REGISTERS_WHY, "not an answer to the question");
		return ANSWER_MALFORMED;
	}
	return read_values(answer, registers, why);
}

/* The address. */

/* Modbus over Serial Line V1.02, appendix B: what libmodbus does not look at
 * where the address is over 247. */
static bool
checksum_fits(const uint8_t *answer, size_t length)
{
	unsigned crc = 0xFFFF;

	for (size_t i = 0; i < length - 2; i++) {
		crc ^= answer[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
	}
	return crc == (answer[length - 2] | (unsigned)answer[length - 1] << 8);
}

/* Whose answer it is libmodbus says only of those up to 247, which it does by
 * returning 0: the bytes are there. */
static bool
take_general(modbus_t *modbus, int function, size_t length,
    uint8_t answer[MODBUS_RTU_MAX_ADU_LENGTH], char why[REGISTERS_WHY])
{
	memset(answer, 0, MODBUS_RTU_MAX_ADU_LENGTH);
	if (modbus_receive_confirmation(modbus, answer) < 0) {
		if (errno == ETIMEDOUT)
			snprintf(why, REGISTERS_WHY, "no pzem answers: is it "
			    "connected, and its measuring side on the mains?");
		else
			failure(errno, why);
		return false;
	}
	if (answer[1] == (REFUSED | function) && checksum_fits(answer, 5)) {
		snprintf(why, REGISTERS_WHY, "refuses, with exception %u",
		    answer[2]);
		return false;
	}
	if (answer[1] == function && checksum_fits(answer, length))
		return true;
	snprintf(why, REGISTERS_WHY, "its answer is garbled: is more than one "
	    "pzem on the line?");
	return false;
}

static bool
general_address(modbus_t *modbus, int *address, char why[REGISTERS_WHY])
{
	uint8_t answer[MODBUS_RTU_MAX_ADU_LENGTH];

	if (!send_question(modbus, REGISTERS_GENERAL, READ_HOLDING, ADDRESS,
	    1)) {
		snprintf(why, REGISTERS_WHY, "%s", modbus_strerror(errno));
		return false;
	}
	if (!take_general(modbus, READ_HOLDING, 7, answer, why))
		return false;
	*address = (int)word(answer, 0);
	return true;
}

static bool
write_address(modbus_t *modbus, int address, char why[REGISTERS_WHY])
{
	uint8_t answer[MODBUS_RTU_MAX_ADU_LENGTH];

	return send_question(modbus, REGISTERS_GENERAL, WRITE_SINGLE, ADDRESS,
	    address) && take_general(modbus, WRITE_SINGLE, 8, answer, why);
}

/* libmodbus looks at this answer whole. */
static bool
is_there(modbus_t *modbus, int address)
{
	uint16_t value = 0;

	modbus_flush(modbus);
	modbus_set_slave(modbus, address);
	return modbus_read_registers(modbus, ADDRESS, 1, &value) == 1 &&
	    value == address;
}

/* Whatever it said to being written to: what counts is where it is. */
bool
registers_set_address(modbus_t *modbus, int address, int *before,
    char why[REGISTERS_WHY])
{
	set_wait(modbus, SET_WAIT_US);
	modbus_flush(modbus);
	if (!general_address(modbus, before, why))
		return false;
	snprintf(why, REGISTERS_WHY, "does not answer at address %d", address);
	if (*before != address)
		write_address(modbus, address, why);
	for (int i = 0; i < TRIES; i++)
		if (is_there(modbus, address))
			return true;
	return false;
}
