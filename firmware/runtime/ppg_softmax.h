/* SOFTMAX of each row, as TensorFlow Lite Micro's fixed-point arithmetic computes it: output scale 1/256, zero
   point -128. `out` may be `in`. */
#ifndef PPG_SOFTMAX_H
#define PPG_SOFTMAX_H

#include <stdint.h>

typedef struct {
  int32_t rows, columns; /* 1 .. 511 columns */
  int32_t count;         /* of exponentials; codes further below a row's largest count as zero */
  const int32_t *exponentials; /* exp of the difference from a row's largest code, 0 first, in 2^-31 */
} ppg_softmax_t;

void ppg_softmax(const ppg_softmax_t *softmax, const int8_t *in, int8_t *out);

#endif
