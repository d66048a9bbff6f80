/* AVERAGE_POOL_2D and MAX_POOL_2D. A window reads only what lies inside the input. Without padding, `out`
   may be `in`: no output is written before the inputs it covers have been read. */
#ifndef PPG_POOL_H
#define PPG_POOL_H

#include <stdint.h>

typedef struct {
  int32_t rows, columns, channels;
  int32_t out_rows, out_columns;
  int32_t kernel_rows, kernel_columns;
  int32_t stride_rows, stride_columns;
  int32_t pad_top, pad_left;
  int32_t low, high;
  /* How an average divides when every window holds the same number of values; 0: not that way.
     shift: it is 2^shift, 1 <= shift <= 7; reciprocal: ceil(2^31 / values). Else there is a division. */
  int32_t shift;
  uint32_t reciprocal;
} ppg_pool_t;

void ppg_average_pool(const ppg_pool_t *pool, const int8_t *in, int8_t *out);
void ppg_max_pool(const ppg_pool_t *pool, const int8_t *in, int8_t *out);

#endif
