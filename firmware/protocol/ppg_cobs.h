/* Consistent Overhead Byte Stuffing (Cheshire and Baker 1999): bytes without zeros, so that a zero can end
   a frame. */
#ifndef PPG_COBS_H
#define PPG_COBS_H

#include <stdint.h>

#define PPG_COBS_INVALID UINT32_MAX

/* Encodes `length` bytes; returns the encoded length, at most length + length / 254 + 1. `encoded` may lie in
   front of `data` in the same buffer when at least length / 254 + 1 bytes are between their starts. */
uint32_t ppg_cobs_encode(const uint8_t *data, uint32_t length, uint8_t *encoded);

/* Decodes `length` bytes in place; returns the decoded length, or PPG_COBS_INVALID. */
uint32_t ppg_cobs_decode(uint8_t *bytes, uint32_t length);

#endif
