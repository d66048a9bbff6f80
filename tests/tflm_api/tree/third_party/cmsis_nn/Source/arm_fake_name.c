/* Written for the tests of ppg-deploy; see tests/tflm_api/README.md. */
#include "arm_nnfunctions.h"

#if defined(__OPTIMIZE_SIZE__) || !defined(__OPTIMIZE__)
#error "CMSIS-NN is compiled with -O2"
#endif

const char *arm_fake_name(void) { return "CMSIS-NN"; }
