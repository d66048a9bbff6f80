#include "ppg_conv_trios.h"

#if PPG_SIMD

#include "ppg_trios_simd.h"

/* r12 multiplier, lr first, r1 deduction. */
#define FIRST_CODE(sum, right)              \
  "cmp " #sum ", #0\n"                      \
  "smmla " #sum ", " #sum ", r12, lr\n"     \
  "it mi\n"                                 \
  "submi " #sum ", " #sum ", r1\n"          \
  "ssat " #sum ", #8, " #sum ", asr #" #right "\n"

/* The second two channels leave r3. */
#define SECOND_CODE(sum, right)             \
  "and r3, r1, " #sum ", asr #31\n"         \
  "smmla " #sum ", " #sum ", r12, lr\n"     \
  "sub " #sum ", " #sum ", r3\n"            \
  "ssat " #sum ", #8, " #sum ", asr #" #right "\n"

#define CHANNEL(code, right, a, b, c) "ldm r0!, {r1, r12, lr}\n" code(a, right) code(b, right) code(c, right)

TRIOS_ROUTINE(ppg_trios_signed,
              CHANNEL(FIRST_CODE, 16, r4, r2, r6) CHANNEL(FIRST_CODE, 15, r3, r5, r7) "mov r1, #0x80000000\n",
              CHANNEL(SECOND_CODE, 16, r8, r5, r10) CHANNEL(SECOND_CODE, 15, r7, r9, r11))

#else

#include "ppg_trios_portable.h"

static int32_t signed_code(int32_t scaled, const int32_t *factor, int32_t right) {
  return (ppg_high_accumulate(scaled, factor[1], factor[2]) - (factor[0] & (scaled >> 31))) >> right;
}

TRIOS_ROUTINE(ppg_trios_signed, 3, 16, signed_code)

#endif

void ppg_conv_trios_signed(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  ppg_conv_trios(conv, in, out, scratch, ppg_trios_signed);
}
