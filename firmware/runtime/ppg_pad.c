#include "ppg_pad.h"

#include "ppg_memory.h"

static int8_t *fill(int8_t *out, int32_t value, int32_t count) {
  ppg_fill(out, value, count);
  return out + count;
}

void ppg_pad(const ppg_pad_t *pad, const int8_t *in, int8_t *out) {
  int32_t out_channels = pad->before[2] + pad->channels + pad->after[2];
  int32_t out_row_bytes = (pad->before[1] + pad->columns + pad->after[1]) * out_channels;
  out = fill(out, pad->value, pad->before[0] * out_row_bytes);
  for (int32_t row = 0; row < pad->rows; row++) {
    out = fill(out, pad->value, pad->before[1] * out_channels);
    for (int32_t column = 0; column < pad->columns; column++, in += pad->channels) {
      out = fill(out, pad->value, pad->before[2]);
      ppg_copy(out, in, pad->channels);
      out = fill(out + pad->channels, pad->value, pad->after[2]);
    }
    out = fill(out, pad->value, pad->after[1] * out_channels);
  }
  (void)fill(out, pad->value, pad->after[0] * out_row_bytes);
}
