/* pl011: the UART of both chips.  Source: ARM DDI 0183G. */
#ifndef PL011_H
#define PL011_H

enum {
	UART_DR = 0x00, UART_FR = 0x18, UART_IBRD = 0x24, UART_FBRD = 0x28,
	UART_LCR_H = 0x2C, UART_CR = 0x30, UART_IFLS = 0x34, UART_IMSC = 0x38,
	UART_MIS = 0x40, UART_ICR = 0x44,

	UART_DR_ERRORS = 0xF00,             /* framing, parity, break, overrun */
	UART_FR_BUSY = 1 << 3, UART_FR_RXFE = 1 << 4, UART_FR_TXFF = 1 << 5,
	UART_FR_TXFE = 1 << 7,
	UART_LCR_H_FEN = 1 << 4, UART_LCR_H_8BIT = 3 << 5,
	UART_CR_ENABLE = 1 << 0, UART_CR_TXE = 1 << 8, UART_CR_RXE = 1 << 9,
	UART_INT_RX = 1 << 4,               /* FIFO at its level */
	UART_INT_RT = 1 << 6,               /* bytes, then 32 bit times of rest */
	UART_REST_BITS = 32
};

#endif
