/* mmio: one 32-bit register. */
#ifndef MMIO_H
#define MMIO_H

#include <stdint.h>

static inline void mmio_put(uint32_t address, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)address = value;
}

static inline uint32_t mmio_get(uint32_t address)
{
	return *(volatile uint32_t *)(uintptr_t)address;
}

/* The RP2 chips' atomic aliases of every peripheral register (RP2040 data
 * sheet 2.1.2, RP2350 data sheet 2.1.3). */
static inline void mmio_set(uint32_t address, uint32_t bits)
{
	mmio_put(address + 0x2000, bits);
}

static inline void mmio_clear(uint32_t address, uint32_t bits)
{
	mmio_put(address + 0x3000, bits);
}

#endif
