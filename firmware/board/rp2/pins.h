/* pins: the wiring of the epi-meter board, GPIO numbers (Raspberry Pi Pico and
 * Pico 2; the header's pin in brackets). */
#ifndef PINS_H
#define PINS_H

enum {
	PIN_UART_TX = 0,  /* (1)  to the host's RX */
	PIN_UART_RX = 1,  /* (2)  from the host's TX */
	PIN_MISO = 16,    /* (21) SDO of all ICs, pulled up */
	PIN_SCK = 18,     /* (24) */
	PIN_MOSI = 19     /* (25) SDI of all ICs */
};

/* (22) (26) (27) (29): the ICs' selects, channels 0 to 3. */
#define PINS_SELECT { 17, 20, 21, 22 }

#endif
