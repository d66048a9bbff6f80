/* A run for measuring power (POWER_RUN): silent on the line, asleep between bursts of inferences, each of which the
   gate pin marks. Built in with PPG_POWER_RUN only; else the request is refused. */
#ifndef PPG_POWER_H
#define PPG_POWER_H

#include <stdint.h>

#include "ppg_commands.h"

/* Answers POWER_RUN: takes its plan, or tells how the last run went. */
ppg_answer_t ppg_power_answer(const uint8_t *request, uint8_t *reply);

/* Does what the last answer accepted, once; to be called when that answer has been sent. `run` is one inference on the
   loaded input, and returns 0 or the runtime's error code. */
void ppg_power_perform(int (*run)(void));

#endif
