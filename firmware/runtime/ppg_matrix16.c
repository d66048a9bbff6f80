#include "ppg_matrix16.h"

#include <stddef.h>

#include "ppg_attributes.h"
#include "ppg_matrix_simd.h"
#include "ppg_requant16.h"

#define POSITIONS PPG_MATRIX_POSITIONS
#define FACTOR_WORDS 3

static ppg_factor16_t factor_at(const int32_t *words) {
  return (ppg_factor16_t){words[0], words[1], words[2]};
}

#if PPG_SIMD

/* ppg_requantize_narrow, then the saturation of `clamp`; r10, r11, r12 hold the factor. */
#define REQUANTIZE(clamp, accumulator)                          \
  "smmla " #accumulator ", " #accumulator ", r10, r11\n"        \
  "asr " #accumulator ", " #accumulator ", r12\n"               \
  clamp(accumulator)

#define WHOLE_RANGE(accumulator) "ssat " #accumulator ", #16, " #accumulator "\n"
#define NOT_NEGATIVE(accumulator) "usat " #accumulator ", #15, " #accumulator "\n"

/* All of `pairs` channel pairs of 4 positions, narrow form; `pitch` in bytes. */
#define NARROW_PAIRS(name, clamp)                                                                      \
  __attribute__((naked)) PPG_KEEP_FUNCTION static void name(                                           \
      const int32_t *stream __attribute__((unused)), const uint32_t *columns __attribute__((unused)),  \
      const uint32_t *sixes_end __attribute__((unused)), const uint32_t *end __attribute__((unused)),  \
      int16_t *out __attribute__((unused)), int32_t pitch __attribute__((unused)),                     \
      int32_t pairs __attribute__((unused))) {                                                         \
    __asm volatile(                                                                                    \
        "push {r1-r11, lr}\n"                                                                          \
        "0:\n" ACCUMULATE                                                                              \
        "ldm r0!, {r10, r11, r12}\n"                                                                   \
        REQUANTIZE(clamp, r2) REQUANTIZE(clamp, r3) REQUANTIZE(clamp, r4) REQUANTIZE(clamp, r5)        \
        "ldm r0!, {r10, r11, r12}\n"                                                                   \
        REQUANTIZE(clamp, r6) REQUANTIZE(clamp, r7) REQUANTIZE(clamp, r8) REQUANTIZE(clamp, r9)        \
        "ldr r12, [sp, #48]\n"                                                                         \
        "ldr lr, [sp, #52]\n"                                                                          \
        "ldr r11, [sp, #56]\n"                                                                         \
        "pkhbt r2, r2, r6, lsl #16\n"                                                                  \
        "pkhbt r3, r3, r7, lsl #16\n"                                                                  \
        "pkhbt r4, r4, r8, lsl #16\n"                                                                  \
        "pkhbt r5, r5, r9, lsl #16\n"                                                                  \
        "add r10, r12, #4\n"                                                                           \
        "str r2, [r12]\n"                                                                              \
        "add r12, r12, lr\n"                                                                           \
        "str r3, [r12]\n"                                                                              \
        "add r12, r12, lr\n"                                                                           \
        "str r4, [r12]\n"                                                                              \
        "str r5, [r12, lr]\n"                                                                          \
        "str r10, [sp, #48]\n"                                                                         \
        "subs r11, r11, #1\n"                                                                          \
        "str r11, [sp, #56]\n"                                                                         \
        "bne 0b\n"                                                                                     \
        "pop {r1-r11, pc}\n");                                                                         \
  }

NARROW_PAIRS(whole_range_pairs, WHOLE_RANGE)
NARROW_PAIRS(not_negative_pairs, NOT_NEGATIVE)

#endif

