#include "ppg_dense16.h"

#include <stddef.h>

#include "ppg_requant16.h"

#define FACTOR_WORDS 3

/* Values 2 * index and 2 * index + 1; 0 behind the last one. */
static inline uint32_t pair_at(const int16_t *in, int32_t inputs, int32_t index) {
  int32_t left = inputs - 2 * index;
  if (left >= 2) return ppg_load2(in + 2 * index);
  return left == 1 ? ppg_pair(in[2 * index], 0) : 0;
}

static int16_t finish(const ppg_dense16_t *dense, int32_t scaled) {
  return ppg_clamp16(scaled, dense->low, dense->high);
}

void ppg_dense16(const ppg_dense16_t *dense, const void *in, void *out) {
  const int16_t *values = in;
  int16_t *to = out;
  const int32_t *words = dense->stream;
  int32_t inputs = dense->inputs, weight_words = (inputs + 3) / 4 * 2;
  for (int32_t channel = 0; channel < dense->outputs; channel += 2) {
    const int32_t *weights = words + 2, *factors = weights + weight_words;
    const ppg_factor16_t of_first = {factors[0], factors[1], factors[2]};
    const ppg_factor16_t of_second = {factors[3], factors[4], factors[5]};
    int32_t first_scaled, second_scaled;
    if (dense->biases == NULL) {
      int32_t first = words[0], second = words[1];
      for (int32_t i = 0; i < weight_words; i++) {
        uint32_t pair = pair_at(values, inputs, i), both = (uint32_t)weights[i];
        first = ppg_dot2(ppg_even_bytes(both), pair, first);
        second = ppg_dot2(ppg_odd_bytes(both), pair, second);
      }
      first_scaled = ppg_requantize_narrow(first, &of_first);
      second_scaled = ppg_requantize_narrow(second, &of_second);
    } else {
      int64_t first = ppg_wide_bias(dense->biases + 2 * channel);
      int64_t second = ppg_wide_bias(dense->biases + 2 * channel + 2);
      for (int32_t i = 0; i < weight_words; i++) {
        uint32_t pair = pair_at(values, inputs, i), both = (uint32_t)weights[i];
        first = ppg_dot2_wide(ppg_even_bytes(both), pair, first);
        second = ppg_dot2_wide(ppg_odd_bytes(both), pair, second);
      }
      first_scaled = ppg_requantize_wide(first, &of_first);
      second_scaled = ppg_requantize_wide(second, &of_second);
    }
    to[channel] = finish(dense, first_scaled);
    if (channel + 1 < dense->outputs) to[channel + 1] = finish(dense, second_scaled);
    words = factors + 2 * FACTOR_WORDS;
  }
}
