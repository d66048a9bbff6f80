/* The input rows that an output row of ppg_conv looks at. */
#ifndef PPG_CONV_ROWS_H
#define PPG_CONV_ROWS_H

#include "ppg_conv.h"
#include "ppg_memory.h"

/* Where the windows of one output row are read from. */
typedef struct {
  const int8_t *data;
  int32_t pitch; /* between kernel rows */
} ppg_rows_t;

/* Copies the input rows that output row `row` looks at, with margins, one behind the other. */
static inline ppg_rows_t ppg_copied_rows(const ppg_conv_t *conv, const int8_t *in, int32_t row, int8_t *rows) {
  int32_t pitch = conv->left_bytes + conv->row_bytes + conv->right_bytes;
  int8_t *to = rows;
  for (int32_t kernel_row = 0; kernel_row < conv->kernel_rows; kernel_row++, to += pitch) {
    int32_t from_row = row * conv->stride_rows - conv->pad_top + kernel_row * conv->kernel_row_step;
    if (from_row < 0 || from_row >= conv->rows) {
      ppg_fill(to, conv->input_zero, pitch);
    } else {
      ppg_fill(to, conv->input_zero, conv->left_bytes);
      ppg_copy(to + conv->left_bytes, in + from_row * conv->row_bytes, conv->row_bytes);
      ppg_fill(to + conv->left_bytes + conv->row_bytes, conv->input_zero, conv->right_bytes);
    }
  }
  return (ppg_rows_t){rows, pitch};
}

/* The rows where they lie, or copied to `rows` when they need margins or are about to be overwritten. */
static inline ppg_rows_t ppg_window_rows(const ppg_conv_t *conv, const int8_t *in, int32_t row, int8_t *rows) {
  if (conv->copies_rows) return ppg_copied_rows(conv, in, row, rows);
  return (ppg_rows_t){in + row * conv->stride_rows * conv->row_bytes, conv->kernel_row_step * conv->row_bytes};
}

#endif
