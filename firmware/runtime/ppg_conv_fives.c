#include "ppg_conv_few_rows.h"

#define WORDS 5

#if PPG_SIMD

/* A channel at one position: r4-r6 weights, r7, r8 factor; half `half` of r10 has the last value. */
#define CODE(first, second, half)                       \
  "smuad " #first ", r4, " #first "\n"                  \
  "smlad " #first ", r5, " #second ", " #first "\n"     \
  "smla" #half "b " #first ", r10, r6, " #first "\n"    \
  "smmla " #first ", " #first ", r7, r8\n"              \
  "ssat " #first ", #8, " #first ", asr #" TEXT(PPG_FEW_RIGHT) "\n"

#define TWO_POSITIONS            \
  "ldr.w r0, [r1], #20\n"        \
  "ldr.w r9, [r1, #-16]\n"       \
  "ldr.w r10, [r1, #-12]\n"      \
  "ldr.w r11, [r1, #-8]\n"       \
  "ldr.w r12, [r1, #-4]\n"       \
  CODE(r0, r9, b)                \
  "strb.w r0, [r2]\n"            \
  CODE(r11, r12, t)              \
  "strb.w r11, [r2, r3]\n"       \
  "add.w r2, r2, r3, lsl #1\n"

STRETCH(fives, "ldm r0!, {r4-r8}\n", 1, TWO_POSITIONS, 72)

#else

static void fives(const int32_t *stream, const uint32_t *values, int8_t *out, int32_t pitch, const int8_t *end,
                    int32_t skipped) {
  (void)skipped;
  for (; out != end; out++, stream += 5) {
    int8_t *to = out;
    for (const uint32_t *two = values; *two != PPG_FEW_END; two += WORDS) {
      for (int32_t position = 0; position < 2; position++, to += pitch) {
        const uint32_t *at = two + 3 * position;
        int32_t sum = ppg_dot2((uint32_t)stream[1], at[1], ppg_dot2((uint32_t)stream[0], at[0], 0));
        uint32_t fifth = position ? two[2] >> 16 : two[2];
        *to = ppg_few_code(ppg_dot_low(fifth, (uint32_t)stream[2], sum), stream + 3);
      }
    }
  }
}

#endif

static uint32_t *lay_out(const int8_t *from, int32_t stride, int32_t positions, const int32_t *offsets,
                         uint32_t *values) {
  const int8_t *next = from + stride;
  int32_t a = offsets[0], b = offsets[1], c = offsets[2], d = offsets[3], e = offsets[4];
  for (; positions > 0; positions -= 2, values += WORDS, from += 2 * stride, next += 2 * stride) {
    values[0] = ppg_few_pair(from + a, from + b);
    values[1] = ppg_few_pair(from + c, from + d);
    values[2] = ppg_few_pair(from + e, next + e);
    values[3] = ppg_few_pair(next + a, next + b);
    values[4] = ppg_few_pair(next + c, next + d);
  }
  return values;
}

void ppg_conv_fives(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  ppg_few_rows(conv, in, out, scratch, WORDS, lay_out, fives);
}
