#include "shadow_model.h"

#include <string.h>

#include "model.h"
#include "ppg_bytes.h"

#define FIRST_RUN_TICKS 1000u
#define FIRST_PUSH_TICKS 5000u
#define FIRST_OPERATOR_TICKS 10u
#define FAILING_CODE 127
#define CRASHING_CODE 126
#define RUN_FAILED (-7)

/* These outlive a restart, as they do in a program that only begins anew. */
static int8_t input[PPG_MODEL_INPUT_BYTES];
static uint8_t output[PPG_MODEL_OUTPUT_BYTES];
static uint32_t runs;
static uint32_t calls;
static bool has_profile;
static int32_t profile_status;
static uint32_t profile_crc;
#ifdef PPG_MODEL_HOP
static int8_t stream[PPG_MODEL_INPUT_BYTES];
static uint32_t stream_length;
static uint32_t pushes;
#endif

uint32_t shadow_model_calls(void) { return calls; }

void shadow_infer(const int8_t *codes, uint8_t *result) {
  uint32_t sum = 0;
  uint32_t weighted = 0;
  for (uint32_t j = 0; j < PPG_MODEL_INPUT_BYTES; j++) {
    const int32_t code = codes[j];
    sum += (uint32_t)code;
    weighted += (uint32_t)code * (j + 1u);
  }
  for (uint32_t i = 0; i < PPG_MODEL_OUTPUT_BYTES; i++) {
    result[i] = (uint8_t)(weighted + i * sum);
  }
}

static int32_t infer(const int8_t *codes, answer_t *answer) {
  runs++;
  answer->crashes = codes[0] == CRASHING_CODE;
  if (codes[0] == FAILING_CODE || answer->crashes) {
    return RUN_FAILED;
  }
  shadow_infer(codes, output);
  return PPG_MODEL_OK;
}

static uint32_t input_crc(size_t length) { return reference_crc32((const uint8_t *)input, length); }

void shadow_put(answer_t *answer, uint32_t value) {
  ppg_put_u32(answer->data + answer->length, value);
  answer->length += 4;
}

static void put_output(answer_t *answer, bool complete) {
  shadow_put(answer, reference_crc32(output, sizeof output));
  if (complete && answer->length + sizeof output <= PPG_MAX_DATA) {
    for (size_t i = 0; i < sizeof output; i++) {
      answer->data[answer->length++] = output[i];
    }
  }
}

static void load_input(const reference_packet_t *request, answer_t *answer) {
  const uint64_t end = (uint64_t)ppg_get_u32(request->data) + (request->length - 4u);
  if (end > sizeof input) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  memcpy((uint8_t *)input + end - (request->length - 4u), request->data + 4, request->length - 4u);
  shadow_put(answer, (uint32_t)end);
}

static void run(answer_t *answer) {
  const uint32_t ticks = FIRST_RUN_TICKS + runs;
  calls++;
  const int32_t status = infer(input, answer);
  shadow_put(answer, (uint32_t)status);
  shadow_put(answer, input_crc(sizeof input));
  shadow_put(answer, ticks);
  shadow_put(answer, ticks / 2u);
  put_output(answer, status == PPG_MODEL_OK);
}

static void read_output(const reference_packet_t *request, answer_t *answer) {
  const uint32_t offset = ppg_get_u32(request->data);
  const uint32_t size = ppg_get_u32(request->data + 4);
  if ((uint64_t)offset + size > sizeof output || size > PPG_MAX_DATA - 4u) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  shadow_put(answer, offset);
  memcpy(answer->data + answer->length, output + offset, size);
  answer->length += size;
}

static void run_many(const reference_packet_t *request, answer_t *answer) {
  const uint32_t count = ppg_get_u32(request->data + 4);
  if (count < 1u || count > PPG_MAX_RUNS_PER_REQUEST) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  const uint32_t first_run = runs;
  calls++;
  const int32_t status = infer(input, answer);
  const uint32_t finished = status == PPG_MODEL_OK ? count : 0;
  uint32_t timer_ticks = 0;
  for (uint32_t i = 0; i < finished; i++) {
    timer_ticks += (FIRST_RUN_TICKS + first_run + i) / 2u;
  }
  shadow_put(answer, (uint32_t)status);
  shadow_put(answer, input_crc(sizeof input));
  shadow_put(answer, ppg_get_u32(request->data));
  shadow_put(answer, timer_ticks);
  for (uint32_t i = 0; i < finished; i++) {
    shadow_put(answer, FIRST_RUN_TICKS + first_run + i);
  }
  if (finished > 0) {
    runs += finished - 1u;
    calls += finished - 1u;
  }
}

