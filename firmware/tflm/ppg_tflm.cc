// TensorFlow Lite Micro behind ppg_model_api.h. Public API of TFLM only; docs/tflm.md says what it was checked against.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"

extern "C" {
#include "model.h"
#include "ppg_tflm.h"
}
#include "ppg_tflm_resolver.h"

#ifndef TFLITE_SCHEMA_VERSION  // by micro_interpreter.h of most versions
#define TFLITE_SCHEMA_VERSION 3
#endif

namespace {

static_assert(PPG_MODEL_ARENA_BYTES % PPG_TFLM_ALIGNMENT == 0, "TFLM would not use the rest");

// TFLM brackets every operator with BeginEvent and EndEvent, in order of execution.
class OperatorTimer final : public tflite::MicroProfilerInterface {
 public:
  void start(uint32_t (*now)(void), uint32_t *ticks) {
    now_ = now;
    ticks_ = ticks;
    operators_ = 0;
  }
  void stop() { now_ = nullptr; }
  bool is_complete() const { return operators_ == PPG_MODEL_OPERATORS; }

  uint32_t BeginEvent(const char *) override {
    if (now_ != nullptr) {
      began_ = now_();
    }
    return operators_;
  }
  void EndEvent(uint32_t event) override {
    if (now_ == nullptr) {
      return;
    }
    if (event < PPG_MODEL_OPERATORS) {
      ticks_[event] = now_() - began_;
    }
    operators_++;
  }

 private:
  uint32_t (*now_)(void) = nullptr;
  uint32_t *ticks_ = nullptr;
  uint32_t began_ = 0;
  uint32_t operators_ = 0;
};

// Room without constructors that run before main() and destructors that never do.
alignas(PpgTflmResolver) unsigned char resolver_room[sizeof(PpgTflmResolver)];
alignas(OperatorTimer) unsigned char timer_room[sizeof(OperatorTimer)];
alignas(tflite::MicroInterpreter) unsigned char interpreter_room[sizeof(tflite::MicroInterpreter)];
PpgTflmResolver *resolver;
OperatorTimer *timer;
tflite::MicroInterpreter *interpreter;

tflite::MicroInterpreter *allocate(const tflite::Model *model, uint8_t *arena, size_t bytes) {
  auto *made = new (interpreter_room)
      tflite::MicroInterpreter(model, *resolver, arena, bytes, nullptr, timer);
  return made->AllocateTensors() == ppg_tflm_api::Ok ? made : nullptr;
}

// How large the arena would have to be, found by allocating once more in the RAM that nobody uses.
int required_bytes(const tflite::Model *model) {
  size_t spare_bytes = 0;
  uint8_t *const spare = ppg_tflm_spare_ram(&spare_bytes);
  if (spare_bytes <= PPG_MODEL_ARENA_BYTES) {
    return -PPG_MODEL_ARENA_BYTES;
  }
  const tflite::MicroInterpreter *const made = allocate(model, spare, spare_bytes);
  if (made == nullptr) {
    return -static_cast<int>(spare_bytes);
  }
  constexpr size_t last = PPG_TFLM_ALIGNMENT - 1u;
  return static_cast<int>((made->arena_used_bytes() + last) & ~last);
}

bool has_size(const ppg_tflm_api::Tensor *tensor, size_t bytes) {
  return tensor != nullptr && tensor->data.int8 != nullptr && tensor->bytes == bytes;
}

int run(const int8_t *input, int8_t *output) {
  if (PPG_TFLM_HAS_STATE && interpreter->Reset() != ppg_tflm_api::Ok) {
    return PPG_TFLM_NOT_RESET;
  }
  std::memcpy(interpreter->input(0)->data.int8, input, PPG_MODEL_INPUT_BYTES);
  if (interpreter->Invoke() != ppg_tflm_api::Ok) {
    return PPG_TFLM_NOT_RUN;
  }
  std::memcpy(output, interpreter->output(0)->data.int8, PPG_MODEL_OUTPUT_BYTES);
  return PPG_MODEL_OK;
}

}  // namespace

extern "C" {

alignas(PPG_TFLM_ALIGNMENT) uint8_t ppg_model_arena[PPG_MODEL_ARENA_BYTES];

int ppg_model_init(void) {
  const tflite::Model *const model = tflite::GetModel(ppg_model_data);
  if (model->version() != TFLITE_SCHEMA_VERSION) {
    return PPG_TFLM_WRONG_SCHEMA;
  }
  resolver = new (resolver_room) PpgTflmResolver;
  timer = new (timer_room) OperatorTimer;
  if (!ppg_tflm_register(*resolver)) {
    return PPG_TFLM_NO_OPERATOR;
  }
  interpreter = allocate(model, ppg_model_arena, sizeof ppg_model_arena);
  if (interpreter == nullptr) {
    return required_bytes(model);
  }
  const bool fits = has_size(interpreter->input(0), PPG_MODEL_INPUT_BYTES) &&
                    has_size(interpreter->output(0), PPG_MODEL_OUTPUT_BYTES);
  return fits ? PPG_MODEL_OK : PPG_TFLM_WRONG_TENSOR;
}

int ppg_model_run(const int8_t *input, int8_t *output) { return run(input, output); }

int ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void), uint32_t ticks[]) {
  std::memset(ticks, 0, PPG_MODEL_OPERATORS * sizeof ticks[0]);
  timer->start(now, ticks);
  const int status = run(input, output);
  timer->stop();
  return status == PPG_MODEL_OK && !timer->is_complete() ? PPG_TFLM_NOT_PROFILED : status;
}

size_t ppg_model_arena_bytes(void) { return sizeof ppg_model_arena; }

}  // extern "C"
