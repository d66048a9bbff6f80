// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#include "Include/arm_nnfunctions.h"
#include "tensorflow/lite/micro/kernels/conv.h"

#if !defined(CMSIS_NN) || defined(__OPTIMIZE_SIZE__)
#error "kernels of CMSIS-NN need -DCMSIS_NN and -O2"
#endif

namespace tflite {
TFLMRegistration Register_CONV_2D() { return {"CONV_2D"}; }
TFLMRegistration Register_CONV_2D_INT8() { return {arm_fake_name()}; }
TFLMRegistration Register_CONV_2D_INT16() { return {"CONV_2D_INT16"}; }
}  // namespace tflite
