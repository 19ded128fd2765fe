/* rp2350: where the RP2350 differs from the RP2040.  Source: RP2350 data sheet
 * (sections 2.2 address map, 3.2 interrupts, 6.4 POWMAN, 7.4 PSM, 7.5 resets,
 * 8.1 clocks, 8.5 ticks, 9 GPIO, 12.8 timers, 12.9 watchdog, 13.9 OTP),
 * offsets compared with the register headers that its maker publishes. */
#ifndef RP2350_H
#define RP2350_H

#define CHIP_NAME "rp2350"

#define SYS_HZ 150000000U
#define PLL_POSTDIV (5U << 16 | 2U << 12)  /* 1500 MHz / 10 */

enum {
	CLOCKS = 0x40010000, PSM = 0x40018000, RESETS = 0x40020000,
	IO_BANK0 = 0x40028000, PADS_BANK0 = 0x40038000, XOSC = 0x40048000,
	PLL_SYS = 0x40050000, UART0 = 0x40070000, SPI0 = 0x40080000,
	TIMER = 0x400B0000, WATCHDOG = 0x400D8000, POWMAN = 0x40100000,
	TICKS = 0x40108000, OTP_DATA = 0x40130000,

	RESET_IO_BANK0 = 1 << 6, RESET_PADS_BANK0 = 1 << 9,
	RESET_PLL_SYS = 1 << 14, RESET_SPI0 = 1 << 18, RESET_TIMER = 1 << 23,
	RESET_UART0 = 1 << 26,

	TIMER_INTR = 0x3C, TIMER_INTE = 0x40,
	IRQ_TIMER = 0, IRQ_UART0 = 33,

	PAD_ISO = 1 << 8,              /* holds the pad until cleared */

	TICKS_TIMER0_CTRL = 0x18, TICKS_TIMER0_CYCLES = 0x1C,
	TICKS_WATCHDOG_CTRL = 0x30, TICKS_WATCHDOG_CYCLES = 0x34,
	WATCHDOG_PER_US = 1,
	PSM_WATCHDOG = 0x1FFFFF3       /* all but the oscillators */
};

#define SIO_OUT_SET 0xD0000018U
#define SIO_OUT_CLR 0xD0000020U
#define SIO_OE_SET  0xD0000038U

#define CHIP_RESET (POWMAN + 0x2C)
#define CHIP_RESET_POWER 0x00030000U  /* power on, brown-out */
#define CHIP_RESET_RUN   0x00040000U

#endif
