/* STRIDED_SLICE with positive strides. */
#ifndef PPG_SLICE_H
#define PPG_SLICE_H

#include <stdint.h>

#define PPG_SLICE_AXES 4

typedef struct {
  int32_t start;                /* byte of the input that becomes the first one of the output */
  int32_t size[PPG_SLICE_AXES]; /* output, outermost axis first */
  int32_t step[PPG_SLICE_AXES]; /* bytes of the input from one index of the axis to the next */
} ppg_slice_t;

void ppg_slice(const ppg_slice_t *slice, const int8_t *in, int8_t *out);

#endif
