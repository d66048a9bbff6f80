#include "ppg_l2norm.h"

#include "ppg_requant.h"

#define OUTPUT_BITS 7
#define NEWTON_STEPS 5
#define THREE_HALVES ((1 << 28) + (1 << 27)) /* 3 integer bits, as all numbers of the iteration */
#define HALF_ROOT_OF_TWO 1518500250          /* no integer bits */

typedef struct {
  int32_t multiplier, shift;
} inverse_root_t;

/* (left * right + 2^30) >> 31 */
static int32_t product(int32_t left, int32_t right) {
  return (int32_t)(((int64_t)left * right + ((int64_t)1 << 30)) >> 31);
}

static int32_t shifted_left(int32_t value, int32_t bits) {
  int64_t wide = (int64_t)value * ((int64_t)1 << bits);
  return wide > INT32_MAX ? INT32_MAX : (wide < INT32_MIN ? INT32_MIN : (int32_t)wide);
}

/* multiplier * 2^(shift - 31) = 1 / sqrt(value) by Newton's iteration in fixed point, in TFLM's steps. */
static inverse_root_t inverse_root(int32_t value) {
  if (value <= 1) return (inverse_root_t){INT32_MAX, 0};
  int32_t halvings = 11;
  for (; value >= 1 << 29; value /= 4) halvings++;
  for (; value < 1 << 27; value *= 4) halvings--;
  int32_t half_input = ((value >> 1) + 1) >> 1;
  int32_t root = 1 << 28;
  for (int32_t step = 0; step < NEWTON_STEPS; step++) {
    int32_t cube = shifted_left(product(product(root, root), root), 6);
    root = shifted_left(product(THREE_HALVES, root) - product(half_input, cube), 3);
  }
  int32_t multiplier = product(root, HALF_ROOT_OF_TWO);
  if (halvings < 0) return (inverse_root_t){multiplier * (1 << -halvings), 0};
  return (inverse_root_t){multiplier, -halvings};
}

void ppg_l2norm(const ppg_l2norm_t *norm, const int8_t *in, int8_t *out) {
  int32_t depth = norm->depth, zero = norm->input_zero;
  for (int32_t row = 0; row < norm->rows; row++) {
    int32_t squares = 0;
    for (int32_t i = 0; i < depth; i++) squares += (in[i] - zero) * (in[i] - zero);
    inverse_root_t root = inverse_root(squares);
    int32_t shift = root.shift + OUTPUT_BITS;
    int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
    for (int32_t i = 0; i < depth; i++) {
      *out++ = ppg_clamp(ppg_requantize(in[i] - zero, root.multiplier, left, right), 0, INT8_MIN, INT8_MAX);
    }
    in += depth;
  }
}
