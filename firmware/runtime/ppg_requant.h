/* From 32-bit accumulators back to int8, with TensorFlow Lite Micro's two roundings: a rounded high product,
   then a rounded shift, both half away from zero. docs/aot.md proves that the forms below are equal to it. */
#ifndef PPG_REQUANT_H
#define PPG_REQUANT_H

#include "ppg_simd.h"

/* One output channel's factor, in the form that the compiler could prove exact for it. */
typedef struct {
  int32_t multiplier; /* 2^30 .. 2^31 - 1, or 0 */
  int32_t first;      /* proven form: rounding and zero point; general form: left shift */
  int32_t right;      /* right shift; at least 1 in the proven form */
} ppg_factor_t;

/* Any factor: accumulator * multiplier * 2^(left - right - 31). */
static inline int32_t ppg_requantize(int32_t accumulator, int32_t multiplier, int32_t left, int32_t right) {
  int32_t shifted = (int32_t)((uint32_t)accumulator << left);
  int32_t high = (int32_t)(((int64_t)shifted * multiplier + ((int64_t)1 << 30)) >> 31);
  int32_t mask = (int32_t)((1u << right) - 1u);
  int32_t threshold = (mask >> 1) + (high < 0);
  return (high >> right) + ((high & mask) > threshold);
}

/* The proven form: needs 1 <= right <= 22, and -2^30 <= accumulator < 2^30 unless the multiplier is 0.
   `first` is 2^(right - 1) plus the output zero point shifted left by `right`, so the zero point is already
   added. */
static inline int32_t ppg_requantize_proven(int32_t accumulator, const ppg_factor_t *factor) {
  int32_t high = ppg_high_product((int32_t)((uint32_t)accumulator << 1), factor->multiplier);
  return (high + factor->first + (accumulator >> 31)) >> factor->right;
}

/* For kernels whose accumulators are multiplied by a constant: saturate8 of this. compile/requantize_fused.py finds
   the factor and proves it for every accumulator that the channel can reach. */
static inline int32_t ppg_requantize_scaled(int32_t scaled, const ppg_factor_t *factor) {
  return ppg_high_accumulate(scaled, factor->multiplier, factor->first) >> factor->right;
}

/* value + zero limited to low .. high; clamped before the sum, which would overflow for the ends of int32. */
static inline int8_t ppg_clamp(int32_t value, int32_t zero, int32_t low, int32_t high) {
  int32_t lowest = low - zero, highest = high - zero;
  return (int8_t)((value < lowest ? lowest : (value > highest ? highest : value)) + zero);
}

#endif
