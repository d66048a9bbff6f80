/* The inner product block behind convolutions of int16: 4 positions x 2 output channels at a time.

   Columns and stream are those of ppg_matrix.h, but a word holds neighbours: values (4s, 4s + 1), then
   (4s + 2, 4s + 3), and factors are ppg_factor16_t. In the wide form the biases in the stream are not used. */
#ifndef PPG_MATRIX16_H
#define PPG_MATRIX16_H

#include "ppg_matrix.h"

typedef struct {
  int32_t steps;       /* ceil(window values / 4) */
  int32_t sixes_words; /* words of columns of the largest multiple of 6 steps */
  int32_t channels;    /* output channels */
  int32_t low, high;   /* clamp of the output */
} ppg_matrix16_t;

/* Clamped int16 results of `positions` (1 to 4) positions: out[position * pitch + channel]. `biases` is NULL
   for the narrow form; for the wide one it holds two words a channel, low one first. */
void ppg_matrix16_block(const ppg_matrix16_t *matrix, const int32_t *stream, const int32_t *biases,
                        const uint32_t *columns, int32_t positions, int16_t *out, int32_t pitch);

#endif
