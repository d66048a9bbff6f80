// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#include <cstddef>
#include <cstdint>

#if defined(__arm__) && !defined(__OPTIMIZE__)
#error "kernels are compiled without optimisation"
#endif
#if defined(__OPTIMIZE_SIZE__)
#error "kernels are compiled for size"
#endif
#if defined(__EXCEPTIONS) || defined(__GXX_RTTI)
#error "exceptions or run-time types are on"
#endif
#if !defined(TF_LITE_STRIP_ERROR_STRINGS) || !defined(NDEBUG)
#error "messages and checks are compiled in"
#endif
#if !__STDC_HOSTED__
#error "-ffreestanding"
#endif
#if __cplusplus < 201703L
#error "TFLM is C++17"
#endif
#if defined(__arm__) && !defined(__ARM_PCS_VFP)
#error "soft float"
#endif

namespace tflite {
void fake_copy(const int8_t *from, int8_t *to, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    to[i] = from[i];
  }
}
}  // namespace tflite
