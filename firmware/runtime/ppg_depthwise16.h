/* DEPTHWISE_CONV_2D of int16 activations, any kernel, stride, dilation, padding and depth multiplier. */
#ifndef PPG_DEPTHWISE16_H
#define PPG_DEPTHWISE16_H

#include <stdint.h>

typedef struct {
  const int8_t *weights;   /* per output channel: its taps, row by row */
  const int32_t *channels; /* per output channel: bias in two words, low one first, then a ppg_factor16_t */
  int32_t narrow;          /* 1: sums fit 32 bits and the factors are in the narrow form */
  int32_t rows, columns, in_channels, multiplier;
  int32_t out_rows, out_columns;
  int32_t kernel_rows, kernel_columns;
  int32_t stride_rows, stride_columns;
  int32_t dilation_rows, dilation_columns;
  int32_t pad_top, pad_left;
  int32_t low, high;
} ppg_depthwise16_t;

/* `in` and `out` hold int16 and are aligned to 2 bytes. `out` may be `in` for a kernel of one
   value, stride 1, no padding and multiplier 1. */
void ppg_depthwise16(const ppg_depthwise16_t *depthwise, const void *in, void *out);

#endif
