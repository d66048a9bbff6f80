// Written for the tests of ppg-deploy; see tests/tflm_api/README.md. As in TFLM, the profiler is called only where
// messages are not stripped.
#include "tensorflow/lite/micro/fake_script.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"

namespace tflite {

void fake_copy(const int8_t *from, int8_t *to, size_t bytes);

TfLiteStatus MicroInterpreter::InvokeOperators() {
  for (unsigned number = 0; number < fake_script.operators; number++) {
#if !defined(TF_LITE_STRIP_ERROR_STRINGS)
    const uint32_t event = profiler_ == nullptr ? 0 : profiler_->BeginEvent("OPERATOR");
#endif
    if (number == fake_script.failing_operator) {
      MicroPrintf("Node %u failed", number);
      return kTfLiteError;
    }
    if (number + 1 == fake_script.operators) {
      fake_copy(input_.data.int8, output_.data.int8, fake_script.output_bytes);
    }
#if !defined(TF_LITE_STRIP_ERROR_STRINGS)
    if (profiler_ != nullptr) {
      profiler_->EndEvent(event);
    }
#endif
  }
  return kTfLiteOk;
}
}  // namespace tflite
