/* main: one meter, for ever. */
#include "board.h"
#include "meter.h"

static struct meter meter;

int
main(void)
{
	static const struct meter_config config = {
		.firmware = EPI_VERSION, .driver = &atm90e26_driver,
		.channels = FRAME_CHANNELS, .rate_hz = METER_RATE_HZ
	};

	board_start();
	meter_start(&meter, &config);
	for (;;)
		meter_turn(&meter);
}
