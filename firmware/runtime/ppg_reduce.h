/* MEAN and SUM over any axes: exact int32 sums, then one requantisation in the general form. */
#ifndef PPG_REDUCE_H
#define PPG_REDUCE_H

#include "ppg_requant.h"

#define PPG_REDUCE_AXES 4

typedef struct {
  int32_t kept_size[PPG_REDUCE_AXES]; /* output, outermost axis first */
  int32_t kept_step[PPG_REDUCE_AXES]; /* bytes in the input from one index of the axis to the next */
  int32_t summed_size[PPG_REDUCE_AXES];
  int32_t summed_step[PPG_REDUCE_AXES];
  int32_t count; /* values in one sum */
  int32_t input_zero, output_zero;
  ppg_factor_t factor;
} ppg_reduce_t;

void ppg_reduce(const ppg_reduce_t *reduce, const int8_t *in, int8_t *out);

#endif
