#include "ppg_memory.h"

#include "ppg_features.h"
#include "ppg_requant.h"
#include "ppg_simd.h"

/* Keeps the compiler from turning these loops back into calls of memcpy and memset. */
#define PPG_KEEP_LOOP() __asm volatile("" ::: "memory")

static uint32_t four_times(int32_t value) { return (uint32_t)(uint8_t)value * 0x01010101u; }

void ppg_copy(int8_t *to, const int8_t *from, int32_t count) {
  for (; count >= 16; count -= 16, to += 16, from += 16) {
    uint32_t first = ppg_load4(from), second = ppg_load4(from + 4);
    uint32_t third = ppg_load4(from + 8), fourth = ppg_load4(from + 12);
    PPG_KEEP_LOOP();
    ppg_store4(to, first);
    ppg_store4(to + 4, second);
    ppg_store4(to + 8, third);
    ppg_store4(to + 12, fourth);
  }
  for (; count >= 4; count -= 4, to += 4, from += 4) {
    ppg_store4(to, ppg_load4(from));
    PPG_KEEP_LOOP();
  }
  for (; count > 0; count--) {
    *to++ = *from++;
    PPG_KEEP_LOOP();
  }
}

void ppg_fill(int8_t *to, int32_t value, int32_t count) {
  uint32_t word = four_times(value);
  for (; count >= 16; count -= 16, to += 16) {
    for (int32_t i = 0; i < 16; i += 4) ppg_store4(to + i, word);
    PPG_KEEP_LOOP();
  }
  for (; count >= 4; count -= 4, to += 4) {
    ppg_store4(to, word);
    PPG_KEEP_LOOP();
  }
  for (; count > 0; count--) {
    *to++ = (int8_t)value;
    PPG_KEEP_LOOP();
  }
}

void ppg_clamp_all(int8_t *data, int32_t low, int32_t high, int32_t count) {
  if (!PPG_USES_CLAMPS || (low == INT8_MIN && high == INT8_MAX)) return;
  uint32_t lows = four_times(low), highs = four_times(high);
  for (; count >= 4; count -= 4, data += 4) {
    ppg_store4(data, ppg_min4(ppg_max4(ppg_load4(data), lows), highs));
  }
  for (; count > 0; count--, data++) *data = ppg_clamp(*data, 0, low, high);
}
