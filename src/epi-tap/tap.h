/*
 * tap: what the parts of epi-tap share: the command line, a device, and what
 * an instrument is.
 *
 * An instrument is a struct of functions; instruments[] of device.c lists
 * them, and --instrument picks one.  A device is one operand: a port, and the
 * instrument that speaks there.  Opening, unplugged and back again, giving up
 * and the end are the device's; what the bytes mean is the instrument's.
 */
#ifndef EPI_TAP_TAP_H
#define EPI_TAP_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epi-tap/port.h"

/* Now, on two clocks: the monotonic one, and the tap's own Unix time, which
 * goes with it from the start on and never steps. */
struct moment {
	int64_t steady_ns;
	int64_t ns;
	int64_t stepped_ns; /* this machine's clock against the latter */
};

struct device;

struct instrument {
	const char *name; /* of --instrument */
	int baud;         /* unless --baud says other */
	unsigned channels; /* the most that one device has names for */
	bool addressed;    /* --address and --set-address are for it */

	/* Once, before any port is open; the device's names are there.  Returns
	 * device->state. */
	void *(*create)(struct device *device);
	/* The port is open, for the first time or after away(). */
	void (*open)(struct device *device, struct moment now);
	/* Reads what poll(2) told of, once.  PORT_NOTHING: it is open still;
	 * else how the line ended. */
	long (*read)(struct device *device, bool hung, struct moment now);
	/* Does what is due; the steady_ns at which to be called again. */
	int64_t (*turn)(struct device *device, struct moment now);
	/* Unplugged: open() follows, or end(). */
	void (*away)(struct device *device, struct moment now);
	/* The last words: `reason` of the stop event is end, signal, hangup,
	 * failure or refused. */
	void (*end)(struct device *device, const char *reason,
	    struct moment now);
	void (*destroy)(struct device *device);
};

extern const struct instrument meter_instrument, pzem_instrument;

enum device_is { DEVICE_CLOSED, DEVICE_OPEN, DEVICE_AWAY };

struct device {
	const char *operand;
	const struct instrument *instrument;
	void *state;        /* the instrument's own */
	char **names;       /* of its channels, as --node has them, a NULL behind;
	                       "-" is unused; NULL: none given */
	char **addresses;   /* as --address has them, likewise */
	struct port port;
	enum device_is is;
	int64_t away_ns, retry_ns; /* steady: since when, and when again */

	/* The instrument's word to the device. */
	bool done;          /* no more will come: a hang-up is the end in order */
	bool stop;          /* it has what it wanted: end it */
	bool refused;       /* not to be read on; said, status 1 */
	bool no;            /* what was asked has the answer no: status 3 */
};

enum tap_mode {
	TAP_MEASURE,
	TAP_CHECK,    /* --check: verdicts instead of samples */
	TAP_IDENTIFY, /* --identify: who it is, and the end */
	TAP_ADDRESS   /* --set-address: it is given one, and the end */
};

/* The command line. */
struct tap_options {
	enum tap_mode mode;
	int baud;           /* 0: the instrument's own */
	bool has_begin;
	int64_t begin_ns;   /* the time of each device's first sample */
	bool replay;        /* a recording with the host's lines in it */
	int reconnect;      /* 1: always, 0: never, -1: ports alone */
	int64_t give_up_ns; /* away for so long is the end; 0: never */
	uint32_t rate_hz;   /* to be set; 0: as it is */
	const char *calibration; /* a file, or NULL */
	bool uncalibrated;
	int set_address;
};
extern struct tap_options tap_options;

/* Whether a node is in a list of --invert. */
bool tap_inverted(const char *node);

#endif
