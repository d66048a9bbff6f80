/* What a chip's UART driver tells the common board support from its interrupt handler. */
#ifndef PPG_RECEIVE_H
#define PPG_RECEIVE_H

#include <stdint.h>

/* A byte has arrived. */
void ppg_receive_byte(uint8_t byte);

/* The UART has lost at least one byte. */
void ppg_receive_overrun(void);

#endif
