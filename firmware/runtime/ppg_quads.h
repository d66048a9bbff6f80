/* The blocks behind ppg_conv_quads.h: 2 positions x 4 output channels at a time, block after block of a row.

   The windows of a block's positions are widened to int16 in pairs, side by side (columns). Step s of 4 values:
     words 0, 1: values (4s, 4s + 2) of positions 0, 1
     words 2, 3: values (4s + 1, 4s + 3) of positions 0, 1
   0x40800000 is added to the last two words: int16 has room above int8, and so the loop sees where the columns
   end. The compiler has taken these products off the biases.

   A halfword of weights holds two channels, w = 256 B + A, both signed. The loop sums w x and, with the sign-extended
   low byte, A x; the difference is 256 times B's sum. One word so feeds 8 products and needs one instruction to unpack.
   Exact while 256 times a channel's sum fits 32 bits.

   The stream holds, for each four of output channels A, B, C, D:
     bias A, 256 * bias B + bias A, bias C, 256 * bias D + bias C
     for each pair of values (4s, 4s + 2), (4s + 1, 4s + 3): word of A and B, word of C and D; the first value low
     factors of A, B, C, D, see the routines
   Missing channels of the last four are zeros. */
#ifndef PPG_QUADS_H
#define PPG_QUADS_H

#include "ppg_requant.h"

#define PPG_QUADS_POSITIONS 2
#define PPG_QUADS_CHANNELS 4
#define PPG_QUADS_STEP_WORDS 4 /* words of columns per step */
#define PPG_QUADS_END 0x40800000u

/* Some blocks of a row. ppg_quads_simd.h knows the order. */
typedef struct {
  const int32_t *stream;
  uint32_t *columns; /* 2 * pairs words */
  int8_t *out;       /* of the first position */
  int32_t pitch;     /* from a position's codes to the next one's */
  const int8_t *end; /* out + channels, a multiple of 4 */
  int32_t channels;
  int32_t pairs;   /* pairs of window values, at least 2 */
  int32_t spare;   /* for the routine's copy */
  int32_t blocks;  /* at least 1 */

  /* Windows, as in ppg_conv_t: `rows` of `runs` pieces of `count` bytes (a multiple of 4), `gap` bytes between
     pieces and `row_gap` more between rows. With 0 rows the columns are already there, for one block. */
  int32_t rows;
  int32_t runs;
  int32_t count;
  int32_t gap;
  int32_t row_gap;
  const int8_t *first; /* window of the first position */
  int32_t distance;    /* to the second position's */
  int32_t block_step;  /* to the next block's first */
} ppg_quads_row_t;

typedef void ppg_quads_t(const ppg_quads_row_t *row);

/* Factors: multiplier, first per channel; ppg_requant.h's scaled form with 256 times the sum and one right shift. */
ppg_quads_t ppg_quads_11;
ppg_quads_t ppg_quads_14;

/* Factors: multiplier, first, deduction, right shift per channel; `deduction` is taken off for negative sums. */
ppg_quads_t ppg_quads_any;

/* Factors: see ppg_quads_short.c. */
ppg_quads_t ppg_quads_short;

#endif
