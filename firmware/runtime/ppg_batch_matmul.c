#include "ppg_batch_matmul.h"

#include "ppg_memory.h"

#define PAIR_OF_ONES 0x00010001u

/* (rows, columns) -> (columns, rows) */
static void turn(const int8_t *in, int32_t rows, int32_t columns, int8_t *out) {
  for (int32_t column = 0; column < columns; column++) {
    const int8_t *from = in + column;
    for (int32_t row = 0; row < rows; row++, from += columns) *out++ = *from;
  }
}

static int32_t dot(const int8_t *left, const int8_t *right, int32_t count) {
  int32_t sum = 0;
  for (; count >= 4; count -= 4, left += 4, right += 4) {
    uint32_t four_left = ppg_load4(left), four_right = ppg_load4(right);
    sum = ppg_dot2(ppg_even_bytes(four_left), ppg_even_bytes(four_right), sum);
    sum = ppg_dot2(ppg_odd_bytes(four_left), ppg_odd_bytes(four_right), sum);
  }
  for (; count > 0; count--) sum += *left++ * *right++;
  return sum;
}

static int32_t total(const int8_t *values, int32_t count) {
  int32_t sum = 0;
  for (; count >= 4; count -= 4, values += 4) {
    uint32_t four = ppg_load4(values);
    sum = ppg_dot2(ppg_even_bytes(four), PAIR_OF_ONES, sum);
    sum = ppg_dot2(ppg_odd_bytes(four), PAIR_OF_ONES, sum);
  }
  for (; count > 0; count--) sum += *values++;
  return sum;
}

/* sum (a - A)(b - B) = sum a b - B sum a - A sum b + count A B; the last two belong to the column. */
static void one_batch(const ppg_batch_matmul_t *product, const int8_t *first, const int8_t *second, int8_t *out,
                      int32_t *column_sums) {
  const ppg_factor_t factor = product->factor;
  int32_t summed = product->summed, columns = product->columns, output_zero = product->output_zero;
  for (int32_t column = 0; column < columns; column++) {
    column_sums[column] =
        product->first_zero * (summed * product->second_zero - total(second + column * summed, summed));
  }
  for (int32_t row = 0; row < product->rows; row++, first += summed) {
    int32_t of_row = -product->second_zero * total(first, summed);
    const int8_t *from = second;
    for (int32_t column = 0; column < columns; column++, from += summed) {
      int32_t sum = dot(first, from, summed) + of_row + column_sums[column];
      int32_t scaled = ppg_requantize(sum, factor.multiplier, factor.first, factor.right);
      *out++ = ppg_clamp(scaled, output_zero, INT8_MIN, INT8_MAX);
    }
  }
}

void ppg_batch_matmul(const ppg_batch_matmul_t *product, const int8_t *first, const int8_t *second, int8_t *out,
                      int8_t *scratch) {
  int32_t rows = product->rows, columns = product->columns, summed = product->summed;
  int32_t *column_sums = (int32_t *)(void *)scratch;
  int8_t *turned_second = scratch + 4 * columns;
  int8_t *turned_first = turned_second + (product->turn_second ? summed * columns : 0);
  for (int32_t batch = 0; batch < product->batches; batch++) {
    const int8_t *left = first, *right = second;
    if (product->turn_second) {
      turn(second, summed, columns, turned_second);
      right = turned_second;
    }
    if (product->turn_first) {
      turn(first, summed, rows, turned_first);
      left = turned_first;
    }
    one_batch(product, left, right, out, column_sums);
    first += rows * summed;
    second += summed * columns;
    out += rows * columns;
  }
}
