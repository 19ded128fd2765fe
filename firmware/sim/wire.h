/*
 * wire: the line between the simulated board and its host, with what can go
 * wrong on it; and the host's side of a recording.
 *
 * A line that the meter has queued reaches the host when its last byte has left
 * the UART.  In a recording it reaches it a little later, as through a USB
 * adapter and a busy host, and the bytes are set between lines of the host's:
 *
 *     {"host":"at","real":NS,"mono":NS}               what follows came then
 *     {"host":"sent","real":NS,"mono":NS,"text":"P 1"}
 *     {"host":"unplugged",...}  {"host":"plugged",...}
 *
 * A line of the host's begins on a line of its own, after a newline that is
 * not of the wire where the wire's last line was cut.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

enum { WIRE_LINES = 512, WIRE_QUEUE = 1024, WIRE_COMMAND = 32 };

struct wire_config {
	uint64_t seed;
	int32_t faults_ppm;  /* of the lines: lost, damaged or cut */
	bool record;
	int64_t begin_ns;    /* a recording's real time at the begin */
	uint64_t ping_us;    /* a recording's pings come so often; 0: never */
};

struct wire_line {
	uint64_t begin_us, end_us; /* on the UART */
	uint64_t due_us;           /* when the host has it */
	size_t length;
	char text[FRAME_LINE_MAX];
};

struct wire {
	struct wire_config config;
	uint64_t random;
	uint64_t busy_us;           /* the UART is, until then */
	struct wire_line lines[WIRE_LINES];
	unsigned first, count;
	unsigned lose, damage, cut; /* lines still to be */
	uint64_t stalled_us;        /* the host reads nothing before that */
	uint64_t last_due_us;
	uint64_t plugged_us;        /* when the plug went in, or will */
	bool unplugged;
	int64_t step_ns;            /* the host's real time, since its steps */
	uint64_t said_us;           /* of the host's line before */
	bool open_line;             /* the host saw the begin of one alone */

	/* A command on its way to the board. */
	char command[WIRE_COMMAND];
	size_t command_length, command_read;
	uint64_t command_us;        /* its first byte left then */
	uint64_t next_ping_us;
	unsigned pings;

	uint64_t sent, lost, damaged, cuts; /* lines */
};

void wire_start(struct wire *wire, const struct wire_config *config);

/* Bytes that the UART's queue holds, at a time. */
size_t wire_pending(const struct wire *wire, uint64_t now_us);
size_t wire_room(const struct wire *wire, uint64_t now_us);

/* Queues a line. */
void wire_write(struct wire *wire, const char *bytes, size_t count,
    uint64_t now_us);

/* Gives what is due to the host: bytes, and in a recording the host's lines. */
void wire_deliver(struct wire *wire, uint64_t now_us,
    void (*write)(const char *bytes, size_t count));

/* Gives all that is on the wire, whenever it is due. */
void wire_finish(struct wire *wire,
    void (*write)(const char *bytes, size_t count));

/* The last line of all, unspoilt, on a line of its own. */
void wire_last(struct wire *wire, const char *bytes, size_t count,
    void (*write)(const char *bytes, size_t count));

/* When it has something to do next, UINT64_MAX: nothing; a byte that has come
 * already waits for the board and is none of it. */
uint64_t wire_next_us(const struct wire *wire, uint64_t now_us);

/* The board is reset: what came for it is gone. */
void wire_reset(struct wire *wire);

/* The next byte of a command that has come, and when; -1: none. */
int wire_read(struct wire *wire, uint64_t now_us, uint64_t *came_us);

/* The plug is out for so long: what is on the wire is cut off, what comes is
 * lost.  True once when it is in again. */
void wire_unplug(struct wire *wire, uint64_t now_us, uint64_t us,
    void (*write)(const char *bytes, size_t count));
bool wire_replugged(struct wire *wire, uint64_t now_us,
    void (*write)(const char *bytes, size_t count));

/* The host reads nothing for so long. */
void wire_stall(struct wire *wire, uint64_t now_us, uint64_t us);

/* What the host's clocks show at a true time. */
int64_t wire_real_ns(const struct wire *wire, uint64_t true_us);
int64_t wire_mono_ns(uint64_t true_us);

#endif
