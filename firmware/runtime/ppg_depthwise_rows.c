#include "ppg_depthwise_rows.h"

#include "ppg_simd.h"

/* ppg_requantize_proven of half of `twice`, but for the store. */
#define PPG_ROWS_REQUANTIZE(twice, multiplier, first, right, temporary) \
  "add " temporary ", " first ", " twice ", asr #31\n"                  \
  "smmlar " twice ", " twice ", " multiplier ", " temporary "\n"        \
  "asr " twice ", " twice ", " right "\n"                               \
  "ssat " twice ", #8, " twice "\n"

/* Of twice the sum. */
static inline int32_t ppg_rows_code(int32_t twice, const int32_t *words) {
  return (ppg_high_product(twice, words[1]) + words[2] + (twice >> 31)) >> (words[3] & 0xFF);
}

#include "ppg_depthwise_rows_body.h"

void ppg_depthwise_rows(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out, int8_t *scratch) {
  copied_rows(depthwise, in, out, scratch);
}

void ppg_depthwise_rows_direct(const ppg_depthwise_rows_t *depthwise, const int8_t *in, int8_t *out) {
  rows_in_place(depthwise, in, out);
}
