#include "ppg_depthwise16.h"

#include "ppg_requant16.h"

#define CHANNEL_WORDS 5

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

/* The valid part of a window: how many taps, and the way from one to the next. */
typedef struct {
  int32_t rows, columns;
  int32_t row_step, column_step; /* values */
  int32_t weight_row_step;
} window_t;

static int32_t narrow_sum(const window_t *window, const int16_t *from, const int8_t *weights, int32_t sum) {
  for (int32_t row = window->rows; row > 0; row--) {
    const int16_t *value = from;
    for (int32_t column = 0; column < window->columns; column++, value += window->column_step) {
      sum = (int32_t)((uint32_t)sum + (uint32_t)(*value * weights[column]));
    }
    from += window->row_step;
    weights += window->weight_row_step;
  }
  return sum;
}

static int64_t wide_sum(const window_t *window, const int16_t *from, const int8_t *weights, int64_t sum) {
  for (int32_t row = window->rows; row > 0; row--) {
    const int16_t *value = from;
    for (int32_t column = 0; column < window->columns; column++, value += window->column_step) {
      sum += *value * weights[column];
    }
    from += window->row_step;
    weights += window->weight_row_step;
  }
  return sum;
}

/* The output channels of one position that has a window of one value, narrow form, multiplier 1. */
static void one_tap(const ppg_depthwise16_t *p, const int16_t *from, int32_t first_tap, int16_t *out) {
  int32_t taps = p->kernel_rows * p->kernel_columns, low = p->low, high = p->high;
  const int8_t *weight = p->weights + first_tap;
  const int16_t *end = from + p->in_channels;
  for (const int32_t *words = p->channels; from != end; words += CHANNEL_WORDS, weight += taps) {
    const ppg_factor16_t factor = {words[2], words[3], words[4]};
    int32_t sum = (int32_t)((uint32_t)words[0] + (uint32_t)(*from++ * *weight));
    *out++ = ppg_clamp16(ppg_requantize_narrow(sum, &factor), low, high);
  }
}

/* All output channels of one position; `from` is the window's first valid value of channel 0. */
static void position(const ppg_depthwise16_t *p, const window_t *window, const int16_t *from,
                     int32_t first_tap, int16_t *out) {
  int32_t taps = p->kernel_rows * p->kernel_columns, narrow = p->narrow, low = p->low, high = p->high;
  const int8_t *weights = p->weights + first_tap;
  const int32_t *words = p->channels;
  for (int32_t channel = p->in_channels; channel > 0; channel--, from++) {
    for (int32_t copy = p->multiplier; copy > 0; copy--, weights += taps, words += CHANNEL_WORDS) {
      const ppg_factor16_t factor = {words[2], words[3], words[4]};
      int32_t scaled = narrow ? ppg_requantize_narrow(narrow_sum(window, from, weights, words[0]), &factor)
                              : ppg_requantize_wide(
                                    wide_sum(window, from, weights, ppg_wide_bias(words)), &factor);
      *out++ = ppg_clamp16(scaled, low, high);
    }
  }
}

void ppg_depthwise16(const ppg_depthwise16_t *p, const void *in, void *out) {
  const int16_t *values = in;
  int16_t *to = out;
  for (int32_t row = 0; row < p->out_rows; row++) {
    taps_t rows = inside(row * p->stride_rows - p->pad_top, p->kernel_rows, p->dilation_rows, p->rows);
    for (int32_t column = 0; column < p->out_columns; column++, to += p->in_channels * p->multiplier) {
      int32_t origin = column * p->stride_columns - p->pad_left;
      taps_t columns = inside(origin, p->kernel_columns, p->dilation_columns, p->columns);
      int32_t is_empty = rows.begin == rows.end || columns.begin == columns.end;
      window_t window = {
          .rows = is_empty ? 0 : rows.end - rows.begin,
          .columns = columns.end - columns.begin,
          .row_step = p->dilation_rows * p->columns * p->in_channels,
          .column_step = p->dilation_columns * p->in_channels,
          .weight_row_step = p->kernel_columns,
      };
      const int16_t *from =
          is_empty ? values : values + (rows.start * p->columns + columns.start) * p->in_channels;
      int32_t first_tap = is_empty ? 0 : rows.begin * p->kernel_columns + columns.begin;
      if (p->narrow && p->multiplier == 1 && window.rows == 1 && window.columns == 1) {
        one_tap(p, from, first_tap, to);
      } else {
        position(p, &window, from, first_tap, to);
      }
    }
  }
}
