#include "ppg_conv_quads.h"

#if PPG_SIMD

#include "ppg_quads_simd.h"

/* r2, r3, r12, lr hold the factor; r1 is free until the next channels. */
#define CODE(sum)                             \
  "and r1, r12, " #sum ", asr #31\n"          \
  "smmla " #sum ", " #sum ", r2, r3\n"        \
  "sub " #sum ", " #sum ", r1\n"              \
  "asr " #sum ", " #sum ", lr\n"              \
  "ssat " #sum ", #8, " #sum "\n"

#define CHANNEL(first, second) "ldm r0!, {r2, r3, r12, lr}\n" CODE(first) CODE(second)

QUADS_ROUTINE(ppg_quads_any, CHANNEL(r4, r5) CHANNEL(r6, r7) CHANNEL(r8, r9) CHANNEL(r10, r11))

#else

#include "ppg_quads_portable.h"

static int32_t any_code(int32_t scaled, const int32_t *factor) {
  int32_t deduction = scaled < 0 ? factor[2] : 0;
  return (ppg_high_accumulate(scaled, factor[0], factor[1]) - deduction) >> factor[3];
}

QUADS_ROUTINE(ppg_quads_any, 4, any_code)

#endif

void ppg_conv_quads_any(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  ppg_conv_quads(conv, in, out, scratch, ppg_quads_any);
}
