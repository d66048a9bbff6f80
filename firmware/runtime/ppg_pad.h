/* PAD of a batch of one along rows, columns and channels. */
#ifndef PPG_PAD_H
#define PPG_PAD_H

#include <stdint.h>

typedef struct {
  int32_t rows, columns, channels; /* input */
  int32_t before[3], after[3];     /* of rows, columns, channels */
  int32_t value;
} ppg_pad_t;

void ppg_pad(const ppg_pad_t *pad, const int8_t *in, int8_t *out);

#endif
