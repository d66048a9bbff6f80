/* From accumulators to int16, as TensorFlow Lite Micro does it for int16 activations: a multiplier of 15 bits
   and one rounding, half up. docs/kernels.md shows that the narrow form is equal to it. */
#ifndef PPG_REQUANT16_H
#define PPG_REQUANT16_H

#include "ppg_simd16.h"

/* One output channel's factor. All channels of a step have the same form. */
typedef struct {
  int32_t multiplier; /* wide form: 0 .. 2^15 - 1; narrow form: shifted left by 16 */
  int32_t rounding;   /* narrow form: half of 2^right */
  int32_t right;      /* right shift: wide form 8 .. 46, narrow form 1 .. 30 */
} ppg_factor16_t;

/* Any accumulator within 47 bits. */
static inline int32_t ppg_requantize_wide(int64_t accumulator, const ppg_factor16_t *factor) {
  return (int32_t)((accumulator * factor->multiplier + ((int64_t)1 << (factor->right - 1))) >> factor->right);
}

/* Accumulators that the compiler has proven to fit 32 bits. */
static inline int32_t ppg_requantize_narrow(int32_t accumulator, const ppg_factor16_t *factor) {
  return ppg_add_high_product(accumulator, factor->multiplier, factor->rounding) >> factor->right;
}

static inline int16_t ppg_clamp16(int32_t value, int32_t low, int32_t high) {
  return (int16_t)(value < low ? low : (value > high ? high : value));
}

/* A 64-bit bias from two words, low one first. */
static inline int64_t ppg_wide_bias(const int32_t *words) {
  return (int64_t)(((uint64_t)(uint32_t)words[1] << 32) | (uint32_t)words[0]);
}

#endif
