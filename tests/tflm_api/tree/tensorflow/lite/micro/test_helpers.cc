#error "for tests of TFLM itself"
