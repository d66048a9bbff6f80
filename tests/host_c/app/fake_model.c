/* A model whose answers can be computed by hand: output[i] = sum over j of input[j] * (i + j + 1), modulo 256.
   Run number k (0, 1, ...) takes 1000 + k ticks, so a run that happens twice shows. A first input byte of 127 makes
   the run fail with -7, one of 126 crashes the board. FAKE_INIT_STATUS in the environment makes the initialisation fail. With FAKE_HOP it slides:
   one row and one channel, and push number k takes 5000 + k ticks. */
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
  if (input[0] == 126) {
    fake_board_crash();
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

#ifdef FAKE_HOP
static int8_t window[PPG_MODEL_INPUT_BYTES];
static uint32_t received;
static uint32_t pushes;

void ppg_model_restart_stream(void) { received = 0; }

int ppg_model_push(const int8_t *samples, int8_t *output) {
  const uint32_t runs_before = runs;
  memmove(window, window + PPG_MODEL_PUSH_BYTES, PPG_MODEL_INPUT_BYTES - PPG_MODEL_PUSH_BYTES);
  memcpy(window + PPG_MODEL_INPUT_BYTES - PPG_MODEL_PUSH_BYTES, samples, PPG_MODEL_PUSH_BYTES);
  received += PPG_MODEL_HOP;
  if (received < PPG_MODEL_INPUT_BYTES) {
    fake_counter_advance(5000u + pushes++);
    return PPG_MODEL_FILLING;
  }
  const int status = ppg_model_run(window, output);
  fake_counter_advance(5000u + pushes++ - 1000u - runs_before);
  runs = runs_before;
  return status;
}
#endif

size_t ppg_model_arena_bytes(void) { return PPG_MODEL_ARENA_BYTES; }
