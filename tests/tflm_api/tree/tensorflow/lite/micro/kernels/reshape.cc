// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#include "tensorflow/lite/micro/kernels/micro_ops.h"

namespace tflite {
TFLMRegistration Register_RESHAPE() { return {"RESHAPE"}; }
TFLMRegistration Register_TANH() { return {"TANH"}; }
}  // namespace tflite
