/*
 * registers: a PZEM-004T v3 by Modbus RTU: one question, and what came back.
 *
 * Its map, function 0x04, ten input registers from 0, the low word first where
 * there are two: volts 0.1 V; amps 0.001 A, two; watts 0.1 W, two; energy 1 Wh,
 * two; hertz 0.1 Hz; power factor 0.01; alarm, 0xFFFF or 0.  Holding registers:
 * 1 the alarm's threshold, 2 the address, 1 to 0xF7.  0xF8 is the general
 * address, for one alone on its line.  9600 baud, 8N1.
 * Function 0x42 sets the energy to 0: it is never sent.
 * Sources: the maker's (Peacefair) PZEM-004T V3.0 User Manual, 1.1 to 2.5; and,
 * written by others and agreeing with it, mandulaj/PZEM-004T-v30 on GitHub,
 * src/PZEM004Tv30.cpp, setAddress and updateValues.
 */
#ifndef EPI_TAP_REGISTERS_H
#define EPI_TAP_REGISTERS_H

#include <modbus/modbus.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	REGISTERS_LOW = 1, REGISTERS_HIGH = 0xF7, /* addresses */
	REGISTERS_GENERAL = 0xF8,
	REGISTERS_QUESTION = 8, REGISTERS_ANSWER = 25, /* bytes on the line */
	REGISTERS_WHY = 96
};

struct registers {
	uint32_t decivolts, milliamps, deciwatts, watt_hours, decihertz,
	    power_factor_percent;
};

enum answer {
	ANSWER_SOUND,
	ANSWER_OTHER,     /* another address spoke: the answer may still come */
	ANSWER_SILENT,    /* nothing in time */
	ANSWER_CUT,       /* it broke off */
	ANSWER_CRC,
	ANSWER_EXCEPTION, /* it refuses */
	ANSWER_MALFORMED, /* a sound checksum, and not what was asked for */
	ANSWER_CLIPPED,   /* beyond what it can measure */
	ANSWER_BROKEN     /* the line did; poll(2) will tell more */
};

/* The word of a lost event's reason. */
const char *answer_word(enum answer answer);

/* A context that speaks on `fd`, which stays the caller's, as does its being
 * non-blocking.  registers_take then waits for `answer_us` at most. */
modbus_t *registers_open(const char *name, int fd, int baud, uint32_t answer_us);
void registers_close(modbus_t *modbus);

/* Sends the question for all ten; false: it did not go out. */
bool registers_ask(modbus_t *modbus, int address);

/* Once there is something to read: takes one answer; `why` is a sentence if it
 * is not sound. */
enum answer registers_take(modbus_t *modbus, int address,
    struct registers *registers, char why[REGISTERS_WHY]);

/*
 * Gives the only one on the line an address: asks it through the general
 * address which it has, sets it, and asks for it there.  Waits up to two
 * seconds in all.  False: `why` says so.
 */
bool registers_set_address(modbus_t *modbus, int address, int *before,
    char why[REGISTERS_WHY]);

#endif
