/* Pools of two or four neighbouring columns, no padding, channels a multiple of 4. `out` may be `in`: no output is written
   before the inputs it covers have been read. */
#ifndef PPG_POOL_ROWS_H
#define PPG_POOL_ROWS_H

#include <stdint.h>

typedef struct {
  int32_t channels;
  int32_t rows, row_step; /* rows of the output; bytes from one of their inputs to the next */
  int32_t out_columns, stride;
  int32_t low, high;
} ppg_pool_rows_t;

void ppg_average_of_2(const ppg_pool_rows_t *pool, const int8_t *in, int8_t *out);
void ppg_average_of_4(const ppg_pool_rows_t *pool, const int8_t *in, int8_t *out);
void ppg_max_of_2(const ppg_pool_rows_t *pool, const int8_t *in, int8_t *out);

#endif
