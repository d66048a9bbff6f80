#include "ppg_pool.h"

#include "ppg_features.h"
#include "ppg_memory.h"
#include "ppg_requant.h"

#define LARGEST_PACKED_WINDOW 255 /* 255 * -128 still fits one int16 */

/* The part of a window that lies inside the input. */
typedef struct {
  const int8_t *data; /* its first value, channel 0 */
  int32_t rows, columns;
  int32_t column_step, row_step; /* bytes */
} window_t;

static window_t window_at(const ppg_pool_t *pool, const int8_t *in, int32_t out_row, int32_t out_column) {
  int32_t top = out_row * pool->stride_rows - pool->pad_top;
  int32_t left = out_column * pool->stride_columns - pool->pad_left;
  int32_t bottom = top + pool->kernel_rows, right = left + pool->kernel_columns;
  if (top < 0) top = 0;
  if (left < 0) left = 0;
  if (bottom > pool->rows) bottom = pool->rows;
  if (right > pool->columns) right = pool->columns;
  int32_t row_step = pool->columns * pool->channels;
  return (window_t){in + top * row_step + left * pool->channels, bottom - top, right - left, pool->channels,
                    row_step};
}

/* sum / count, rounded half away from zero. */
static int32_t mean(const ppg_pool_t *pool, int32_t sum, int32_t count) {
  uint32_t magnitude = (uint32_t)(sum < 0 ? -sum : sum) + (uint32_t)count / 2u;
  uint32_t quotient = pool->reciprocal != 0 ? (uint32_t)(((uint64_t)magnitude * pool->reciprocal) >> 31)
                                            : magnitude / (uint32_t)count;
  return sum < 0 ? -(int32_t)quotient : (int32_t)quotient;
}

/* Both halves / 2^shift (1 <= shift <= 7), rounded half away from zero; the results' lowest bytes, the rest
   0. */
static uint32_t shifted_means(uint32_t sums, int32_t shift) {
  int32_t minus_half = -(1 << (shift - 1));
  uint32_t negative = (sums >> 15) & 0x00010001u;
  uint32_t rounded = ppg_subtract2(ppg_subtract2(sums, ppg_pair(minus_half, minus_half)), negative);
  return (rounded >> shift) & 0x00FF00FFu;
}

/* Sums of 4 channels: halves of `even` channels 0 and 2, of `odd` channels 1 and 3. */
typedef struct {
  uint32_t even, odd;
} sums_t;

static inline sums_t sums_of_four(const window_t *window, int32_t channel) {
  const int8_t *row_start = window->data + channel;
  int32_t column_step = window->column_step;
  uint32_t even = 0, odd = 0;
  for (int32_t row = window->rows; row > 0; row--, row_start += window->row_step) {
    const int8_t *from = row_start;
    for (int32_t column = window->columns; column > 0; column--, from += column_step) {
      uint32_t word = ppg_load4(from);
      even = ppg_add_even_bytes(even, word);
      odd = ppg_add_odd_bytes(odd, word);
    }
  }
  return (sums_t){even, odd};
}

static uint32_t four_means(const ppg_pool_t *pool, sums_t sums, int32_t count) {
  int32_t first = mean(pool, ppg_low_half(sums.even), count);
  int32_t second = mean(pool, ppg_low_half(sums.odd), count);
  int32_t third = mean(pool, ppg_high_half(sums.even), count);
  int32_t fourth = mean(pool, ppg_high_half(sums.odd), count);
  return ppg_four(first, second, third, fourth);
}

static int8_t average_of_one(const ppg_pool_t *pool, const window_t *window, int32_t channel) {
  int32_t sum = 0;
  for (int32_t row = 0; row < window->rows; row++) {
    const int8_t *from = window->data + row * window->row_step + channel;
    for (int32_t column = window->columns; column > 0; column--, from += window->column_step) sum += *from;
  }
  return (int8_t)mean(pool, sum, window->rows * window->columns);
}

static void average_window(const ppg_pool_t *pool, const window_t *window, int8_t *out) {
  const window_t local = *window;
  int32_t channel = 0, channels = pool->channels, shift = pool->shift, count = local.rows * local.columns;
  int32_t packed = count <= LARGEST_PACKED_WINDOW ? channels / 4 * 4 : 0;
  if (PPG_USES_POOL_SHIFTS && shift != 0) {
    for (; channel < packed; channel += 4) {
      sums_t sums = sums_of_four(&local, channel);
      ppg_store4(out + channel, shifted_means(sums.even, shift) | (shifted_means(sums.odd, shift) << 8));
    }
  }
  for (; PPG_USES_POOL_DIVISIONS && channel < packed; channel += 4) {
    ppg_store4(out + channel, four_means(pool, sums_of_four(&local, channel), count));
  }
  for (; PPG_USES_POOL_SINGLES && channel < channels; channel++) out[channel] = average_of_one(pool, &local, channel);
}

static void max_window(const ppg_pool_t *pool, const window_t *window, int8_t *out) {
  int32_t channel = 0;
  for (; channel + 4 <= pool->channels; channel += 4) {
    uint32_t largest = ppg_load4(window->data + channel);
    for (int32_t row = 0; row < window->rows; row++) {
      const int8_t *from = window->data + row * window->row_step + channel;
      for (int32_t column = window->columns; column > 0; column--, from += window->column_step) {
        largest = ppg_max4(largest, ppg_load4(from));
      }
    }
    ppg_store4(out + channel, largest);
  }
  for (; channel < pool->channels; channel++) {
    int8_t largest = window->data[channel];
    for (int32_t row = 0; row < window->rows; row++) {
      const int8_t *from = window->data + row * window->row_step + channel;
      for (int32_t column = window->columns; column > 0; column--, from += window->column_step) {
        if (*from > largest) largest = *from;
      }
    }
    out[channel] = largest;
  }
}

static void pool_all(const ppg_pool_t *pool, const int8_t *in, int8_t *out,
                     void (*one)(const ppg_pool_t *, const window_t *, int8_t *)) {
  int32_t count = pool->out_rows * pool->out_columns * pool->channels;
  int8_t *to = out;
  for (int32_t row = 0; row < pool->out_rows; row++) {
    for (int32_t column = 0; column < pool->out_columns; column++, to += pool->channels) {
      window_t window = window_at(pool, in, row, column);
      one(pool, &window, to);
    }
  }
  ppg_clamp_all(out, pool->low, pool->high, count);
}

void ppg_average_pool(const ppg_pool_t *pool, const int8_t *in, int8_t *out) {
  pool_all(pool, in, out, average_window);
}

void ppg_max_pool(const ppg_pool_t *pool, const int8_t *in, int8_t *out) {
  pool_all(pool, in, out, max_window);
}
