/* What a chip family gives to the common board support; the application sees ppg_bsp.h only. */
#ifndef PPG_CHIP_H
#define PPG_CHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"

/* Brings the core to PPG_CLOCK_HZ. False: a wait gave up and the clock the chip starts with goes on running. */
bool ppg_chip_clock_init(void);

/* The core clock that runs now. */
uint32_t ppg_chip_clock_hz(void);

/* Pins, baud rate for the clock that runs now, receiver with its interrupt and transmitter on. */
void ppg_chip_uart_init(void);

/* Receiver and transmitter off, and their clock, where it can be; the pins keep their idle level. */
void ppg_chip_uart_off(void);

/* The gate pin, where the board has one: makes it an output, or sets its level. */
void ppg_chip_gate_init(void);
void ppg_chip_gate(bool high);

/* Sleeps (WFI) for a while. Interrupts are masked. */
void ppg_chip_sleep(uint32_t milliseconds);

/* Waits, bounded, until the last byte written has left the chip. */
void ppg_chip_uart_drain(void);

/* Starts the hardware watchdog, about 30 s, paused while a probe halts the core. One that runs already goes on. */
void ppg_chip_watchdog_start(void);
void ppg_chip_watchdog_feed(void);

/* False when the watchdog would starve in sleep. */
bool ppg_chip_may_sleep(void);

/* What the chip's reset flags say; clears them. */
ppg_restart_cause_t ppg_chip_restart_cause(void);

#endif
