#include "ppg_cobs.h"

#include "ppg_protocol.h"

#define FULL_BLOCK_CODE (PPG_COBS_BLOCK + 1u)

uint32_t ppg_cobs_encode(const uint8_t *data, uint32_t length, uint8_t *encoded) {
  uint32_t code_at = 0;
  uint32_t end = 1;
  for (uint32_t i = 0; i < length; i++) {
    const uint8_t byte = data[i];
    /* A full block is closed only when more data follows: at the end it needs no successor. */
    if (end - code_at == FULL_BLOCK_CODE) {
      encoded[code_at] = FULL_BLOCK_CODE;
      code_at = end++;
    }
    if (byte != 0) {
      encoded[end++] = byte;
    } else {
      encoded[code_at] = (uint8_t)(end - code_at);
      code_at = end++;
    }
  }
  encoded[code_at] = (uint8_t)(end - code_at);
  return end;
}

uint32_t ppg_cobs_decode(uint8_t *bytes, uint32_t length) {
  uint32_t decoded = 0;
  uint32_t position = 0;
  while (position < length) {
    const uint32_t code = bytes[position];
    if (code == 0 || code > length - position) {
      return PPG_COBS_INVALID;
    }
    for (uint32_t i = 1; i < code; i++) {
      const uint8_t byte = bytes[position + i];
      if (byte == 0) {
        return PPG_COBS_INVALID;
      }
      bytes[decoded++] = byte;
    }
    position += code;
    if (code != FULL_BLOCK_CODE && position < length) {
      bytes[decoded++] = 0;
    }
  }
  return decoded;
}
