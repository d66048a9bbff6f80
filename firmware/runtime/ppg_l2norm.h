/* L2_NORMALIZATION along the innermost axis; the output is in steps of 1/128. `out` may be `in`. */
#ifndef PPG_L2NORM_H
#define PPG_L2NORM_H

#include <stdint.h>

typedef struct {
  int32_t rows, depth;
  int32_t input_zero;
} ppg_l2norm_t;

void ppg_l2norm(const ppg_l2norm_t *norm, const int8_t *in, int8_t *out);

#endif
