/* The half of the shadow that knows the model: input and output buffers, counts, and the commands about them. */
#ifndef SHADOW_MODEL_H
#define SHADOW_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppg_protocol.h"
#include "reference.h"

/* So many inferences of one POWER_RUN are real; the next one fails with this code, or fuzzing would take for ever. */
#define SHADOW_POWER_RUNS 40u
#define SHADOW_TIRED (-9)

/* A reply as it must be. With `crashes` there is none. */
typedef struct {
  uint8_t status; /* PPG_STATUS_* of a refusal, else 0 */
  int32_t detail;
  size_t length;
  bool crashes;
  uint8_t data[PPG_MAX_DATA];
} answer_t;

/* Appends four bytes. */
void shadow_put(answer_t *answer, uint32_t value);

/* LOAD_INPUT, RUN, READ_OUTPUT, RUN_MANY, PROFILE, PUSH, POWER_RUN, of a right length and with a model that is ready. */
void shadow_model_execute(const reference_packet_t *request, answer_t *answer);

/* What the device does when a POWER_RUN has been answered; false when it crashes meanwhile. */
bool shadow_power_perform(void);

/* How often the model must have been called since the program started. */
uint32_t shadow_model_calls(void);

/* The answer of the model to `codes`. */
void shadow_infer(const int8_t *codes, uint8_t *result);

#endif
