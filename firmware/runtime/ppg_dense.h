/* FULLY_CONNECTED at one position. */
#ifndef PPG_DENSE_H
#define PPG_DENSE_H

#include "ppg_requant.h"

typedef struct {
  const int32_t *stream; /* as in ppg_matrix.h; the input's zero point is folded into the biases */
  int32_t inputs;
  int32_t outputs;
  int32_t proven; /* 1: every factor is in the proven form */
  int32_t output_zero;
  int32_t low, high;
} ppg_dense_t;

void ppg_dense(const ppg_dense_t *dense, const int8_t *in, int8_t *out);

#endif
