/* CONV_2D of int16 activations, any kernel, stride, dilation, padding and grouping, and dense layers over
   several positions. As ppg_conv.h: the windows of 4 positions are laid side by side as columns, then
   multiplied by ppg_matrix16_block. Distances are counted in values; zero points are 0, and so is padding. */
#ifndef PPG_CONV16_H
#define PPG_CONV16_H

#include "ppg_matrix16.h"

typedef struct {
  const int32_t *stream;  /* see ppg_matrix16.h; all pairs of group 0, then of group 1, ... */
  const int32_t *biases;  /* see ppg_matrix16.h; of all channels */
  int32_t group_words;    /* words of the stream per group */
  ppg_matrix16_t matrix;  /* of one group */
  int32_t groups;

  int32_t rows;       /* input */
  int32_t row_values; /* input columns * channels */
  int32_t out_rows;   /* output */
  int32_t out_columns;
  int32_t out_channels; /* all groups */

  int32_t kernel_rows;
  int32_t kernel_row_step; /* vertical dilation */
  int32_t stride_rows;
  int32_t pad_top;
  int32_t stride_values; /* from one position to the next */

  /* Where the values of a window lie. When they come in pieces of a multiple of 4: one window row is `runs`
     pieces of `run_values`, `run_step` apart, and `offsets` is NULL. Else `offsets` holds the distance of each
     value from the window's first one, 4 * steps in all; those beyond the window meet weights of 0. */
  const int32_t *offsets;
  int32_t runs;
  int32_t run_values;
  int32_t run_step;
  int32_t group_values; /* from one group's first input channel to the next group's */

  /* 1: the input rows under a window are first copied between margins of zeros, because there is padding or
     because the output overwrites the input. */
  int32_t copies_rows;
  int32_t left_values;
  int32_t right_values;
} ppg_conv16_t;

/* `in` and `out` hold int16 and are aligned to 2 bytes. `scratch` is aligned to 4 bytes and holds
   matrix.steps * 32 bytes of columns, then, if copies_rows, kernel_rows * (left_values + row_values +
   right_values) * 2 bytes. With copies_rows and one kernel row, `out` may be `in`, provided an output row is
   no longer than an input row. */
void ppg_conv16(const ppg_conv16_t *conv, const void *in, void *out, void *scratch);

#endif
