/* The inner product block behind convolutions: 4 positions x 2 output channels at a time.

   Columns hold 4 positions side by side, 4 values of the window per step, widened to int16 in pairs. Step s:
     words 0-3: values (4s, 4s + 2) of positions 0-3
     words 4-7: values (4s + 1, 4s + 3) of positions 0-3

   The stream holds, for each pair of output channels A and B:
     bias A, bias B
     per step two words of int8 weights, lowest byte first:
       A[4s], B[4s], A[4s+2], B[4s+2] and A[4s+1], B[4s+1], A[4s+3], B[4s+3]
     ppg_factor_t of A, ppg_factor_t of B
   An odd last channel has a B of zeros. */
#ifndef PPG_MATRIX_H
#define PPG_MATRIX_H

#include "ppg_requant.h"

#define PPG_MATRIX_POSITIONS 4
#define PPG_MATRIX_STEP_WORDS 8 /* words of columns per step */
#define PPG_MATRIX_PAIR_WORDS(steps) (8 + 2 * (steps))
#define PPG_MATRIX_ACCUMULATORS (2 * PPG_MATRIX_POSITIONS) /* A of positions 0-3, then B of positions 0-3 */

typedef struct {
  int32_t steps;       /* ceil(window values / 4) */
  int32_t sixes_words; /* words of columns of the largest multiple of 6 steps */
  int32_t channels;    /* output channels */
  int32_t proven;      /* 1: every factor is in the proven form */
  int32_t output_zero; /* used by the general form only */
} ppg_matrix_t;

/* Bias plus products, modulo 2^32, of one channel pair, whose stream is given, at 4 positions. `end` is behind
   the last step's columns, `sixes_end` behind those of the largest multiple of 6 steps. */
void ppg_matrix_accumulate(const int32_t *stream, const uint32_t *columns, const uint32_t *sixes_end,
                           const uint32_t *end, int32_t accumulators[PPG_MATRIX_ACCUMULATORS]);

/* Saturated int8 results of `positions` (1 to 4) positions: out[position * pitch + channel]. */
void ppg_matrix_block(const ppg_matrix_t *matrix, const int32_t *stream, const uint32_t *columns,
                      int32_t positions, int8_t *out, int32_t pitch);

#endif
