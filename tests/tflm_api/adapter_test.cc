// Drives firmware/tflm on the host; prints what Python asserts. Argument: the scenario.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "tensorflow/lite/micro/fake_script.h"
#include "tensorflow/lite/micro/micro_interpreter.h"

extern "C" {
#include "model.h"
#include "ppg_tflm.h"
}

static uint32_t clock_ticks;
static uint32_t now(void) { return clock_ticks += 10; }

alignas(16) static uint8_t spare[8192];
static size_t spare_bytes = sizeof spare;
extern "C" uint8_t *ppg_tflm_spare_ram(size_t *bytes) {
  *bytes = spare_bytes;
  return spare;
}
// The support file is for the target; here the C library has abort(), and messages may be dropped.
extern "C" void DebugLog(const char *format, va_list args);
extern "C" void DebugLog(const char *, va_list) {}
extern "C" int DebugVsnprintf(char *, unsigned, const char *, va_list);
extern "C" int DebugVsnprintf(char *, unsigned, const char *, va_list) { return 0; }

int main(int, char **arguments) {
  const char *const scenario = arguments[1];
  if (std::strcmp(scenario, "small arena") == 0) fake_script.needed_bytes = PPG_MODEL_ARENA_BYTES + 1;
  if (std::strcmp(scenario, "no room") == 0) fake_script.needed_bytes = 1u << 20;
  if (std::strcmp(scenario, "no spare") == 0) fake_script.needed_bytes = 1u << 20, spare_bytes = 64;
  if (std::strcmp(scenario, "wrong input") == 0) fake_script.input_bytes++;
  if (std::strcmp(scenario, "wrong output") == 0) fake_script.output_bytes++;
  if (std::strcmp(scenario, "operator fails") == 0) fake_script.failing_operator = 1;
  if (std::strcmp(scenario, "reset fails") == 0) fake_script.reset_fails = true;
  if (std::strcmp(scenario, "few events") == 0) fake_script.operators = 2;

  int8_t input[PPG_MODEL_INPUT_BYTES], output[PPG_MODEL_OUTPUT_BYTES] = {};
  for (unsigned i = 0; i < sizeof input; i++) input[i] = static_cast<int8_t>(i + 1);
  const int ready = ppg_model_init();
  std::printf("init %d\n", ready);
  std::printf("arena %zu %d\n", ppg_model_arena_bytes(), static_cast<int>(reinterpret_cast<uintptr_t>(ppg_model_data) % 16));
  if (ready == PPG_MODEL_OK) {
    const int status = ppg_model_run(input, output);
    std::printf("run %d output %d %d %d %d\n", status, output[0], output[1], output[2], output[3]);
    uint32_t ticks[PPG_MODEL_OPERATORS];
    const int profiled = ppg_model_run_profiled(input, output, now, ticks);
    std::printf("profile %d ticks %u %u %u\n", profiled, ticks[0], ticks[1], ticks[2]);
    std::printf("again %d ticks read %u times\n", ppg_model_run(input, output), clock_ticks / 10u);
  }
  std::printf("calls %s\n", tflite::fake_calls);
  return 0;
}
