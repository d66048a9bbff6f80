/* CONV_2D of any kernel, stride, dilation, padding and grouping, and dense layers over several positions:
   the windows of 4 positions are laid side by side as columns, then multiplied by ppg_matrix_block. The
   input's zero point is folded into the biases, so padding is written as that zero point. */
#ifndef PPG_CONV_H
#define PPG_CONV_H

#include "ppg_matrix.h"

typedef struct {
  const int32_t *stream; /* see ppg_matrix.h; all pairs of group 0, then of group 1, ... */
  int32_t group_words;   /* words of the stream per group */
  ppg_matrix_t matrix;   /* of one group */
  int32_t groups;

  int32_t rows;         /* input */
  int32_t row_bytes;    /* input columns * channels */
  int32_t out_rows;     /* output */
  int32_t out_columns;
  int32_t out_channels; /* all groups */

  int32_t kernel_rows;
  int32_t kernel_row_step; /* vertical dilation */
  int32_t stride_rows;
  int32_t pad_top;
  int32_t stride_bytes; /* from one position to the next */

  /* Where the values of a window lie. When they come in pieces of a multiple of 4 bytes: one window row is
     `runs` pieces of `run_bytes` contiguous values, `run_step` bytes apart, and `offsets` is NULL. Else
     `offsets` holds the distance of each value from the window's first one, 4 * steps in all; those beyond
     the window meet weights of 0. */
  const int32_t *offsets;
  int32_t runs;
  int32_t run_bytes;
  int32_t run_step;
  int32_t group_bytes; /* from one group's first input channel to the next group's */

  /* 1: the input rows under a window are first copied between margins of zero points, because there is
     padding or because the output overwrites the input. */
  int32_t copies_rows;
  int32_t left_bytes;
  int32_t right_bytes;

  int32_t input_zero;
  int32_t low; /* clamp of the output */
  int32_t high;
} ppg_conv_t;

/* `scratch` is 4-byte aligned and holds steps * 32 bytes of columns, then, if copies_rows, kernel_rows *
   (left_bytes + row_bytes + right_bytes) bytes. With copies_rows and one kernel row, `out` may be `in`,
   provided an output row is no longer than an input row. */
void ppg_conv(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
