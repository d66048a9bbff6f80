/* A model whose answers can be computed by hand: output[i] = sum over j of input[j] * (i + j + 1), modulo 256.
   Run number k (0, 1, ...) takes 1000 + k ticks, so a run that happens twice shows. A first input byte of 127 makes
   the run fail with -7. FAKE_INIT_STATUS in the environment makes the initialisation fail. */
#include <stdlib.h>
#include <string.h>

#include "fake_board.h"
#include "model.h"

static uint32_t runs;

int ppg_model_init(void) {
  const char *status = getenv("FAKE_INIT_STATUS");
  return status ? atoi(status) : PPG_MODEL_OK;
}

int ppg_model_run(const int8_t *input, int8_t *output) {
  fake_counter_advance(1000u + runs++);
  if (input[0] == 127) {
    return -7;
  }
  for (unsigned i = 0; i < PPG_MODEL_OUTPUT_BYTES; i++) {
    unsigned sum = 0;
    for (unsigned j = 0; j < PPG_MODEL_INPUT_BYTES; j++) {
      sum += (unsigned)(int)input[j] * (i + j + 1u);
    }
    const uint8_t code = (uint8_t)sum;
    memcpy(output + i, &code, 1);
  }
  return PPG_MODEL_OK;
}

int ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void), uint32_t ticks[]) {
  const int status = ppg_model_run(input, output);
  for (uint32_t i = 0; i < PPG_MODEL_OPERATORS; i++) {
    const uint32_t before = now();
    fake_counter_advance(10u + i);
    ticks[i] = now() - before;
  }
  return status;
}

size_t ppg_model_arena_bytes(void) { return PPG_MODEL_ARENA_BYTES; }
