/* Little-endian integers at any address: messages have no alignment. */
#ifndef PPG_BYTES_H
#define PPG_BYTES_H

#include <stdint.h>

static inline uint16_t ppg_get_u16(const uint8_t *at) { return (uint16_t)(at[0] | (unsigned)at[1] << 8); }

static inline uint32_t ppg_get_u32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void ppg_put_u16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

static inline void ppg_put_u32(uint8_t *at, uint32_t value) {
  ppg_put_u16(at, (uint16_t)value);
  ppg_put_u16(at + 2, (uint16_t)(value >> 16));
}

static inline void ppg_put_s32(uint8_t *at, int32_t value) { ppg_put_u32(at, (uint32_t)value); }

#endif
