/* ppg_conv for windows of few values, as first layers have them: the values of a stretch of positions are laid out
   once, then the output channels run over it with their weights in registers.

   At most 3 values: two positions are three words, values (0, 1) of the first, (0, 1) of the second, value 2 of both.
   At most 5: five words, values (0, 1) and (2, 3) of the first, value 4 of both, (0, 1) and (2, 3) of the second.
   Values are 64 times as large.

   The stream holds, with 256 times the weights, for 3 values and each pair of output channels A and B
     A's weights (0, 1), B's weights (0, 1), weight 2 of both, factor of A, factor of B
   and for 5 values and each output channel
     weights (0, 1), weights (2, 3), weight 4, factor
   A factor is multiplier and first of ppg_requant.h's scaled form for 2^14 times the sum, with right shift 17; `first`
   includes the bias. `matrix` is not used, `offsets` is always there. With 3 values the number of channels is even. */
#ifndef PPG_CONV_FEW_H
#define PPG_CONV_FEW_H

#include "ppg_conv.h"

#define PPG_FEW_POSITIONS 64 /* of a stretch */
#define PPG_FEW_VALUE_SCALE 64
#define PPG_FEW_RIGHT 17
#define PPG_FEW_SCRATCH(words) (PPG_FEW_POSITIONS / 2 * 4 * (words) + 4)

/* `scratch` is 4-byte aligned and holds PPG_FEW_SCRATCH bytes, for 3 or 5 words, then the rows of ppg_conv.h. */
void ppg_conv_threes(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);
void ppg_conv_fives(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
