// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {
TFLMRegistration Register_CONV_2D();
#if defined(CMSIS_NN)
TFLMRegistration Register_CONV_2D_INT8();
TFLMRegistration Register_CONV_2D_INT16();
#else
inline TFLMRegistration Register_CONV_2D_INT8() { return Register_CONV_2D(); }
inline TFLMRegistration Register_CONV_2D_INT16() { return Register_CONV_2D(); }
#endif
}  // namespace tflite
