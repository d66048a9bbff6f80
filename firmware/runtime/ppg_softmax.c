#include "ppg_softmax.h"

/* Sums have 12 integer bits, so that 511 ones fit. */
#define PPG_SUM_BITS 12
#define PPG_ONE (1 << 29)

/* (2 * left * right) >> 32, rounded half up, for numbers whose product fits; gemmlowp's rounding for both signs. */
static int32_t multiply(int32_t left, int32_t right) {
  return (int32_t)(((int64_t)left * right + ((int64_t)1 << 30)) >> 31);
}

static int32_t leading_zeros(uint32_t value) {
  int32_t zeros = 0;
  for (; (value & 0x80000000u) == 0; value <<= 1) zeros++;
  return zeros;
}

/* 1 / (1 + x) of 0 <= x < 1, both in 2^-31: three steps of Newton's method for the reciprocal of (1 + x) / 2, whose
   value has 2 integer bits. */
static int32_t reciprocal_of_one_plus(int32_t x) {
  int32_t half = (int32_t)(((uint32_t)x + 0x80000000u) >> 1);
  /* 48/17 - 32/17 * half: the best straight line. */
  int32_t guess = 1515870810 + multiply(half, -1010580540);
  for (int32_t step = 0; step < 3; step++) {
    int32_t error = PPG_ONE - multiply(half, guess);
    guess += (int32_t)((uint32_t)multiply(guess, error) << 2);
  }
  return guess >= 2 * PPG_ONE ? INT32_MAX : (int32_t)((uint32_t)guess << 1);
}

static int32_t largest_code(const int8_t *in, int32_t columns) {
  int32_t largest = in[0];
  for (int32_t column = 1; column < columns; column++) {
    if (in[column] > largest) largest = in[column];
  }
  return largest;
}

static void one_row(const ppg_softmax_t *softmax, const int8_t *in, int8_t *out) {
  int32_t largest = largest_code(in, softmax->columns);
  uint32_t sum = 0;
  for (int32_t column = 0; column < softmax->columns; column++) {
    int32_t below = largest - in[column];
    if (below < softmax->count) {
      sum += ((uint32_t)softmax->exponentials[below] + (1u << (PPG_SUM_BITS - 1))) >> PPG_SUM_BITS;
    }
  }
  int32_t zeros = leading_zeros(sum);
  int32_t reciprocal = reciprocal_of_one_plus((int32_t)((sum << zeros) - 0x80000000u));
  int32_t right = PPG_SUM_BITS - zeros + 31 - 8;
  uint32_t half = 1u << (right - 1);
  for (int32_t column = 0; column < softmax->columns; column++) {
    int32_t below = largest - in[column];
    uint32_t share = 0;
    if (below < softmax->count) {
      share = ((uint32_t)multiply(reciprocal, softmax->exponentials[below]) + half) >> right;
    }
    out[column] = (int8_t)((share > 255 ? 255 : (int32_t)share) - 128);
  }
}

void ppg_softmax(const ppg_softmax_t *softmax, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < softmax->rows; row++) {
    one_row(softmax, in, out);
    in += softmax->columns;
    out += softmax->columns;
  }
}
