/*
 * frame: the meter's wire format, protocol 1, one line a frame.
 *
 * Shared by the host's filters and by the firmware: integers only, no libc, no
 * allocation, nothing printed.  Floor: ground.
 *
 * A frame is one JSON object on one line without white space.  Its last member
 * is "c": the CRC-16/CCITT-FALSE, four upper-case hexadecimal digits, over
 * every byte before `,"c"`.  Its first member tells its kind:
 *
 *     {"s":170,"t":165475,...,"c":"9B60"}       a sample
 *     {"epi":1,"device":"epi-meter",...}        the header: who speaks
 *     {"ok":"P","k":"7",...}  {"no":"R",...}    acknowledgement of a command
 *     {"end":"signal",...}                      no more will come (simulator)
 *
 * Members that this protocol does not know are skipped (a number, a string, or
 * an array of numbers and nulls); a member that stands twice is malformed.
 */
#ifndef EPI_FRAME_H
#define EPI_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_PROTOCOL = 1,
	FRAME_CHANNELS = 4,   /* the most channels of one meter */
	FRAME_LINE_MAX = 512, /* the longest line of a formatter, "\n" included */
	FRAME_TOKEN = 17,     /* a token and its NUL; [A-Za-z0-9_.-] alone */
	FRAME_WORD = 17,      /* a short string of a header and its NUL */
	FRAME_UNITS = 49
};

#define FRAME_UNITS_TEXT "us mV mHz uA mW mvar 1e-3 nJ"

/* Bits of an entry of "e".  A channel may have several. */
enum {
	FRAME_MISSING = 1,  /* the IC did not answer; its values are null */
	FRAME_VERIFY = 2,   /* a write did not verify, or a checksum */
	FRAME_CALERR = 4,   /* SysStatus CalErr: calibration checksum CS1 */
	FRAME_ADJERR = 8,   /* SysStatus AdjErr: adjustment checksum CS2 */
	FRAME_SAG = 16,     /* SysStatus: voltage under the sag threshold */
	FRAME_CLIPPED = 32  /* beyond full scale: the values are too small */
};

/* Which members of a sample the line has. */
enum {
	FRAME_HAS_SEQUENCE = 1 << 0,
	FRAME_HAS_TIME = 1 << 1,
	FRAME_HAS_VOLTAGE = 1 << 2,
	FRAME_HAS_FREQUENCY = 1 << 3,
	FRAME_HAS_CURRENT = 1 << 4,
	FRAME_HAS_POWER = 1 << 5,
	FRAME_HAS_REACTIVE = 1 << 6,
	FRAME_HAS_POWER_FACTOR = 1 << 7,
	FRAME_HAS_ERRORS = 1 << 8,
	FRAME_HAS_CHANGED = 1 << 9,
	FRAME_HAS_ENERGY = 1 << 10
};

/*
 * A sample; required are s, t, p and e, the others come as the line's budget
 * allows (v, f, q and pf at 50 Hz on every tenth line).  Values are the IC's,
 * with the gain K of the header already divided out.  Arrays have one entry a
 * channel, all the same count, 1 to 4.
 */
struct frame_sample {
	uint32_t has;         /* FRAME_HAS_ bits */
	uint32_t channels;    /* entries in every array */
	uint32_t absent;      /* bit c: channel c is null in every array but "e",
	                         and 0 in the arrays below */
	uint64_t sequence;    /* "s": counts every sample taken since boot from 0,
	                         dropped lines too, so that a gap shows */
	uint64_t time_us;     /* "t": microseconds since boot, device crystal, at
	                         the start of the first IC's read-out; the centre
	                         of what was averaged lies delay_us earlier */
	int32_t voltage_mv;   /* "v": Urms of the first IC that answers */
	int32_t frequency_millihertz; /* "f", likewise */
	int32_t current_ua[FRAME_CHANNELS];    /* "i": Irms */
	int32_t power_mw[FRAME_CHANNELS];      /* "p": real power; < 0: reverse */
	int32_t reactive_mvar[FRAME_CHANNELS]; /* "q": reactive power, signed */
	int32_t power_factor_milli[FRAME_CHANNELS]; /* "pf": -1000 to 1000 */
	int32_t errors[FRAME_CHANNELS];        /* "e": error bits, never null */
	uint32_t changed;     /* "m": bit c: an IC register of channel c differs
	                         from the line before (update rate unknown) */
	int64_t energy_counts[FRAME_CHANNELS]; /* "j": forward less reverse energy
	                         since this IC's start-up, in counts of the
	                         header's energy_nj; starts again at 0 when the IC
	                         had to be started again */
};

enum {
	FRAME_HEAD_DELAY = 1 << 14,     /* has: delay_us */
	FRAME_HEAD_AVERAGING = 1 << 15, /* has: averaging_us */
	FRAME_HEAD_NEXT = 1 << 17       /* has: next_sequence */
};

/* The header: at boot, after the commands I, R and A.  All members that are
 * not marked optional are required. */
