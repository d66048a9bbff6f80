/* DEPTHWISE_CONV_2D of any kernel, stride, dilation, padding and depth multiplier. */
#ifndef PPG_DEPTHWISE_H
#define PPG_DEPTHWISE_H

#include "ppg_requant.h"

typedef struct {
  const int8_t *weights;   /* per 4 output channels: 4 bytes for each tap; 0 behind the last channel */
  const int32_t *channels; /* per output channel: bias, then a ppg_factor_t */
  int32_t proven;          /* 1: every factor is in the proven form */
  int32_t rows, columns, in_channels, multiplier;
  int32_t out_rows, out_columns;
  int32_t kernel_rows, kernel_columns;
  int32_t stride_rows, stride_columns;
  int32_t dilation_rows, dilation_columns;
  int32_t pad_top, pad_left;
  int32_t input_zero, output_zero;
  int32_t low, high;
} ppg_depthwise_t;

/* `out` may be `in` for a kernel of one value, stride 1, no padding and multiplier 1. */
void ppg_depthwise(const ppg_depthwise_t *depthwise, const int8_t *in, int8_t *out);

#endif
