/* DEPTHWISE_CONV_2D with a kernel of 3 x 3 and the same stride of 1 or 2 both ways, no dilation: channel by channel along the
   columns. Rows are widened once, to words of two neighbouring columns. `out` may be `in` where the compiler has checked
   that no row is overwritten before it is widened. */
#ifndef PPG_DEPTHWISE_3X3_H
#define PPG_DEPTHWISE_3X3_H

#include <stdint.h>

/* Of a channel: twice the bias, from which the input's zero point is already taken; a proven factor of ppg_requant.h;
   twice the weights of each row, in pairs (0, 1) and (1, 2), the earlier one in the lower half. */
#define PPG_DEPTHWISE_3X3_WORDS 10

typedef struct {
  const int32_t *words;
  int32_t rows, columns, channels;
  int32_t out_rows, out_columns;
  int32_t stride;
  int32_t pad_top, pad_left;
  int32_t pairs; /* words of a widened row and channel */
  int32_t input_zero;
  int32_t low, high;
} ppg_depthwise_3x3_t;

/* `scratch` holds 4 * pairs * channels words and one byte per channel. */
void ppg_depthwise_3x3(const ppg_depthwise_3x3_t *depthwise, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
