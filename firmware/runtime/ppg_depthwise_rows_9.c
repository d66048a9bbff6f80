#include "ppg_depthwise_rows.h"

#include "ppg_requant.h"

/* Of 256 times the sum; one right shift for all channels. */
#define PPG_ROWS_REQUANTIZE(sum, multiplier, first, right, temporary) \
  "smmla " sum ", " sum ", " multiplier ", " first "\n"               \
  "ssat " sum ", #8, " sum ", asr #9\n"

static inline int32_t ppg_rows_code(int32_t scaled, const int32_t *words) {
  return ppg_high_accumulate(scaled, words[1], words[2]) >> 9;
}

#include "ppg_depthwise_rows_body.h"

void ppg_depthwise_rows_9(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out, int8_t *scratch) {
  copied_rows(depthwise, in, out, scratch);
}

void ppg_depthwise_rows_9_direct(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out) {
  rows_in_place(depthwise, in, out);
}
