#include "ppg_depthwise.h"

#include "ppg_features.h"
#include "ppg_memory.h"

/* The taps of one window that lie inside the input, along one axis. */
typedef struct {
  int32_t begin, end; /* taps */
  int32_t start;      /* input index of tap `begin` */
} taps_t;

static taps_t inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size) {
  int32_t begin = 0, end = taps;
  while (begin < end && origin + begin * dilation < 0) begin++;
  while (end > begin && origin + (end - 1) * dilation >= size) end--;
  return (taps_t){begin, end, origin + begin * dilation};
}

/* The valid part of a window: its first value (channel 0) and weight, and the way to the others. */
typedef struct {
  const int8_t *from;
  int32_t first_tap; /* bytes into the weights of a block */
  int32_t rows, columns;
  int32_t row_step, column_step;
  int32_t weight_row_step;
} window_t;

static window_t window_of(const ppg_depthwise_t *p, const int8_t *in, taps_t rows, taps_t columns) {
  return (window_t){
      .from = in + (rows.start * p->columns + columns.start) * p->in_channels,
      .first_tap = 4 * (rows.begin * p->kernel_columns + columns.begin),
      .rows = columns.end > columns.begin ? rows.end - rows.begin : 0,
      .columns = columns.end - columns.begin,
      .row_step = p->dilation_rows * p->columns * p->in_channels,
      .column_step = p->dilation_columns * p->in_channels,
      .weight_row_step = 4 * p->kernel_columns,
  };
}

/* Sums of 4 channels side by side. */
static inline void sum_of_four(const window_t *window, int32_t zero, const int8_t *from,
                               const int8_t *weights, int32_t sums[4]) {
  uint32_t zeros = ppg_pair(zero, zero);
  int32_t first = 0, second = 0, third = 0, fourth = 0;
  int32_t column_step = window->column_step;
  for (int32_t row = window->rows; row > 0; row--) {
    const int8_t *value = from, *weight = weights;
    for (int32_t column = window->columns; column > 0; column--, value += column_step, weight += 4) {
      uint32_t values = ppg_load4(value), factors = ppg_load4(weight);
      uint32_t even = ppg_subtract2(ppg_even_bytes(values), zeros), even_factors = ppg_even_bytes(factors);
      uint32_t odd = ppg_subtract2(ppg_odd_bytes(values), zeros), odd_factors = ppg_odd_bytes(factors);
      first = ppg_dot_low(even, even_factors, first);
      second = ppg_dot_low(odd, odd_factors, second);
      third = ppg_dot_high(even, even_factors, third);
      fourth = ppg_dot_high(odd, odd_factors, fourth);
    }
    from += window->row_step;
    weights += window->weight_row_step;
  }
  sums[0] = first, sums[1] = second, sums[2] = third, sums[3] = fourth;
}

static int32_t sum_of_one(const window_t *window, int32_t zero, const int8_t *from, const int8_t *weights) {
  int32_t sum = 0, column_step = window->column_step;
  for (int32_t row = window->rows; row > 0; row--) {
    const int8_t *value = from, *weight = weights;
    for (int32_t column = window->columns; column > 0; column--, value += column_step, weight += 4) {
      sum += (*value - zero) * *weight;
    }
    from += window->row_step;
    weights += window->weight_row_step;
  }
  return sum;
}

/* A code, not yet cut to 8 bits; `channel` points to bias and factor. */
static inline int32_t output(int32_t proven, int32_t zero, int32_t sum, const int32_t *channel) {
  int32_t accumulator = (int32_t)((uint32_t)sum + (uint32_t)channel[0]);
  ppg_factor_t factor = {channel[1], channel[2], channel[3]};
  if (!PPG_USES_GENERAL_FACTORS || proven) return ppg_saturate8(ppg_requantize_proven(accumulator, &factor));
  int32_t scaled = ppg_requantize(accumulator, factor.multiplier, factor.first, factor.right);
  return ppg_clamp(scaled, zero, INT8_MIN, INT8_MAX);
}

/* All output channels of one position. */
static void position(const ppg_depthwise_t *p, const window_t *window, int8_t *out) {
  int32_t block_bytes = 4 * p->kernel_rows * p->kernel_columns;
  int32_t out_channels = p->in_channels * p->multiplier;
  const int8_t *weights = p->weights + window->first_tap;
  const int32_t *words = p->channels;
  int32_t channel = 0, proven = p->proven, zero = p->output_zero;
  if (p->multiplier == 1) {
    for (; channel + 4 <= out_channels; channel += 4, words += 16, weights += block_bytes) {
      int32_t sums[4];
      sum_of_four(window, p->input_zero, window->from + channel, weights, sums);
      int32_t first = output(proven, zero, sums[0], words);
      int32_t second = output(proven, zero, sums[1], words + 4);
      int32_t third = output(proven, zero, sums[2], words + 8);
      int32_t fourth = output(proven, zero, sums[3], words + 12);
      ppg_store4(out + channel, ppg_four(first, second, third, fourth));
    }
  }
  for (; channel < out_channels; channel++, words += 4) {
    const int8_t *from = window->from + channel / p->multiplier;
    const int8_t *own_weights = p->weights + window->first_tap + channel / 4 * block_bytes + channel % 4;
    int32_t sum = sum_of_one(window, p->input_zero, from, own_weights);
    out[channel] = (int8_t)output(proven, zero, sum, words);
  }
}

void ppg_depthwise(const ppg_depthwise_t *p, const int8_t *in, int8_t *out) {
  int32_t out_channels = p->in_channels * p->multiplier;
  int8_t *to = out;
  for (int32_t row = 0; row < p->out_rows; row++) {
    taps_t rows = inside(row * p->stride_rows - p->pad_top, p->kernel_rows, p->dilation_rows, p->rows);
    for (int32_t column = 0; column < p->out_columns; column++, to += out_channels) {
      int32_t origin = column * p->stride_columns - p->pad_left;
      taps_t columns = inside(origin, p->kernel_columns, p->dilation_columns, p->columns);
      window_t window = window_of(p, in, rows, columns);
      position(p, &window, to);
    }
  }
  ppg_clamp_all(out, p->low, p->high, p->out_rows * p->out_columns * out_channels);
}
