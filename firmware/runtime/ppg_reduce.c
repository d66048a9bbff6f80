#include "ppg_reduce.h"

static int32_t total(const ppg_reduce_t *reduce, const int8_t *in) {
  const int32_t *size = reduce->summed_size, *step = reduce->summed_step;
  int32_t sum = 0;
  for (int32_t i = 0; i < size[0]; i++) {
    for (int32_t j = 0; j < size[1]; j++) {
      for (int32_t k = 0; k < size[2]; k++) {
        const int8_t *from = in + i * step[0] + j * step[1] + k * step[2];
        for (int32_t m = 0; m < size[3]; m++, from += step[3]) sum += *from;
      }
    }
  }
  return sum - reduce->count * reduce->input_zero;
}

void ppg_reduce(const ppg_reduce_t *reduce, const int8_t *in, int8_t *out) {
  const int32_t *size = reduce->kept_size, *step = reduce->kept_step;
  const ppg_factor_t *factor = &reduce->factor;
  for (int32_t i = 0; i < size[0]; i++) {
    for (int32_t j = 0; j < size[1]; j++) {
      for (int32_t k = 0; k < size[2]; k++) {
        const int8_t *from = in + i * step[0] + j * step[1] + k * step[2];
        for (int32_t m = 0; m < size[3]; m++, from += step[3]) {
          int32_t scaled = ppg_requantize(total(reduce, from), factor->multiplier, factor->first, factor->right);
          *out++ = ppg_clamp(scaled, reduce->output_zero, INT8_MIN, INT8_MAX);
        }
      }
    }
  }
}
