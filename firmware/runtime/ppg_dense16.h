/* FULLY_CONNECTED of int16 activations at one position. */
#ifndef PPG_DENSE16_H
#define PPG_DENSE16_H

#include <stdint.h>

typedef struct {
  const int32_t *stream; /* as in ppg_matrix16.h */
  const int32_t *biases; /* as in ppg_matrix16.h, for a whole number of pairs */
  int32_t inputs;
  int32_t outputs;
  int32_t low, high;
} ppg_dense16_t;

/* `in` and `out` hold int16 and are aligned to 2 bytes. */
void ppg_dense16(const ppg_dense16_t *dense, const void *in, void *out);

#endif
