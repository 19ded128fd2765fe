/* board: between start-up code, ports and main. */
#ifndef BOARD_H
#define BOARD_H

/* Clocks, pins, interrupts: everything that the HAL needs. */
void board_start(void);

/* Interrupts of a port, in its vector table. */
void board_timer_irq(void);
void board_uart_irq(void);

/* The first instructions of an image (start.c), and main. */
void start(void);
int main(void);

#endif
