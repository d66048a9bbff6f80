#include "ppg_difference.h"

#include "ppg_memory.h"

#define SUB_LEFT_SHIFT 20
#define SQUARED_LEFT_SHIFT 7

static int32_t general(const ppg_factor_t *factor, int32_t value) {
  return ppg_requantize(value, factor->multiplier, factor->first, factor->right);
}

static inline __attribute__((always_inline)) void walk(const ppg_difference_t *difference, const int8_t *left,
                                                       const int8_t *right, int8_t *out, int32_t left_shift,
                                                       int squared) {
  const ppg_elementwise_t *common = &difference->common;
  const int32_t *size = common->size, *left_step = common->left_step, *right_step = common->right_step;
  /* Copies, because a store to int8_t might alias the parameters. */
  const ppg_factor_t of_left = difference->left, of_right = difference->right, of_output = difference->output;
  int32_t left_zero = common->left_zero, right_zero = common->right_zero, output_zero = common->output_zero;
  int32_t count = size[3], left_inner = left_step[3], right_inner = right_step[3];
  int8_t *to = out;
  for (int32_t i = 0; i < size[0]; i++) {
    for (int32_t j = 0; j < size[1]; j++) {
      for (int32_t k = 0; k < size[2]; k++) {
        const int8_t *from_left = left + i * left_step[0] + j * left_step[1] + k * left_step[2];
        const int8_t *from_right = right + i * right_step[0] + j * right_step[1] + k * right_step[2];
        for (int32_t m = 0; m < count; m++, from_left += left_inner, from_right += right_inner) {
          int32_t first = general(&of_left, (*from_left - left_zero) * (1 << left_shift));
          int32_t second = general(&of_right, (*from_right - right_zero) * (1 << left_shift));
          int32_t value = squared ? (first - second) * (first - second) : first - second;
          *to++ = ppg_clamp(general(&of_output, value), output_zero, INT8_MIN, INT8_MAX);
        }
      }
    }
  }
  ppg_clamp_all(out, common->low, common->high, size[0] * size[1] * size[2] * size[3]);
}

void ppg_sub(const ppg_difference_t *sub, const int8_t *left, const int8_t *right, int8_t *out) {
  walk(sub, left, right, out, SUB_LEFT_SHIFT, 0);
}

void ppg_squared_difference(const ppg_difference_t *squared, const int8_t *left, const int8_t *right, int8_t *out) {
  walk(squared, left, right, out, SQUARED_LEFT_SHIFT, 1);
}
