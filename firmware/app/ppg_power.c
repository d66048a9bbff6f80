#include "ppg_power.h"

#include <stdbool.h>

#include "ppg_bsp.h"
#include "ppg_bytes.h"
#include "ppg_protocol.h"

#ifdef PPG_POWER_RUN

typedef struct {
  uint32_t bursts;
  uint32_t runs;
  uint32_t awake_ms;
  uint32_t sleep_ms;
} plan_t;

static plan_t plan;
static uint8_t state = PPG_WIRE_POWER_NONE;
static int model_status;
static uint32_t bursts_done;
static uint32_t burst_ticks;

static bool is_possible(const plan_t *wanted) {
  return wanted->bursts <= PPG_MAX_POWER_BURSTS && wanted->runs >= 1u && wanted->runs <= PPG_MAX_POWER_BURSTS &&
         wanted->awake_ms <= PPG_MAX_POWER_PAUSE_MS && wanted->sleep_ms <= PPG_MAX_POWER_PAUSE_MS;
}

ppg_answer_t ppg_power_answer(const uint8_t *request, uint8_t *reply) {
  const plan_t wanted = {
      .bursts = ppg_get_u32(request + PPG_POWER_RUN_BURSTS_AT),
      .runs = ppg_get_u32(request + PPG_POWER_RUN_RUNS_AT),
      .awake_ms = ppg_get_u32(request + PPG_POWER_RUN_AWAKE_MS_AT),
      .sleep_ms = ppg_get_u32(request + PPG_POWER_RUN_SLEEP_MS_AT),
  };
  if (wanted.bursts > 0u) {
    if (!is_possible(&wanted)) {
      return (ppg_answer_t){.refusal = PPG_STATUS_BAD_ARGUMENT};
    }
    plan = wanted;
    state = PPG_WIRE_POWER_ACCEPTED;
    model_status = 0;
    bursts_done = 0;
    burst_ticks = 0;
  }
  reply[PPG_POWER_RUN_REPLY_STATE_AT] = state;
  ppg_put_s32(reply + PPG_POWER_RUN_REPLY_MODEL_STATUS_AT, model_status);
  ppg_put_u32(reply + PPG_POWER_RUN_REPLY_BURSTS_DONE_AT, bursts_done);
  ppg_put_u32(reply + PPG_POWER_RUN_REPLY_BURST_TICKS_AT, burst_ticks);
  return (ppg_answer_t){.length = PPG_POWER_RUN_REPLY_MAX_BYTES};
}

/* The gate is high for the inferences and the reading of the counter, and for nothing else. The time limit is that of one
   inference, for the whole burst. */
static bool burst(int (*run)(void)) {
  ppg_bsp_run_begin();
  ppg_bsp_gate(true);
  const uint32_t before = ppg_bsp_counter();
  for (uint32_t i = 0; i < plan.runs && model_status == 0; i++) {
    model_status = run();
  }
  burst_ticks = ppg_bsp_counter() - before;
  ppg_bsp_gate(false);
  ppg_bsp_run_end();
  return model_status == 0;
}

void ppg_power_perform(int (*run)(void)) {
  if (state != PPG_WIRE_POWER_ACCEPTED) {
    return;
  }
  ppg_bsp_silence();
  ppg_bsp_gate(false);
  ppg_bsp_pause(plan.sleep_ms, true); /* so that a trace shows what the first gate rises from */
  while (bursts_done < plan.bursts && burst(run)) {
    bursts_done++;
    ppg_bsp_pause(plan.awake_ms, false);
    ppg_bsp_pause(plan.sleep_ms, true);
  }
  ppg_bsp_speak();
  state = PPG_WIRE_POWER_FINISHED;
}

#else

ppg_answer_t ppg_power_answer(const uint8_t *request, uint8_t *reply) {
  (void)request;
  (void)reply;
  return (ppg_answer_t){.refusal = PPG_STATUS_NO_POWER};
}

void ppg_power_perform(int (*run)(void)) { (void)run; }

#endif
