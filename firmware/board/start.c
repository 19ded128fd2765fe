/*
 * From reset to main: memory as C wants it, the vector table, and for the
 * RP2350 the block by which its boot ROM knows an image.
 */
#include <stdint.h>

#include "board.h"
#include "cortex.h"
#include "string.h"
#ifdef BOARD_MPS2
#include "mps2.h"
#else
#include "rp2.h"
#endif

/* From the linker script. */
extern char data_load[], data_begin[], data_end[], bss_begin[], bss_end[];
extern uint32_t stack_top[];

typedef void vector(void);

/* A fault, or an interrupt that nobody asked for: the watchdog resets. */
static void
stop(void)
{
	for (;;)
		;
}

__attribute__((section(".vectors"), used))
static const struct {
	uint32_t *stack;
	vector *system[CORTEX_SYSTEM_VECTORS - 1];
	vector *irqs[IRQ_UART0 + 1];
} vectors = {
	stack_top,
	{ start, stop, stop, stop, stop, stop, stop, stop, stop, stop, stop,
	    stop, stop, stop, stop },
	{ [IRQ_TIMER] = board_timer_irq, [IRQ_UART0] = board_uart_irq }
};

#ifdef CHIP_RP2350
/* RP2350 data sheet 5.9.5: a minimum block, ARM, secure, executable. */
__attribute__((section(".image_def"), used))
static const uint32_t image_def[] = {
	0xFFFFDED3, 0x10210142, 0x000001FF, 0x00000000, 0xAB123579
};
#endif

static __attribute__((noinline, noreturn, used)) void
run(void)
{
	if (&data_load[0] != &data_begin[0])
		memcpy(data_begin, data_load, (size_t)(data_end - data_begin));
	memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
	mmio_put(SCB_VTOR, (uint32_t)(uintptr_t)&vectors);
	main();
	for (;;)
		;
}

/* A RAM image is entered here, with whatever stack there is; interrupts wait
 * until the board has started. */
__attribute__((section(".entry"), naked, used)) void
start(void)
{
	__asm volatile (
	    "cpsid i\n\t"
	    "ldr r0, =stack_top\n\t"
	    "mov sp, r0\n\t"
	    "ldr r0, =%c0\n\t"
	    "bx r0\n\t"
	    ".ltorg" : : "i" (run));
}
