/* AVERAGE_POOL_2D and MAX_POOL_2D of int16. A window reads only what lies inside the input. */
#ifndef PPG_POOL16_H
#define PPG_POOL16_H

#include <stdint.h>

typedef struct {
  int32_t rows, columns, channels;
  int32_t out_rows, out_columns;
  int32_t kernel_rows, kernel_columns; /* at most 65535 values in all */
  int32_t stride_rows, stride_columns;
  int32_t pad_top, pad_left;
  int32_t low, high;
} ppg_pool16_t;

/* `in` and `out` hold int16 and are aligned to 2 bytes. Without padding, `out` may be `in`: no output
   is written before the inputs it covers have been read. */
void ppg_average_pool16(const ppg_pool16_t *pool, const void *in, void *out);
void ppg_max_pool16(const ppg_pool16_t *pool, const void *in, void *out);

#endif
