#include "ppg_slice.h"

#include "ppg_memory.h"

static void copy_run(const int8_t *in, int8_t *out, int32_t count, int32_t step) {
  if (step == 1) {
    ppg_copy(out, in, count);
    return;
  }
  for (int32_t i = 0; i < count; i++, in += step) out[i] = *in;
}

void ppg_slice(const ppg_slice_t *slice, const int8_t *in, int8_t *out) {
  const int32_t *size = slice->size, *step = slice->step;
  in += slice->start;
  for (int32_t i = 0; i < size[0]; i++) {
    for (int32_t j = 0; j < size[1]; j++) {
      const int8_t *run = in + i * step[0] + j * step[1];
      for (int32_t k = 0; k < size[2]; k++, run += step[2], out += size[3]) {
        copy_run(run, out, size[3], step[3]);
      }
    }
  }
}
