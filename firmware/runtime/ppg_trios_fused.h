/* ppg_trios.h's routines with one right shift for all channels: SSAT does it. */
#ifndef PPG_TRIOS_FUSED_H
#define PPG_TRIOS_FUSED_H

#include "ppg_trios.h"

#if PPG_SIMD

#include "ppg_trios_simd.h"

#define CODE(sum, right)                    \
  "smmla " #sum ", " #sum ", r12, lr\n"     \
  "ssat " #sum ", #8, " #sum ", asr #" #right "\n"

#define CHANNEL(right, a, b, c) "ldm r0!, {r12, lr}\n" CODE(a, right) CODE(b, right) CODE(c, right)

#define TRIOS_FUSED(name, right, less)                                                        \
  TRIOS_ROUTINE(name, CHANNEL(right, r4, r2, r6) CHANNEL(less, r3, r5, r7),                   \
                CHANNEL(right, r8, r5, r10) CHANNEL(less, r7, r9, r11))

#else

#include "ppg_trios_portable.h"

#define TRIOS_FUSED(name, right, less)                                                        \
  static int32_t fused_code(int32_t scaled, const int32_t *factor, int32_t its_right) {       \
    return ppg_high_accumulate(scaled, factor[0], factor[1]) >> its_right;                    \
  }                                                                                           \
  TRIOS_ROUTINE(name, 2, right, fused_code)

#endif

#endif
