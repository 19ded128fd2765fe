/* cortex: what the Cortex-M0+ and M33 share.  Source: ARMv6-M and ARMv8-M
 * architecture reference manuals. */
#ifndef CORTEX_H
#define CORTEX_H

#include "mmio.h"

enum { CORTEX_SYSTEM_VECTORS = 16 };

#define NVIC_ISER 0xE000E100U
#define NVIC_ICPR 0xE000E280U
#define SCB_VTOR  0xE000ED08U

static inline void cortex_enable(unsigned irq)
{
	mmio_put(NVIC_ICPR + irq / 32 * 4, UINT32_C(1) << irq % 32);
	mmio_put(NVIC_ISER + irq / 32 * 4, UINT32_C(1) << irq % 32);
}

/* Interrupts wait, but end a sleep all the same. */
static inline void cortex_hold(void)
{
	__asm volatile ("cpsid i" : : : "memory");
}

static inline void cortex_release(void)
{
	__asm volatile ("cpsie i" : : : "memory");
}

static inline void cortex_sleep(void)
{
	__asm volatile ("dsb\n\twfi" : : : "memory");
}

#endif
