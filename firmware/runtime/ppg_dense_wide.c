#include "ppg_dense_wide.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"

#define SIX PPG_DENSE_WIDE_OUTPUTS
#define FACTOR_WORDS 4

#if PPG_SIMD

/* Register plan: r0 stream   r1 inputs, r10 their end   r2 four inputs, r3 two of them widened
     r4, r6, r8 sums of A   r5, r7, r9 of 256 B + A   r11, r12, lr weights */
#define PRODUCTS(first, second, weights)            \
  "smlad " #second ", " #weights ", r3, " #second "\n" \
  "sxtb16 " #weights ", " #weights "\n"             \
  "smlad " #first ", " #weights ", r3, " #first "\n"

/* 24 products in 29 cycles. 108 bytes, which the entry into the loop counts on; r0 is 12 bytes behind. */
#define FOUR_INPUTS                                                       \
  "ldr.w r2, [r1], #4\n"                                                  \
  "ldr.w r11, [r0, #12]\n"                                                \
  "ldr.w r12, [r0, #16]\n"                                                \
  "ldr.w lr, [r0, #20]\n"                                                 \
  "sxtb16 r3, r2\n"                                                       \
  PRODUCTS(r4, r5, r11) PRODUCTS(r6, r7, r12) PRODUCTS(r8, r9, lr)        \
  "ldr.w r11, [r0, #24]!\n"                                               \
  "ldr.w r12, [r0, #4]\n"                                                 \
  "ldr.w lr, [r0, #8]\n"                                                  \
  "sxtb16 r3, r2, ror #8\n"                                               \
  PRODUCTS(r4, r5, r11) PRODUCTS(r6, r7, r12) PRODUCTS(r8, r9, lr)

/* r2 out, r1 free. */
#define OUTPUT(sum)                           \
  "ldm r0!, {r3, r11, r12, lr}\n"             \
  "and r1, r12, " #sum ", asr #31\n"          \
  "smmla " #sum ", " #sum ", r3, r11\n"       \
  "sub " #sum ", " #sum ", r1\n"              \
  "asr " #sum ", " #sum ", lr\n"              \
  "ssat " #sum ", #8, " #sum "\n"             \
  "strb " #sum ", [r2], #1\n"

/* `count` sixes; returns the end of their stream. */
__attribute__((naked)) PPG_KEEP_FUNCTION static const int32_t *sixes(
    const int32_t *stream __attribute__((unused)), const int8_t *in __attribute__((unused)),
    const int8_t *end __attribute__((unused)), int8_t *out __attribute__((unused)),
    int32_t count __attribute__((unused))) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "mov r10, r2\n"
      "subs r4, r1, r2\n"
      "asrs r4, r4, #2\n"
      "and r4, r4, #7\n"
      "adr r5, 1f\n"
      "movs r6, #108\n"
      "mla r5, r4, r6, r5\n"
      "orr r5, r5, #1\n"
      "ldr r6, [sp, #36]\n"
      "push {r1, r3, r5, r6}\n" /* inputs, out, entry, count */
      "0:\n"
      "ldm r0!, {r4-r9}\n"
      "ldr r1, [sp]\n"
      "sub r0, r0, #12\n"
      "ldr pc, [sp, #8]\n"
      ".p2align 2\n"
      "1:\n" FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS FOUR_INPUTS
      "2:\n"
      ".if 2b - 1b - 8 * 108\n .error \"four inputs take other than 108 bytes\"\n .endif\n"
      "cmp r1, r10\n"
      "bne.w 1b\n"
      "add r0, r0, #12\n"
      "sub r5, r5, r4\n"
      "sub r7, r7, r6\n"
      "sub r9, r9, r8\n"
      "lsl r4, r4, #8\n"
      "lsl r6, r6, #8\n"
      "lsl r8, r8, #8\n"
      "ldr r2, [sp, #4]\n"
      OUTPUT(r4) OUTPUT(r5) OUTPUT(r6) OUTPUT(r7) OUTPUT(r8) OUTPUT(r9)
      "ldr r3, [sp, #12]\n"
      "str r2, [sp, #4]\n"
      "subs r3, #1\n"
      "str r3, [sp, #12]\n"
      "bne.w 0b\n"
      "add sp, #16\n"
      "pop {r4-r11, pc}\n");
}

#endif

static int32_t code(int32_t scaled, const int32_t *factor) {
  int32_t deduction = scaled < 0 ? factor[2] : 0;
  return ppg_saturate8((ppg_high_accumulate(scaled, factor[0], factor[1]) - deduction) >> factor[3]);
}

/* One pair of outputs: what is left over should not cost a six. */
static void last_pair(const int32_t *stream, const int8_t *in, const int8_t *end, int8_t *out) {
  int32_t first = *stream++, second = *stream++;
  for (; in != end; in += 4, stream += 2) {
    uint32_t values = ppg_load4(in), even = ppg_even_bytes(values), odd = ppg_odd_bytes(values);
    uint32_t for_even = (uint32_t)stream[0], for_odd = (uint32_t)stream[1];
    first = ppg_dot2(ppg_even_bytes(for_even), even, first);
    second = ppg_dot2(for_even, even, second);
    first = ppg_dot2(ppg_even_bytes(for_odd), odd, first);
    second = ppg_dot2(for_odd, odd, second);
  }
  out[0] = (int8_t)code((int32_t)((uint32_t)first << 8), stream);
  out[1] = (int8_t)code((int32_t)((uint32_t)second - (uint32_t)first), stream + FACTOR_WORDS);
}

#if !PPG_SIMD

static const int32_t *six(const int32_t *stream, const int8_t *in, const int8_t *end, int8_t *out) {
  int32_t sums[SIX];
  for (int32_t i = 0; i < SIX; i++) sums[i] = *stream++;
  for (; in != end; in += 4) {
    uint32_t values = ppg_load4(in), halves[2] = {ppg_even_bytes(values), ppg_odd_bytes(values)};
    for (int32_t i = 0; i < SIX; i++, stream++) {
      uint32_t weights = (uint32_t)*stream, half = halves[i / (SIX / 2)];
      int32_t *pair = &sums[2 * (i % (SIX / 2))];
      pair[0] = ppg_dot2(ppg_even_bytes(weights), half, pair[0]);
      pair[1] = ppg_dot2(weights, half, pair[1]);
    }
  }
  for (int32_t i = 0; i < SIX; i++, stream += FACTOR_WORDS) {
    uint32_t sum = (uint32_t)sums[i];
    out[i] = (int8_t)code((int32_t)(i % 2 ? sum - (uint32_t)sums[i - 1] : sum << 8), stream);
  }
  return stream;
}

static const int32_t *sixes(const int32_t *stream, const int8_t *in, const int8_t *end, int8_t *out,
                            int32_t count) {
  for (; count > 0; count--, out += SIX) stream = six(stream, in, end, out);
  return stream;
}

#endif

void ppg_dense_wide(const ppg_dense_wide_t *dense, const int8_t *in, int8_t *out) {
  const int32_t *stream = dense->stream;
  const int8_t *end = in + dense->inputs;
  int32_t whole = dense->outputs / SIX, rest = dense->outputs % SIX;
  if (whole > 0) stream = sixes(stream, in, end, out, whole);
  if (rest > 0) {
    int8_t codes[SIX] = {0};
    if (rest <= 2) {
      last_pair(stream, in, end, codes);
    } else {
      (void)sixes(stream, in, end, codes, 1);
    }
    for (int32_t i = 0; i < rest; i++) out[whole * SIX + i] = codes[i];
  }
  ppg_clamp_all(out, dense->low, dense->high, dense->outputs);
}
