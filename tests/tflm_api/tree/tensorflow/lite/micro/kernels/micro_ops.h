// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {
TFLMRegistration Register_RESHAPE();
TFLMRegistration Register_TANH();
}  // namespace tflite
