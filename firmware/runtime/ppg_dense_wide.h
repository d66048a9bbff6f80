/* FULLY_CONNECTED at one position for sums that are proven to fit 24 bits, 6 outputs at a time.

   The stream holds, for each six outputs, taken as three pairs of A and B:
     bias A, 256 * bias B + bias A of each pair; the input's zero point is folded in
     for each four inputs: three words of weights for inputs 0 and 2, three for 1 and 3, as in ppg_quads.h
     multiplier, first, deduction, right shift of each output: ppg_requant.h's scaled form with 256 times the sum;
     `deduction` is taken off for negative sums
   One or two last outputs are a pair of their own, three to five a six with zeros. */
#ifndef PPG_DENSE_WIDE_H
#define PPG_DENSE_WIDE_H

#include "ppg_requant.h"

#define PPG_DENSE_WIDE_OUTPUTS 6

typedef struct {
  const int32_t *stream;
  int32_t inputs; /* a multiple of 4 */
  int32_t outputs;
  int32_t low, high;
} ppg_dense_wide_t;

void ppg_dense_wide(const ppg_dense_wide_t *dense, const int8_t *in, int8_t *out);

#endif
