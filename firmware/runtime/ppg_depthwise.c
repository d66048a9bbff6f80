#include "ppg_depthwise.h"

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

/* `from` is the first valid value of this channel. */
static int32_t window_sum(const ppg_depthwise_t *p, const int8_t *from, const int8_t *weights, taps_t rows,
                          taps_t columns) {
  int32_t column_step = p->dilation_columns * p->in_channels;
  int32_t row_step = p->dilation_rows * p->columns * p->in_channels;
  int32_t sum = 0;
  for (int32_t row = rows.begin; row < rows.end; row++, from += row_step) {
    const int8_t *value = from;
    const int8_t *weight = weights + row * p->kernel_columns + columns.begin;
    for (int32_t count = columns.end - columns.begin; count > 0; count--, value += column_step) {
      sum += (*value - p->input_zero) * *weight++;
    }
  }
  return sum;
}

static int8_t *position(const ppg_depthwise_t *p, const int8_t *in, taps_t rows, taps_t columns, int8_t *out) {
  const int8_t *from = in + (rows.start * p->columns + columns.start) * p->in_channels;
  const int8_t *weights = p->weights;
  const int32_t *channel = p->channels;
  for (int32_t in_channel = 0; in_channel < p->in_channels; in_channel++, from++) {
    for (int32_t copy = 0; copy < p->multiplier; copy++, channel += 4) {
      uint32_t sum = (uint32_t)window_sum(p, from, weights, rows, columns) + (uint32_t)channel[0];
      int32_t scaled = ppg_requantize((int32_t)sum, channel[1], channel[2], channel[3]);
      *out++ = ppg_clamp(scaled, p->output_zero, p->low, p->high);
      weights += p->kernel_rows * p->kernel_columns;
    }
  }
  return out;
}

void ppg_depthwise(const ppg_depthwise_t *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->out_rows; row++) {
    taps_t rows = inside(row * p->stride_rows - p->pad_top, p->kernel_rows, p->dilation_rows, p->rows);
    for (int32_t column = 0; column < p->out_columns; column++) {
      int32_t origin = column * p->stride_columns - p->pad_left;
      taps_t columns = inside(origin, p->kernel_columns, p->dilation_columns, p->columns);
      out = position(p, in, rows, columns, out);
    }
  }
}
