#include "ppg_transpose.h"

#include "ppg_memory.h"

static int8_t *line(const int8_t *in, int32_t count, int32_t step, int8_t *out) {
  if (step == 1) {
    ppg_copy(out, in, count);
    return out + count;
  }
  for (; count > 0; count--, in += step) *out++ = *in;
  return out;
}

void ppg_transpose(const ppg_transpose_t *transpose, const int8_t *in, int8_t *out) {
  const int32_t *size = transpose->size, *step = transpose->step;
  for (int32_t i = 0; i < size[0]; i++) {
    for (int32_t j = 0; j < size[1]; j++) {
      for (int32_t k = 0; k < size[2]; k++) {
        const int8_t *from = in + i * step[0] + j * step[1] + k * step[2];
        for (int32_t m = 0; m < size[3]; m++, from += step[3]) out = line(from, size[4], step[4], out);
      }
    }
  }
}
