// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#include "Include/arm_nnfunctions.h"
#include "tensorflow/lite/micro/kernels/pooling.h"

namespace tflite {
TFLMRegistration Register_MAX_POOL_2D() { return {"MAX_POOL_2D"}; }
TFLMRegistration Register_MAX_POOL_2D_INT8() { return {arm_fake_name()}; }
}  // namespace tflite
