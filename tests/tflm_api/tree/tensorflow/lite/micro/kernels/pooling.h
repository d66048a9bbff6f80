// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {
TFLMRegistration Register_MAX_POOL_2D();
#if defined(CMSIS_NN)
TFLMRegistration Register_MAX_POOL_2D_INT8();
#else
inline TFLMRegistration Register_MAX_POOL_2D_INT8() { return Register_MAX_POOL_2D(); }
#endif
}  // namespace tflite