/* Channels from `channel` on, whose stream is given, with 32-bit accumulators. */
static void narrow_in_c(const ppg_matrix16_t *matrix, const int32_t *stream, const uint32_t *columns,
                        int32_t channel, int32_t positions, int16_t *out, int32_t pitch) {
  const uint32_t *sixes_end = columns + matrix->sixes_words;
  const uint32_t *end = columns + PPG_MATRIX_STEP_WORDS * matrix->steps;
  int32_t pair_words = PPG_MATRIX_PAIR_WORDS(matrix->steps);
  for (; channel < matrix->channels; channel += 2, stream += pair_words) {
    int32_t accumulators[PPG_MATRIX_ACCUMULATORS];
    ppg_matrix_accumulate(stream, columns, sixes_end, end, accumulators);
    const int32_t *words = stream + pair_words - 2 * FACTOR_WORDS;
    for (int32_t which = 0; which < 2 && channel + which < matrix->channels; which++) {
      const ppg_factor16_t factor = factor_at(words + FACTOR_WORDS * which);
      for (int32_t position = 0; position < positions; position++) {
        int32_t scaled = ppg_requantize_narrow(accumulators[POSITIONS * which + position], &factor);
        out[position * pitch + channel + which] = ppg_clamp16(scaled, matrix->low, matrix->high);
      }
    }
  }
}

static void narrow(const ppg_matrix16_t *matrix, const int32_t *stream, const uint32_t *columns,
                   int32_t positions, int16_t *out, int32_t pitch) {
  int32_t channel = 0;
#if PPG_SIMD
  int32_t pairs = matrix->channels / 2;
  if (positions == POSITIONS && pairs > 0 && matrix->high == INT16_MAX &&
      (matrix->low == INT16_MIN || matrix->low == 0)) {
    const uint32_t *sixes_end = columns + matrix->sixes_words;
    const uint32_t *end = columns + PPG_MATRIX_STEP_WORDS * matrix->steps;
    int32_t pitch_bytes = 2 * pitch;
    if (matrix->low == 0) {
      not_negative_pairs(stream, columns, sixes_end, end, out, pitch_bytes, pairs);
    } else {
      whole_range_pairs(stream, columns, sixes_end, end, out, pitch_bytes, pairs);
    }
    channel = 2 * pairs;
    if (channel == matrix->channels) return;
    stream += pairs * PPG_MATRIX_PAIR_WORDS(matrix->steps);
  }
#endif
  narrow_in_c(matrix, stream, columns, channel, positions, out, pitch);
}

/* One output channel at one position, 64-bit accumulator. `odd`: the second channel of its pair. */
static int64_t wide_sum(const int32_t *weights, int32_t odd, const uint32_t *values, int32_t steps,
                        int64_t sum) {
  for (; steps > 0; steps--, weights += 2, values += PPG_MATRIX_STEP_WORDS) {
    uint32_t first = (uint32_t)weights[0], second = (uint32_t)weights[1];
    sum = ppg_dot2_wide(odd ? ppg_odd_bytes(first) : ppg_even_bytes(first), values[0], sum);
    sum = ppg_dot2_wide(odd ? ppg_odd_bytes(second) : ppg_even_bytes(second), values[POSITIONS], sum);
  }
  return sum;
}

static void wide(const ppg_matrix16_t *matrix, const int32_t *stream, const int32_t *biases,
                 const uint32_t *columns, int32_t positions, int16_t *out, int32_t pitch) {
  int32_t pair_words = PPG_MATRIX_PAIR_WORDS(matrix->steps);
  for (int32_t channel = 0; channel < matrix->channels; channel++) {
    int32_t odd = channel % 2;
    const int32_t *pair = stream + channel / 2 * pair_words;
    const ppg_factor16_t factor = factor_at(pair + pair_words - (2 - odd) * FACTOR_WORDS);
    int64_t bias = ppg_wide_bias(biases + 2 * channel);
    for (int32_t position = 0; position < positions; position++) {
      int64_t sum = wide_sum(pair + 2, odd, columns + position, matrix->steps, bias);
      int32_t scaled = ppg_requantize_wide(sum, &factor);
      out[position * pitch + channel] = ppg_clamp16(scaled, matrix->low, matrix->high);
    }
  }
}

void ppg_matrix16_block(const ppg_matrix16_t *matrix, const int32_t *stream, const int32_t *biases,
                        const uint32_t *columns, int32_t positions, int16_t *out, int32_t pitch) {
  if (biases == NULL) {
    narrow(matrix, stream, columns, positions, out, pitch);
  } else {
    wide(matrix, stream, biases, columns, positions, out, pitch);
  }
}
