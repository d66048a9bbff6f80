// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"

#define TFLITE_SCHEMA_VERSION (3)

namespace tflite {

class MicroResourceVariables;

// What was called, a letter each: C constructor, A AllocateTensors, R Reset, I Invoke.
inline char fake_calls[64];
inline unsigned fake_call_count;

class MicroInterpreter {
 public:
  MicroInterpreter(const Model *model, const MicroOpResolver &op_resolver, uint8_t *tensor_arena,
                   size_t tensor_arena_size, MicroResourceVariables *resource_variables = nullptr,
                   MicroProfilerInterface *profiler = nullptr, bool preserve_all_tensors = false);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteStatus Reset();
  TfLiteTensor *input(size_t index);
  TfLiteTensor *output(size_t index);
  size_t arena_used_bytes() const;

 private:
  TfLiteStatus InvokeOperators();
  const MicroOpResolver &resolver_;
  uint8_t *arena_;
  size_t arena_bytes_;
  MicroProfilerInterface *profiler_;
  bool is_allocated_ = false;
  TfLiteTensor input_ = {};
  TfLiteTensor output_ = {};
};
}  // namespace tflite
