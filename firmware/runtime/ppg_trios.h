/* The blocks behind ppg_conv_trios.h: 3 positions x 4 output channels at a time, block after block of a row. SMLAL makes
   four products, and two accumulators give six sums.

   With X = 2^21, a word of columns holds the values of two neighbouring positions, u + v X, and a word of weights those
   of two channels, A + B X. The sum of their products has three fields:
     (u A)  +  (u B + v A) X  +  (v B) X^2
   From positions 0 and 1, and from 1 and 2, every sum comes out: A at 0, 1 and B at 1, 2 lie alone, and the
   fields in the middle lack only the one sum that the other accumulator has alone.

   Exact while every sum, bias included, lies from -2^20 up to below 2^20: accumulators start with 2^20 in the lower two
   fields, so that what is taken out of them is never negative; wrapping modulo 2^64 on the way does no harm.

   The stream holds, for each four of output channels A, B, C, D:
     what the accumulators start with, low and high words: of A and B, of C and D
     for each window value: word of A and B, word of C and D
     factors of A, B, C, D, see the routines */
#ifndef PPG_TRIOS_H
#define PPG_TRIOS_H

#include "ppg_requant.h"

#define PPG_TRIOS_POSITIONS 3
#define PPG_TRIOS_CHANNELS 4
#define PPG_TRIOS_FIELD 21
#define PPG_TRIOS_COLUMN_WORDS 2 /* per window value: of positions 0 and 1, of 1 and 2 */

/* Some blocks of a row. ppg_trios_simd.h knows the order. */
typedef struct {
  const int32_t *stream;
  int32_t *columns;      /* 2 * values words and a mark behind them */
  int8_t *out;           /* of the first position */
  int32_t second, third; /* from the first position's codes to those of the others */
  const int8_t *end;     /* out + channels */
  int32_t channels;      /* a multiple of 4 */
  int32_t values;        /* of a window, at least 1 */
  int32_t spare[2];      /* for the routine's copy */
  int32_t blocks;        /* at least 1 */

  /* Windows, as in ppg_conv_t: `rows` of `runs` pieces of `count` bytes (a multiple of 4), `gap` bytes between
     pieces and `row_gap` more between rows. */
  int32_t rows;
  int32_t runs;
  int32_t count;
  int32_t gap;
  int32_t row_gap;
  const int8_t *first;      /* window of the first position */
  int32_t distance;         /* to the second position's */
  int32_t distance_third;   /* to the third one's */
  int32_t block_step;       /* to the next block's first */
  int32_t out_step;         /* from a block's codes to the next one's */
  int32_t more_spare[3];
} ppg_trios_row_t;

typedef void ppg_trios_t(const ppg_trios_row_t *row);

/* Sums reach the requantisation times 2^11 for channels A and C, times 2^10 for B and D.

   Factors: multiplier, first per channel; ppg_requant.h's scaled form with a right shift of 14 or 15 for A and C, one
   less for B and D. */
ppg_trios_t ppg_trios_14;
ppg_trios_t ppg_trios_15;

/* Factors: multiplier, first, deduction per channel; `deduction` is taken off for negative sums. Right shifts of 16 and
   15. */
ppg_trios_t ppg_trios_signed;

#endif
