#include "ppg_lookup.h"

void ppg_lookup(const int8_t *table, const int8_t *in, int8_t *out, int32_t count) {
  const uint8_t *codes = (const uint8_t *)in;
  for (; count >= 4; count -= 4, codes += 4, out += 4) {
    /* All loads before all stores, which could alias them: loads in a row cost one cycle each. */
    uint8_t first = codes[0], second = codes[1], third = codes[2], fourth = codes[3];
    int8_t of_first = table[first], of_second = table[second];
    int8_t of_third = table[third], of_fourth = table[fourth];
    out[0] = of_first;
    out[1] = of_second;
    out[2] = of_third;
    out[3] = of_fourth;
  }
  for (; count > 0; count--) *out++ = table[*codes++];
}
