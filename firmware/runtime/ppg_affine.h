/* A straight line per channel, from code to code: batch normalisation as a 1 x 1 depthwise convolution, ADD or MUL
   with a constant per channel. Channels whose rounding is no straight line have the line that changes nothing, and a
   table. `out` may be `in`. */
#ifndef PPG_AFFINE_H
#define PPG_AFFINE_H

#include <stdint.h>

typedef struct {
  const int32_t *lines; /* per channel: slope in 2^-24, then value at code 0, plus 128, in 2^-16; both in codes */
  int32_t channels;     /* 1 .. 65535 */
  int32_t positions;    /* 1 .. 65535 */
  const int32_t *tabled; /* channels that have a table */
  const int8_t *tables;  /* of each one: values for the codes 0 .. 127, then -128 .. -1 */
  int32_t tabled_count;
  int32_t low, high;
} ppg_affine_t;

void ppg_affine(const ppg_affine_t *affine, const int8_t *in, int8_t *out);

#endif
