// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#include "tensorflow/lite/micro/micro_interpreter.h"

#include <cstdlib>

#include "tensorflow/lite/micro/fake_script.h"

namespace tflite {
extern int fake_static;

namespace {
void require(bool holds) {
  if (!holds) {
    abort();
  }
}
void note(char call) {
  require(fake_call_count < sizeof fake_calls - 1);
  fake_calls[fake_call_count++] = call;
}
bool is_aligned(const void *at) { return reinterpret_cast<uintptr_t>(at) % 16 == 0; }
}  // namespace

MicroInterpreter::MicroInterpreter(const Model *model, const MicroOpResolver &op_resolver, uint8_t *tensor_arena,
                                   size_t tensor_arena_size, MicroResourceVariables *resource_variables,
                                   MicroProfilerInterface *profiler, bool preserve_all_tensors)
    : resolver_(op_resolver), arena_(tensor_arena), arena_bytes_(tensor_arena_size), profiler_(profiler) {
  note('C');
  require(fake_static == 42);  // static constructors have run
  require(is_aligned(model) && is_aligned(tensor_arena));
  require(model->version() == TFLITE_SCHEMA_VERSION);
  require(resource_variables == nullptr && !preserve_all_tensors);
  require(op_resolver.registrations() == fake_script.registrations);
}

MicroInterpreter::~MicroInterpreter() { abort(); }

TfLiteStatus MicroInterpreter::AllocateTensors() {
  note('A');
  require(!is_allocated_);
  if (fake_script.refuses_model || arena_bytes_ < fake_script.needed_bytes) {
    return kTfLiteError;
  }
  input_ = {{reinterpret_cast<int8_t *>(arena_)}, fake_script.input_bytes};
  output_ = {{reinterpret_cast<int8_t *>(arena_) + fake_script.input_bytes}, fake_script.output_bytes};
  is_allocated_ = true;
  return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Reset() {
  note('R');
  require(is_allocated_);
  return fake_script.reset_fails ? kTfLiteError : kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
  note('I');
  require(is_allocated_);
  return InvokeOperators();
}

TfLiteTensor *MicroInterpreter::input(size_t index) { return index == 0 && is_allocated_ ? &input_ : nullptr; }
TfLiteTensor *MicroInterpreter::output(size_t index) { return index == 0 && is_allocated_ ? &output_ : nullptr; }
size_t MicroInterpreter::arena_used_bytes() const {
  require(is_allocated_);
  return fake_script.needed_bytes;
}
}  // namespace tflite
