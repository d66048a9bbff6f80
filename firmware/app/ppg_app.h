/* The bench application: answers the host's requests about the model and the board. */
#ifndef PPG_APP_H
#define PPG_APP_H

#include <stdint.h>

/* Initialises the model and announces the board with BOOT. Call once, after ppg_bsp_init(). */
void ppg_app_start(void);

/* Takes one byte from the line; does what it asks, and answers, when it completes a request. */
void ppg_app_receive(uint8_t byte);

#endif
