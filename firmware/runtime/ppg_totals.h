/* Sums over all positions, channel by channel: a pool over the whole image, MEAN and SUM over its positions. `out` may be
   `in`. */
#ifndef PPG_TOTALS_H
#define PPG_TOTALS_H

#include "ppg_requant.h"

typedef struct {
  int32_t positions, channels;
  int32_t low, high;
} ppg_total_average_t;

typedef struct {
  int32_t positions, channels;
  int32_t input_zero, output_zero;
  ppg_factor_t factor; /* general form */
} ppg_total_t;

void ppg_total_average(const ppg_total_average_t *average, const int8_t *in, int8_t *out);
void ppg_total(const ppg_total_t *total, const int8_t *in, int8_t *out);

#endif
