// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#include <cstddef>
#include <cstdint>

#ifndef TF_LITE_STATIC_MEMORY
#error "structures differ without TF_LITE_STATIC_MEMORY: the adapter needs it as the library does"
#endif

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
union TfLitePtrUnion {
  int8_t *int8;
  void *data;
};
struct TfLiteTensor {
  TfLitePtrUnion data;
  size_t bytes;
};
struct TFLMRegistration {
  const char *name;
};
