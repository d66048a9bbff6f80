/* DEPTHWISE_CONV_2D with a kernel of one row: channel by channel along the columns, weights in registers. Stride 1 with
   any dilation, or stride 2 without. `out` may be `in` where the rows of the output are not longer. */
#ifndef PPG_DEPTHWISE_ROWS_H
#define PPG_DEPTHWISE_ROWS_H

#include <stdint.h>

/* Words of a channel: twice the bias, from which the input's zero point is already taken; a proven factor of
   ppg_requant.h, with twice the last weight in the upper half of its shift; twice the weights in pairs (0, 1), (2, 3)
   .., then in pairs (1, 2), (3, 4) ... The lower half of a pair is the earlier one. */
#define PPG_DEPTHWISE_ROWS_WORDS(taps) (3 + (taps))

typedef struct {
  const int32_t *words;
  int32_t taps; /* 3 or 5 */
  int32_t stride, dilation;
  int32_t rows, row_step; /* rows of the output; bytes from one of their inputs to the next */
  int32_t columns, channels, out_columns;
  /* Where rows are copied into scratch: columns of padding before them and columns in all; else 0. */
  int32_t before, width;
  int32_t input_zero;
  int32_t low, high;
} ppg_depthwise_rows_t;

/* `scratch` holds `width` times `channels` bytes. */
void ppg_depthwise_rows(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out, int8_t *scratch);

/* The same where rows are read in place, so that there is no scratch. */
void ppg_depthwise_rows_direct(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out);

/* The same with 256 times bias and weights, and the scaled form of ppg_requant.h with a right shift of 9. */
void ppg_depthwise_rows_9(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out, int8_t *scratch);
void ppg_depthwise_rows_9_direct(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out);

#endif
