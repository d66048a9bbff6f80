/* The counter of the fake board moves only when the fake model says so. */
#ifndef FAKE_BOARD_H
#define FAKE_BOARD_H

#include <stdint.h>

void fake_counter_advance(uint32_t ticks);

/* What a fault handler does. */
void fake_board_crash(void);

#endif
