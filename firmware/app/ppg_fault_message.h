/* A fault as the wire protocol tells it, in FAULT and in the reply to LAST_FAULT. */
#ifndef PPG_FAULT_MESSAGE_H
#define PPG_FAULT_MESSAGE_H

#include <stdint.h>

#include "ppg_bsp.h"

/* Writes the data of the message; returns its length. */
uint16_t ppg_fault_message(const ppg_fault_t *fault, uint8_t *data);

#endif
