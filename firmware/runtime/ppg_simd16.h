/* Packed-integer operations that only the kernels of int16 activations need; see ppg_simd.h. */
#ifndef PPG_SIMD16_H
#define PPG_SIMD16_H

#include "ppg_simd.h"

/* Two int16 from any even address, first one in the low half. */
static inline uint32_t ppg_load2(const int16_t *from) {
  uint32_t pair;
  memcpy(&pair, from, sizeof pair);
  return pair;
}

#if PPG_SIMD

/* accumulator + products of both halves. */
static inline int64_t ppg_dot2_wide(uint32_t left, uint32_t right, int64_t accumulator) {
  return __smlald((int16x2_t)left, (int16x2_t)right, accumulator);
}

/* addend + the high word of left * right. */
static inline int32_t ppg_add_high_product(int32_t left, int32_t right, int32_t addend) {
  int32_t sum;
  __asm("smmla %0, %1, %2, %3" : "=r"(sum) : "r"(left), "r"(right), "r"(addend));
  return sum;
}

#else

static inline int64_t ppg_dot2_wide(uint32_t left, uint32_t right, int64_t accumulator) {
  int32_t low = ppg_low_half(left) * ppg_low_half(right), high = ppg_high_half(left) * ppg_high_half(right);
  return accumulator + low + high;
}

static inline int32_t ppg_add_high_product(int32_t left, int32_t right, int32_t addend) {
  return (int32_t)(((int64_t)left * right) >> 32) + addend;
}

#endif

#endif