struct frame_header {
	uint32_t has;               /* FRAME_HEAD_ bits, others are of no use */
	uint32_t protocol;          /* "epi": 1 */
	char device[FRAME_WORD];    /* "device": "epi-meter" */
	char firmware[FRAME_WORD];  /* "fw": "0.1.0" */
	char chip[FRAME_WORD];      /* "chip": rp2350, rp2040, mps2, host */
	char ic[FRAME_WORD];        /* "ic": atm90e26, ade7753 */
	uint32_t channels;          /* "n": 1 to 4 */
	uint32_t rate_hz;           /* "hz": 1 to 50 */
	char units[FRAME_UNITS];    /* "u": FRAME_UNITS_TEXT in protocol 1: of t,
	                               v, f, i, p, q, pf, and of "jn" */
	uint64_t uptime_us;         /* "up": the clock of "t", when this was sent */
	char reset[FRAME_WORD];     /* "rst": power, run, watchdog, command,
	                               unknown */
	uint32_t calibration;       /* "cal": CRC-32 of the registers in use, 8 hex
	                               digits */
	uint32_t gain_k;            /* "K": registers read K times reality */
	char id[FRAME_WORD];        /* "id": unique, 16 hex digits of the chip */
	uint64_t energy_nj;         /* "jn": nanojoules in one count of "j" */
	uint64_t energy_wrap;       /* "jw": "j" is modulo this; 0: does not wrap */
	uint64_t delay_us;          /* "dly", optional: from the centre of the
	                               averaging to "t" */
	uint64_t averaging_us;      /* "avg", optional (the ICs' sheets are
	                               silent): what the values average over */
	uint64_t dropped;           /* "drop": lines dropped since boot because
	                               the UART was full */
	uint64_t next_sequence;     /* "next", optional: of the next sample */
	uint32_t simulated;         /* "sim": 1 where nothing real is measured */
};

enum {
	FRAME_ACK_RECEIVED = 1 << 2, FRAME_ACK_SENT = 1 << 3,
	FRAME_ACK_REASON = 1 << 4, FRAME_ACK_VALUES = 1 << 5
};

/* What came of a command line such as "P 7". */
struct frame_ack {
	uint32_t has;
	bool done;               /* "ok": done; "no": refused */
	char command[2];         /* the letter of the command, "?" for none */
	char token[FRAME_TOKEN]; /* "k": the token that the command gave, or "" */
	uint64_t received_us;    /* "rx": device clock when its newline came */
	uint64_t sent_us;        /* "tx": device clock when the first byte of this
	                            line goes out, the queue ahead included */
	char reason[FRAME_WORD]; /* "why", of a refusal: command, range, token,
	                            long, verify, missing, busy */
	uint32_t values_count;
	int64_t values[FRAME_CHANNELS]; /* "val": of E the energy counts, of T the
	                                   tare in uW, of A the checksums
	                                   (CS1 << 16 | CS2) */
};

enum { FRAME_END_TRUTH = 1 << 4, FRAME_END_COUNTED = 1 << 5 };

/* The end of a stream that has one: a simulator's, never a board's. */
struct frame_end {
	uint32_t has;
	char reason[FRAME_WORD];    /* "end": time, script, input, signal */
	uint64_t samples;           /* "s": samples taken, dropped ones too */
	uint64_t time_us;           /* "t": device clock */
	uint64_t dropped;           /* "drop" */
	uint32_t values_count;
	int64_t truth_uj[FRAME_CHANNELS]; /* "truth", optional: microjoules that the
	                               modelled loads really took, a channel each,
	                               from the first sample's centre of averaging
	                               to the last's */
	int64_t counted_uj[FRAME_CHANNELS]; /* "counted", optional: the same from
	                               the first reading of the energy registers
	                               to the last: what "j" should show */
};

enum frame_kind {
	FRAME_SAMPLE, FRAME_HEADER, FRAME_ACK, FRAME_END,
	FRAME_ALIEN,    /* not a frame at all: noise, a boot message, other JSON */
	FRAME_CUT,      /* a frame whose begin or end is lost */
	FRAME_DAMAGED,  /* the CRC does not fit */
	FRAME_MALFORMED /* the CRC fits, the content does not keep this contract */
};

struct frame {
	enum frame_kind kind;
	union {
		struct frame_sample sample;
		struct frame_header header;
		struct frame_ack ack;
		struct frame_end end;
	} as;
};

/*
 * Reads one line, given without its newline (and without a CR before it).
 * Returns the kind, also stored in frame->kind; from FRAME_ALIEN on nothing
 * else of *frame is defined.  Strings end with a NUL.
 */
enum frame_kind frame_parse(const char *line, size_t length,
    struct frame *frame);

/*
 * Writes a line with CRC and "\n" into out[0..room) and returns its length, 0
 * if it does not fit (never with FRAME_LINE_MAX).  No NUL.  Members whose
 * `has` bit is clear are left out where they are optional.  Bytes of strings
 * other than printable ASCII, and `"` and `\`, become '_'.
 */
size_t frame_format_sample(const struct frame_sample *sample, char *out,
    size_t room);
size_t frame_format_header(const struct frame_header *header, char *out,
    size_t room);
size_t frame_format_ack(const struct frame_ack *ack, char *out, size_t room);
size_t frame_format_end(const struct frame_end *end, char *out, size_t room);

/* CRC-16/CCITT-FALSE: polynomial 1021, start FFFF, not reflected, no final
 * XOR; of the nine bytes "123456789" it is 29B1. */
uint16_t frame_crc(const char *bytes, size_t length);

#endif
