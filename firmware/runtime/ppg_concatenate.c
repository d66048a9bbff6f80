#include "ppg_concatenate.h"

#include "ppg_memory.h"

void ppg_concatenate(const ppg_concatenate_t *concatenate, const int8_t *const *in, int8_t *out) {
  for (int32_t row = 0; row < concatenate->rows; row++) {
    for (int32_t part = 0; part < concatenate->parts; part++) {
      int32_t run = concatenate->runs[part];
      ppg_copy(out, in[part] + row * run, run);
      out += run;
    }
  }
}
