#include "ppg_dense.h"

#include "ppg_features.h"

/* The last one to three values, the rest zero. */
static uint32_t load_tail(const int8_t *in, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = 0; i < count; i++) word |= (uint32_t)(uint8_t)in[i] << (8 * i);
  return word;
}

static int8_t output(const ppg_dense_t *dense, int32_t sum, const int32_t *words) {
  ppg_factor_t factor = {words[0], words[1], words[2]};
  if (!PPG_USES_GENERAL_FACTORS || dense->proven) return ppg_clamp(ppg_requantize_proven(sum, &factor), 0, dense->low, dense->high);
  int32_t scaled = ppg_requantize(sum, factor.multiplier, factor.first, factor.right);
  return ppg_clamp(scaled, dense->output_zero, dense->low, dense->high);
}

void ppg_dense(const ppg_dense_t *dense, const int8_t *in, int8_t *out) {
  const int32_t *stream = dense->stream;
  int32_t tail = PPG_USES_DENSE_TAILS ? dense->inputs % 4 : 0;
  const int8_t *end = in + (dense->inputs - tail);
  for (int32_t pair = 0; pair < dense->outputs; pair += 2) {
    int32_t first = *stream++, second = *stream++;
    for (const int8_t *from = in; from != end; from += 4, stream += 2) {
      uint32_t values = ppg_load4(from);
      uint32_t even_weights = (uint32_t)stream[0], odd_weights = (uint32_t)stream[1];
      uint32_t even = ppg_even_bytes(values), odd = ppg_odd_bytes(values);
      first = ppg_dot2(ppg_even_bytes(even_weights), even, first);
      second = ppg_dot2(ppg_odd_bytes(even_weights), even, second);
      first = ppg_dot2(ppg_even_bytes(odd_weights), odd, first);
      second = ppg_dot2(ppg_odd_bytes(odd_weights), odd, second);
    }
    if (tail != 0) {
      uint32_t values = load_tail(end, tail);
      uint32_t even = ppg_even_bytes(values), odd = ppg_odd_bytes(values);
      first = ppg_dot2(ppg_even_bytes((uint32_t)stream[0]), even, first);
      second = ppg_dot2(ppg_odd_bytes((uint32_t)stream[0]), even, second);
      first = ppg_dot2(ppg_even_bytes((uint32_t)stream[1]), odd, first);
      second = ppg_dot2(ppg_odd_bytes((uint32_t)stream[1]), odd, second);
      stream += 2;
    }
    *out++ = output(dense, first, stream);
    if (pair + 1 < dense->outputs) *out++ = output(dense, second, stream + 3);
    stream += 6;
  }
}
