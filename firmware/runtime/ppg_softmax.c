#include "ppg_softmax.h"

#include "ppg_simd.h"

/* Sums have 12 integer bits, so that 511 ones fit. */
#define PPG_SUM_BITS 12
#define PPG_ONE (1 << 29)

/* (2 * left * right) >> 32, rounded half up, for numbers whose product fits; gemmlowp's rounding for both signs. */
static int32_t multiply(int32_t left, int32_t right) {
  return (int32_t)(((int64_t)left * right + ((int64_t)1 << 30)) >> 31);
}

/* Of a sum, which is not 0: its largest code alone adds almost 1. */
static int32_t leading_zeros(uint32_t value) { return __builtin_clz(value); }

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
  int32_t largest = in[0], column = 0;
  if (columns >= 4) {
    uint32_t four = ppg_load4(in);
    for (column = 4; column + 4 <= columns; column += 4) four = ppg_max4(four, ppg_load4(in + column));
    for (int32_t i = 0; i < 4; i++, four >>= 8) {
      if ((int8_t)(uint8_t)four > largest) largest = (int8_t)(uint8_t)four;
    }
  }
  for (; column < columns; column++) {
    if (in[column] > largest) largest = in[column];
  }
  return largest;
}

static uint32_t sum_of(const int32_t *exponentials, int32_t count, int32_t largest, const int8_t *in, int32_t columns) {
  uint32_t sum = 0;
  for (const int8_t *end = in + columns; in != end; in++) {
    int32_t below = largest - *in;
    if (below < count) sum += ((uint32_t)exponentials[below] + (1u << (PPG_SUM_BITS - 1))) >> PPG_SUM_BITS;
  }
  return sum;
}

static void one_row(const ppg_softmax_t *softmax, const int8_t *in, int8_t *out) {
  const int32_t *exponentials = softmax->exponentials;
  int32_t columns = softmax->columns, count = softmax->count, largest = largest_code(in, columns);
  uint32_t sum = sum_of(exponentials, count, largest, in, columns);
  int32_t zeros = leading_zeros(sum);
  /* Twice the reciprocal and the upper word: a rounded product of two numbers that are not negative. */
  uint32_t twice = (uint32_t)reciprocal_of_one_plus((int32_t)((sum << zeros) - 0x80000000u)) << 1;
  int32_t right = PPG_SUM_BITS - zeros + 31 - 8;
  uint32_t half = 1u << (right - 1);
  for (const int8_t *end = in + columns; in != end; in++) {
    int32_t below = largest - *in;
    uint32_t share = 0;
    if (below < count) {
      uint32_t product = (uint32_t)(((uint64_t)twice * (uint32_t)exponentials[below] + (1u << 31)) >> 32);
      share = (product + half) >> right;
    }
    *out++ = (int8_t)((share > 255 ? 255 : (int32_t)share) - 128);
  }
}

void ppg_softmax(const ppg_softmax_t *softmax, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < softmax->rows; row++) {
    one_row(softmax, in, out);
    in += softmax->columns;
    out += softmax->columns;
  }
}
