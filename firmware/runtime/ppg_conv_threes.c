#include "ppg_conv_few_rows.h"

#define WORDS 3

#if PPG_SIMD

/* A pair of channels at one position: products of the word `values` and of half `half` of r12, codes side by side in
   lr. r4-r6 weights, r7-r10 factors. */
#define CODES(values, half)                       \
  "smuad lr, r4, " #values "\n"                   \
  "smuad r0, r5, " #values "\n"                   \
  "smla" #half "b lr, r12, r6, lr\n"              \
  "smla" #half "t r0, r12, r6, r0\n"              \
  "smmla lr, lr, r7, r8\n"                        \
  "smmla r0, r0, r9, r10\n"                       \
  "ssat lr, #8, lr, asr #" TEXT(PPG_FEW_RIGHT) "\n" \
  "ssat r0, #8, r0, asr #" TEXT(PPG_FEW_RIGHT) "\n" \
  "bfi lr, r0, #8, #8\n"

#define TWO_POSITIONS                             \
  "ldr.w r0, [r1], #12\n"                         \
  "ldr.w r11, [r1, #-8]\n"                        \
  "ldr.w r12, [r1, #-4]\n"                        \
  CODES(r0, b)                                    \
  "strh.w lr, [r2]\n"                             \
  CODES(r11, t)                                   \
  "strh.w lr, [r2, r3]\n"                         \
  "add.w r2, r2, r3, lsl #1\n"

STRETCH(threes, "ldm r0!, {r4-r10}\n", 2, TWO_POSITIONS, 96)

#else

static void threes(const int32_t *stream, const uint32_t *values, int8_t *out, int32_t pitch, const int8_t *end,
                    int32_t skipped) {
  (void)skipped;
  for (; out != end; out += 2, stream += 7) {
    uint32_t last = (uint32_t)stream[2];
    int8_t *to = out;
    for (const uint32_t *two = values; *two != PPG_FEW_END; two += WORDS) {
      for (int32_t position = 0; position < 2; position++, to += pitch) {
        uint32_t third = position ? two[2] >> 16 : two[2];
        int32_t first_sum = ppg_dot_low(third, last, ppg_dot2((uint32_t)stream[0], two[position], 0));
        int32_t second_sum = ppg_dot_low(third, last >> 16, ppg_dot2((uint32_t)stream[1], two[position], 0));
        to[0] = ppg_few_code(first_sum, stream + 3);
        to[1] = ppg_few_code(second_sum, stream + 5);
      }
    }
  }
}

#endif

static uint32_t *lay_out(const int8_t *from, int32_t stride, int32_t positions, const int32_t *offsets,
                         uint32_t *values) {
  const int8_t *first = from + offsets[0], *second = from + offsets[1], *third = from + offsets[2];
  for (; positions > 0; positions -= 2, values += WORDS) {
    uint32_t word = ppg_few_pair(first, second), next = ppg_few_pair(first + stride, second + stride);
    uint32_t last = ppg_few_pair(third, third + stride);
    values[0] = word;
    values[1] = next;
    values[2] = last;
    first += 2 * stride, second += 2 * stride, third += 2 * stride;
  }
  return values;
}

void ppg_conv_threes(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  ppg_few_rows(conv, in, out, scratch, WORDS, lay_out, threes);
}
