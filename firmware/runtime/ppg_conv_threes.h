/* ppg_conv for windows of at most 3 values, as first layers have them: the values of a stretch of positions are laid
   out once, then each pair of output channels runs over it with its weights in registers.

   Two positions are three words: values (0, 1) of the first, (0, 1) of the second, value 2 of both; 64 times as large.

   The stream holds, for each pair of output channels A and B, with 256 times the weights:
     A's weights (0, 1), B's weights (0, 1), weight 2 of both
     multiplier, first of A and of B: ppg_requant.h's scaled form for 2^14 times the sum with right
     shift 17; `first` includes the bias
   `matrix` is used for its channels only, `offsets` is always there. The number of channels is even. */
#ifndef PPG_CONV_THREES_H
#define PPG_CONV_THREES_H

#include "ppg_conv.h"

#define PPG_THREES_POSITIONS 64 /* of a stretch */
#define PPG_THREES_SCRATCH (PPG_THREES_POSITIONS / 2 * 12 + 4)

/* `scratch` is 4-byte aligned and holds PPG_THREES_SCRATCH bytes, then the rows of ppg_conv.h. */
void ppg_conv_threes(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
