/* CONV_2D with 1 x 3 kernels and stride 1 by Winograd's F(4,3) in exact integers: 4 outputs of a row that lie one
   dilation apart (a tile) for 6 products per pair of channels instead of 12. docs/kernels.md has the algebra.

   Six sums of products per output channel and tile, modulo 2^32, between transformed inputs and transformed weights:
     slot   input d0..d5                          24 * weight      stored prefix
     0      d3 + d4 - 4 (d1 + d2) - 1024          -4 (g0+g1+g2)    m1            starts at the bias
     1      (d4 - 4 d2) - (d3 - 4 d1)             -4 (g0-g1+g2)    m1 + m2
     2      (d4 - d2) + 2 (d3 - d1)               g0+2 g1+4 g2     m3            starts at 0
     3      (d4 - d2) - 2 (d3 - d1)               g0-2 g1+4 g2     m3 + m4
     4      4 d0 - 5 d2 + d4                      6 g0             m3 + m4 + m0
     5      4 d1 - 5 d3 + d5                      24 g2            m5            starts at 0
   The four outputs are the accumulators times 24 * 2^s, where 2^s is a power of two that the channel's weights have
   been multiplied by. All of it is exact: only these results have to fit 32 bits.

   Two tiles at a time. Transformed inputs lie as [pair of channels][slot][tile]: two int16, channels 4g and 4g + 2 in
   pair 2g, 4g + 1 and 4g + 3 in pair 2g + 1. */
#ifndef PPG_WINOGRAD_H
#define PPG_WINOGRAD_H

#include <stdint.h>

#define PPG_WINOGRAD_SLOTS 6
#define PPG_WINOGRAD_CHANNELS 4 /* output channels of a block */
#define PPG_WINOGRAD_RIGHT 11   /* right shift for which requantisation takes two instructions */

typedef struct {
  /* Per block of 4 output channels:
       the condition flags that steer the assembler: N when the right shifts are not all PPG_WINOGRAD_RIGHT, Z for 8
       pairs of input channels, C for 12, V for more than 16
       4 biases
       per slot and pair of input channels a word of weights for each of the 4 channels; beyond 16 pairs a word for the
       assembler behind every eight pairs but the first
       4 times multiplier, rounding with the right shift as lowest byte, and, in the signed form, what a negative
       accumulator lowers the sum by */
  const int32_t *stream;
  int32_t block_words;
  int32_t first_blocks; /* then the targets move back by `overlap` channels, then come `later_blocks` */
  int32_t later_blocks;
  int32_t overlap;
  int32_t pairs;       /* of input channels, those of the padding included: 8, 12 or a multiple of 8 */
  int32_t groups;      /* of 4 input channels that are transformed */
  int32_t signed_form; /* 1: three words of factors */

  int32_t rows;
  int32_t in_columns;
  int32_t in_channels;
  int32_t columns; /* output */
  int32_t channels;
  int32_t dilation;
  int32_t outputs; /* columns / dilation, rounded down, but at least 1 */

  /* Padding. 1: each row is first copied between margins of zero points; 0: only tiles at the ends of a row are. */
  int32_t copies_rows;
  int32_t left_columns;
  int32_t right_columns;
  int32_t input_zero;
  int32_t low; /* clamp of the output */
  int32_t high;
} ppg_winograd_t;

#define PPG_WINOGRAD_STATE_BYTES 64                     /* where a tile pair's results go */
#define PPG_WINOGRAD_SUMS_BYTES (4 * 8 * PPG_WINOGRAD_SLOTS)
#define PPG_WINOGRAD_PAIR_BYTES (8 * PPG_WINOGRAD_SLOTS) /* two tiles */

/* `scratch` is 4-byte aligned and holds STATE_BYTES + SUMS_BYTES + pairs * PAIR_BYTES bytes, then the copied row, as far
   as any tile reads, or the 6 positions of two tiles. With copies_rows `out` may be `in`, provided an output row is no
   longer than an input row. Without, `in_channels` is a multiple of 4. */
void ppg_winograd(const ppg_winograd_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