static void profile(const reference_packet_t *request, answer_t *answer) {
  const uint32_t first = ppg_get_u32(request->data);
  if (first >= PPG_MODEL_OPERATORS) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  if (first == 0) {
    calls++;
    profile_crc = input_crc(sizeof input);
    const int32_t status = infer(input, answer);
    if (answer->crashes) {
      return;
    }
    profile_status = status;
    has_profile = true;
  } else if (!has_profile) {
    answer->status = PPG_STATUS_NO_PROFILE;
    return;
  }
  shadow_put(answer, (uint32_t)profile_status);
  shadow_put(answer, profile_crc);
  shadow_put(answer, first);
  for (uint32_t i = 0; profile_status == 0 && i < PPG_MAX_OPERATORS_PER_REPLY && first + i < PPG_MODEL_OPERATORS; i++) {
    shadow_put(answer, FIRST_OPERATOR_TICKS + first + i);
  }
}

static void push(const reference_packet_t *request, answer_t *answer) {
#ifdef PPG_MODEL_HOP
  if (request->data[0] > 1u) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  stream_length = (request->data[0] == 1u ? 0 : stream_length) + PPG_MODEL_HOP;
  memmove(stream, stream + PPG_MODEL_HOP, sizeof stream - PPG_MODEL_HOP);
  memcpy(stream + sizeof stream - PPG_MODEL_HOP, input, PPG_MODEL_HOP);
  calls++;
  const bool filling = stream_length < sizeof stream;
  const uint32_t ticks = FIRST_PUSH_TICKS + pushes;
  uint32_t timer_ticks = ticks / 2u;
  int32_t status = PPG_MODEL_OK;
  if (!filling) {
    const uint32_t run_ticks = FIRST_RUN_TICKS + runs;
    timer_ticks = run_ticks / 2u + (ticks - run_ticks) / 2u; /* modulo 2^32, in two steps, as fake_model.c does it */
    status = infer(stream, answer);
    if (answer->crashes) {
      return;
    }
    runs--; /* the fake model counts pushes apart */
  }
  pushes++;
  shadow_put(answer, (uint32_t)status);
  answer->data[answer->length++] = filling;
  shadow_put(answer, input_crc(PPG_MODEL_PUSH_BYTES));
  shadow_put(answer, ticks);
  shadow_put(answer, timer_ticks);
  put_output(answer, status == PPG_MODEL_OK && !filling);
#else
  (void)request;
  answer->status = PPG_STATUS_NO_SLIDING;
#endif
}

#ifdef PPG_POWER_RUN
static struct {
  uint32_t bursts;
  uint32_t runs;
  uint8_t state;
  int32_t status;
  uint32_t done;
  uint32_t ticks;
} power;
#endif

static void power_run(const reference_packet_t *request, answer_t *answer) {
#ifdef PPG_POWER_RUN
  const uint32_t bursts = ppg_get_u32(request->data);
  const uint32_t burst_runs = ppg_get_u32(request->data + 4);
  if (bursts != 0) {
    if (bursts > PPG_MAX_POWER_BURSTS || burst_runs == 0 || burst_runs > PPG_MAX_POWER_BURSTS ||
        ppg_get_u32(request->data + 8) > PPG_MAX_POWER_PAUSE_MS ||
        ppg_get_u32(request->data + 12) > PPG_MAX_POWER_PAUSE_MS) {
      answer->status = PPG_STATUS_BAD_ARGUMENT;
      return;
    }
    memset(&power, 0, sizeof power);
    power.bursts = bursts;
    power.runs = burst_runs;
    power.state = PPG_WIRE_POWER_ACCEPTED;
  }
  answer->data[answer->length++] = power.state;
  shadow_put(answer, (uint32_t)power.status);
  shadow_put(answer, power.done);
  shadow_put(answer, power.ticks);
#else
  (void)request;
  answer->status = PPG_STATUS_NO_POWER;
#endif
}

bool shadow_power_perform(void) {
#ifdef PPG_POWER_RUN
  answer_t unused = {.crashes = false};
  uint32_t begun = 0;
  if (power.state != PPG_WIRE_POWER_ACCEPTED) {
    return true;
  }
  while (power.done < power.bursts && power.status == 0) {
    uint32_t ticks = 0;
    for (uint32_t i = 0; i < power.runs && power.status == 0; i++) {
      calls++;
      if (++begun > SHADOW_POWER_RUNS) {
        power.status = SHADOW_TIRED;
      } else {
        ticks += FIRST_RUN_TICKS + runs;
        power.status = infer(input, &unused);
        if (unused.crashes) {
          power.status = 0;
          return false;
        }
      }
    }
    power.ticks = ticks;
    power.done += power.status == 0;
  }
  power.state = PPG_WIRE_POWER_FINISHED;
#endif
  return true;
}

void shadow_model_execute(const reference_packet_t *request, answer_t *answer) {
  switch (request->type) {
    case PPG_TYPE_LOAD_INPUT: load_input(request, answer); break;
    case PPG_TYPE_RUN: run(answer); break;
    case PPG_TYPE_READ_OUTPUT: read_output(request, answer); break;
    case PPG_TYPE_RUN_MANY: run_many(request, answer); break;
    case PPG_TYPE_PROFILE: profile(request, answer); break;
    case PPG_TYPE_PUSH: push(request, answer); break;
    default: power_run(request, answer); break;
  }
}
