/* mps2: what the port to QEMU's mps2-an505 uses of it.  Source: ARM DAI 0505
 * (memory map, interrupts), ARM DDI 0479 (CMSDK timer and UART); secure
 * aliases. */
#ifndef MPS2_H
#define MPS2_H

#define CHIP_NAME "mps2-an505"

enum {
	SYS_MHZ = 20,
	TIMER0 = 0x50000000, UART0 = 0x50200000,

	CMSDK_TIMER_CTRL = 0x0, CMSDK_TIMER_VALUE = 0x4,
	CMSDK_TIMER_RELOAD = 0x8, CMSDK_TIMER_ENABLE = 1,

	CMSDK_UART_DATA = 0x00, CMSDK_UART_STATE = 0x04, CMSDK_UART_CTRL = 0x08,
	CMSDK_UART_BAUDDIV = 0x10, CMSDK_UART_TXFULL = 1, CMSDK_UART_TXEN = 1,

	IRQ_TIMER = 4, IRQ_UART0 = 32 /* neither is used */
};

#endif
