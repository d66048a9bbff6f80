/* TRANSPOSE: copies codes into another order of the axes. The compiler merges axes that stay together. */
#ifndef PPG_TRANSPOSE_H
#define PPG_TRANSPOSE_H

#include <stdint.h>

#define PPG_TRANSPOSE_AXES 5

typedef struct {
  int32_t size[PPG_TRANSPOSE_AXES]; /* output, outermost axis first */
  int32_t step[PPG_TRANSPOSE_AXES]; /* bytes in the input from one index of the output's axis to the next */
} ppg_transpose_t;

void ppg_transpose(const ppg_transpose_t *transpose, const int8_t *in, int8_t *out);

#endif
