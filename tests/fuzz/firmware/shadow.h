/* What the device must do with each packet, kept beside it: the session and the line here, the rest in shadow_model.h.
   Written from docs/wire-protocol.md; the model is that of tests/host_c/app/fake_model.c, in closed form. */
#ifndef SHADOW_H
#define SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "reference.h"

typedef enum { SHADOW_GOES_ON, SHADOW_RESETS, SHADOW_CRASHES } shadow_outcome_t;

/* The device has (re)started and sent `boot`, which is checked. `model_status`: result of the initialisation. `fault`:
   the one on record. */
void shadow_start(const uint8_t *boot, size_t length, int32_t model_status, const ppg_fault_t *fault);

/* The device got the correct packet `request` and wrote `written`. Checks the frame, its type, number and every byte
   of its data; of a crash, that it was told as `fault`. Says whether the device must have asked for a restart, or
   crashed. */
shadow_outcome_t shadow_check(const reference_packet_t *request, const reference_receiver_t *line,
                              const ppg_fault_t *fault, const uint8_t *written, size_t length);

/* A number for HELLO that is not that of the open session. */
uint32_t shadow_new_session(void);

#endif
