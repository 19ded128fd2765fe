/* rp2040: where the RP2040 differs from the RP2350.  Source: RP2040 data sheet
 * (sections 2.2 address map, 2.3.2 interrupts, 2.13 PSM, 2.14 resets, 2.15
 * clocks, 2.19 GPIO, 4.6 timer, 4.7 watchdog). */
#ifndef RP2040_H
#define RP2040_H

#define CHIP_NAME "rp2040"

#define SYS_HZ 125000000U
#define PLL_POSTDIV (6U << 16 | 2U << 12)  /* 1500 MHz / 12 */

enum {
	IO_BANK0 = 0x40014000, PADS_BANK0 = 0x4001C000, PSM = 0x40010000,
	RESETS = 0x4000C000, CLOCKS = 0x40008000, XOSC = 0x40024000,
	PLL_SYS = 0x40028000, UART0 = 0x40034000, SPI0 = 0x4003C000,
	TIMER = 0x40054000, WATCHDOG = 0x40058000,
	VREG_AND_CHIP_RESET = 0x40064000,

	RESET_IO_BANK0 = 1 << 5, RESET_PADS_BANK0 = 1 << 8,
	RESET_PLL_SYS = 1 << 12, RESET_SPI0 = 1 << 16, RESET_TIMER = 1 << 21,
	RESET_UART0 = 1 << 22,

	TIMER_INTR = 0x34, TIMER_INTE = 0x38,
	IRQ_TIMER = 0, IRQ_UART0 = 20,

	PAD_ISO = 0,                   /* no isolation latches */

	WATCHDOG_TICK = 0x2C, WATCHDOG_TICK_ENABLE = 1 << 9,
	WATCHDOG_PER_US = 2,           /* erratum E1: two counts a tick */
	PSM_WATCHDOG = 0x1FFFC         /* all but the oscillators */
};

/* SIO: GPIO set and clear of output and of output enable. */
#define SIO_OUT_SET 0xD0000014U
#define SIO_OUT_CLR 0xD0000018U
#define SIO_OE_SET  0xD0000024U

/* Why the chip was reset: CHIP_RESET. */
#define CHIP_RESET (VREG_AND_CHIP_RESET + 0x08)
#define CHIP_RESET_POWER 0x00000100U
#define CHIP_RESET_RUN   0x00010000U

#endif
