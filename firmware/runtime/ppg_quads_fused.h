/* ppg_quads.h's routines with one right shift for all channels: SSAT does it. */
#ifndef PPG_QUADS_FUSED_H
#define PPG_QUADS_FUSED_H

#include "ppg_quads.h"

#if PPG_SIMD

#include "ppg_quads_simd.h"

#define FUSED_CODE(sum, multiplier, first, right)          \
  "smmla " #sum ", " #sum ", " #multiplier ", " #first "\n" \
  "ssat " #sum ", #8, " #sum ", asr #" #right "\n"

#define FUSED_CODES(right)                                              \
  "ldm r0!, {r2, r3, r12, lr}\n"                                        \
  FUSED_CODE(r4, r2, r3, right) FUSED_CODE(r5, r2, r3, right)           \
  FUSED_CODE(r6, r12, lr, right) FUSED_CODE(r7, r12, lr, right)         \
  "ldm r0!, {r2, r3, r12, lr}\n"                                        \
  FUSED_CODE(r8, r2, r3, right) FUSED_CODE(r9, r2, r3, right)           \
  FUSED_CODE(r10, r12, lr, right) FUSED_CODE(r11, r12, lr, right)

#define QUADS_FUSED(name, right) QUADS_ROUTINE(name, FUSED_CODES(right))

#else

#include "ppg_quads_portable.h"

#define QUADS_FUSED(name, right)                                              \
  static int32_t fused_code(int32_t scaled, const int32_t *factor) {          \
    return ppg_high_accumulate(scaled, factor[0], factor[1]) >> (right);      \
  }                                                                           \
  QUADS_ROUTINE(name, 2, fused_code)

#endif

#endif
