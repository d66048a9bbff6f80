/* CONCATENATION of tensors with equal quantisation. */
#ifndef PPG_CONCATENATE_H
#define PPG_CONCATENATE_H

#include <stdint.h>

typedef struct {
  const int32_t *runs; /* bytes of each part in one row of the output */
  int32_t parts;
  int32_t rows;
} ppg_concatenate_t;

void ppg_concatenate(const ppg_concatenate_t *concatenate, const int8_t *const *in, int8_t *out);

#endif
