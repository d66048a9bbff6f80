#include "ppg_matrix.h"

#include "ppg_attributes.h"
#include "ppg_features.h"
#include "ppg_matrix_simd.h"

#if PPG_SIMD

/* ppg_requantize_proven and the saturation; r10, r11, r12 hold the factor. */
#define REQUANTIZE(accumulator)                              \
  "add lr, r11, " #accumulator ", asr #31\n"                 \
  "lsl " #accumulator ", " #accumulator ", #1\n"             \
  "smmlar " #accumulator ", " #accumulator ", r10, lr\n"     \
  "asr " #accumulator ", " #accumulator ", r12\n"            \
  "ssat " #accumulator ", #8, " #accumulator "\n"

__attribute__((naked)) PPG_KEEP_FUNCTION void ppg_matrix_accumulate(
    const int32_t *stream __attribute__((unused)), const uint32_t *columns __attribute__((unused)),
    const uint32_t *sixes_end __attribute__((unused)), const uint32_t *end __attribute__((unused)),
    int32_t accumulators[PPG_MATRIX_ACCUMULATORS] __attribute__((unused))) {
  __asm volatile(
      "push {r1-r11, lr}\n" ACCUMULATE
      "ldr r12, [sp, #48]\n"
      "stm r12, {r2-r9}\n"
      "pop {r1-r11, pc}\n");
}

/* All of `pairs` channel pairs of 4 positions, proven form. */
__attribute__((naked)) PPG_KEEP_FUNCTION static void proven_pairs(
    const int32_t *stream __attribute__((unused)), const uint32_t *columns __attribute__((unused)),
    const uint32_t *sixes_end __attribute__((unused)), const uint32_t *end __attribute__((unused)),
    int8_t *out __attribute__((unused)), int32_t pitch __attribute__((unused)),
    int32_t pairs __attribute__((unused))) {
  __asm volatile(
      "push {r1-r11, lr}\n"
      "0:\n" ACCUMULATE
      "ldm r0!, {r10, r11, r12}\n"
      REQUANTIZE(r2) REQUANTIZE(r3) REQUANTIZE(r4) REQUANTIZE(r5)
      "ldm r0!, {r10, r11, r12}\n"
      REQUANTIZE(r6) REQUANTIZE(r7) REQUANTIZE(r8) REQUANTIZE(r9)
      "ldr r12, [sp, #48]\n"
      "ldr lr, [sp, #52]\n"
      "ldr r11, [sp, #56]\n"
      "bfi r2, r6, #8, #8\n"
      "bfi r3, r7, #8, #8\n"
      "bfi r4, r8, #8, #8\n"
      "bfi r5, r9, #8, #8\n"
      "add r10, r12, #2\n"
      "strh r2, [r12]\n"
      "add r12, r12, lr\n"
      "strh r3, [r12]\n"
      "add r12, r12, lr\n"
      "strh r4, [r12]\n"
      "strh r5, [r12, lr]\n"
      "str r10, [sp, #48]\n"
      "subs r11, r11, #1\n"
      "str r11, [sp, #56]\n"
      "bne 0b\n"
      "pop {r1-r11, pc}\n");
}

#else

void ppg_matrix_accumulate(const int32_t *stream, const uint32_t *columns, const uint32_t *sixes_end,
                           const uint32_t *end, int32_t accumulators[PPG_MATRIX_ACCUMULATORS]) {
  (void)sixes_end;
  for (int32_t i = 0; i < PPG_MATRIX_ACCUMULATORS; i++) accumulators[i] = stream[i / PPG_MATRIX_POSITIONS];
  for (stream += 2; columns != end; stream++, columns += PPG_MATRIX_POSITIONS) {
    uint32_t first = ppg_even_bytes((uint32_t)*stream), second = ppg_odd_bytes((uint32_t)*stream);
    for (int32_t position = 0; position < PPG_MATRIX_POSITIONS; position++) {
      int32_t *a = &accumulators[position], *b = &accumulators[PPG_MATRIX_POSITIONS + position];
      *a = ppg_dot2(first, columns[position], *a);
      *b = ppg_dot2(second, columns[position], *b);
    }
  }
}

#endif

#if PPG_USES_PARTIAL_BLOCKS || PPG_USES_GENERAL_FACTORS || !PPG_SIMD

static int32_t requantized(const ppg_matrix_t *matrix, int32_t accumulator, const int32_t *words) {
  ppg_factor_t factor = {words[0], words[1], words[2]};
  if (!PPG_USES_GENERAL_FACTORS || matrix->proven) return ppg_saturate8(ppg_requantize_proven(accumulator, &factor));
  int32_t scaled = ppg_requantize(accumulator, factor.multiplier, factor.first, factor.right);
  return ppg_clamp(scaled, matrix->output_zero, INT8_MIN, INT8_MAX);
}

/* Channels from `channel` on, whose stream is given; any number of positions, any form. */
static void block_in_c(const ppg_matrix_t *matrix, const int32_t *stream, const uint32_t *columns,
                       int32_t channel, int32_t positions, int8_t *out, int32_t pitch) {
  const uint32_t *sixes_end = columns + matrix->sixes_words;
  const uint32_t *end = columns + PPG_MATRIX_STEP_WORDS * matrix->steps;
  int32_t pair_words = PPG_MATRIX_PAIR_WORDS(matrix->steps);
  for (; channel < matrix->channels; channel += 2, stream += pair_words) {
    int32_t accumulators[PPG_MATRIX_ACCUMULATORS];
    ppg_matrix_accumulate(stream, columns, sixes_end, end, accumulators);
    const int32_t *factors = stream + pair_words - 6;
    for (int32_t which = 0; which < 2 && channel + which < matrix->channels; which++) {
      for (int32_t position = 0; position < positions; position++) {
        int32_t sum = accumulators[PPG_MATRIX_POSITIONS * which + position];
        out[position * pitch + channel + which] = (int8_t)requantized(matrix, sum, factors + 3 * which);
      }
    }
  }
}

#endif

void ppg_matrix_block(const ppg_matrix_t *matrix, const int32_t *stream, const uint32_t *columns,
                      int32_t positions, int8_t *out, int32_t pitch) {
#if PPG_SIMD
  int32_t pairs = matrix->channels / 2;
#if !PPG_USES_PARTIAL_BLOCKS && !PPG_USES_GENERAL_FACTORS
  (void)positions;
  const uint32_t *sixes_end = columns + matrix->sixes_words;
  const uint32_t *end = columns + PPG_MATRIX_STEP_WORDS * matrix->steps;
  proven_pairs(stream, columns, sixes_end, end, out, pitch, pairs);
#else
  int32_t channel = 0;
  if (matrix->proven && positions == PPG_MATRIX_POSITIONS && pairs > 0) {
    const uint32_t *sixes_end = columns + matrix->sixes_words;
    const uint32_t *end = columns + PPG_MATRIX_STEP_WORDS * matrix->steps;
    proven_pairs(stream, columns, sixes_end, end, out, pitch, pairs);
    channel = 2 * pairs;
    if (channel == matrix->channels) return;
    stream += pairs * PPG_MATRIX_PAIR_WORDS(matrix->steps);
  }
  block_in_c(matrix, stream, columns, channel, positions, out, pitch);
#endif
#else
  block_in_c(matrix, stream, columns, 0, positions, out, pitch);
#endif
}
