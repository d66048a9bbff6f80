// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#include "tensorflow/lite/micro/kernels/conv.h"
#include "tensorflow/lite/micro/kernels/micro_ops.h"
#include "tensorflow/lite/micro/kernels/pooling.h"
#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {

class MicroOpResolver {
 public:
  virtual ~MicroOpResolver() {}
  virtual unsigned registrations() const = 0;
};

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  unsigned registrations() const override { return length_ == tOpCount ? length_ : 0; }

  TfLiteStatus AddConv2D(const TFLMRegistration &registration = Register_CONV_2D()) { return Add(registration); }
  TfLiteStatus AddMaxPool2D(const TFLMRegistration &registration = Register_MAX_POOL_2D()) {
    return Add(registration);
  }
  TfLiteStatus AddReshape(const TFLMRegistration &registration = Register_RESHAPE()) { return Add(registration); }
  TfLiteStatus AddTanh() { return Add(Register_TANH()); }

 private:
  TfLiteStatus Add(const TFLMRegistration &registration) {
    if (length_ == tOpCount) {
      return kTfLiteError;
    }
    registrations_[length_++] = registration;
    return kTfLiteOk;
  }
  TFLMRegistration registrations_[tOpCount];
  unsigned length_ = 0;
};
}  // namespace tflite
