/* pl022: the SPI of both chips.  Source: ARM DDI 0194G. */
#ifndef PL022_H
#define PL022_H

enum {
	SPI_CR0 = 0x00, SPI_CR1 = 0x04, SPI_DR = 0x08, SPI_SR = 0x0C,
	SPI_CPSR = 0x10,

	SPI_CR0_8BIT = 7, SPI_CR0_SPO = 1 << 6, SPI_CR0_SPH = 1 << 7,
	SPI_CR0_SCR_SHIFT = 8,
	SPI_CR1_ENABLE = 1 << 1,
	SPI_SR_RNE = 1 << 2, SPI_SR_BUSY = 1 << 4
};

#endif
