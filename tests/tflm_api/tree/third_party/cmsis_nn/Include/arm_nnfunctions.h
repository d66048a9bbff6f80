/* Written for the tests of ppg-deploy; see tests/tflm_api/README.md. */
#ifndef ARM_NNFUNCTIONS_H
#define ARM_NNFUNCTIONS_H
#ifdef __cplusplus
extern "C" {
#endif
const char *arm_fake_name(void);
#ifdef __cplusplus
}
#endif
#endif
