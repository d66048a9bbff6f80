#include "reference.h"

#include <string.h>

#include "ppg_bytes.h"

uint32_t reference_crc32(const uint8_t *data, size_t length) {
  static uint32_t table[256];
  if (table[1] == 0) {
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; bit++) {
        value = (value & 1u) != 0 ? value >> 1 ^ 0xEDB88320u : value >> 1;
      }
      table[i] = value;
    }
  }
  uint32_t crc = 0xFFFFFFFFu;
  for (size_t i = 0; i < length; i++) {
    crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xFFu];
  }
  return crc ^ 0xFFFFFFFFu;
}

/* The data and one imagined zero behind it are cut at every zero; a piece of n < 254 bytes becomes n + 1 and the bytes,
   and one of 254 or more gives up blocks of 254 behind the code 255 first. A last block of 254 ends the encoding. */
size_t reference_cobs_encode(const uint8_t *data, size_t length, uint8_t *out) {
  size_t end = 0;
  size_t piece = 0;
  for (size_t i = 0; i <= length; i++) {
    if (i < length && data[i] != 0) {
      continue;
    }
    size_t left = i - piece;
    while (left >= PPG_COBS_BLOCK) {
      out[end++] = PPG_COBS_BLOCK + 1;
      memcpy(out + end, data + i - left, PPG_COBS_BLOCK);
      end += PPG_COBS_BLOCK;
      left -= PPG_COBS_BLOCK;
    }
    if (i < length || left > 0 || i == piece) {
      out[end++] = (uint8_t)(left + 1);
      memcpy(out + end, data + i - left, left);
      end += left;
    }
    piece = i + 1;
  }
  return end;
}

long reference_cobs_decode(const uint8_t *data, size_t length, uint8_t *out) {
  size_t written = 0;
  bool owes_zero = false;
  while (length > 0) {
    const size_t code = data[0];
    if (code == 0 || code > length || memchr(data, 0, code) != NULL) {
      return -1;
    }
    if (owes_zero) {
      out[written++] = 0;
    }
    memcpy(out + written, data + 1, code - 1);
    written += code - 1;
    owes_zero = code <= PPG_COBS_BLOCK;
    data += code;
    length -= code;
  }
  return (long)written;
}

static bool end_of_frame(reference_receiver_t *receiver, size_t length, reference_packet_t *packet) {
  if (length == 0) {
    return false;
  }
  if (length > PPG_FRAME_BYTES_MAX) {
    receiver->oversize++;
    return false;
  }
  const long decoded = reference_cobs_decode(receiver->frame, length, receiver->packet);
  const uint8_t *bytes = receiver->packet;
  if (decoded < 0) {
    receiver->cobs_errors++;
    return false;
  }
  if (decoded < (long)PPG_PACKET_BYTES_MIN) {
    receiver->malformed++;
    return false;
  }
  const size_t body = (size_t)decoded - PPG_CRC_BYTES;
  packet->crc = ppg_get_u32(bytes + body);
  if (reference_crc32(bytes, body) != packet->crc) {
    receiver->crc_errors++;
    return false;
  }
  packet->version = bytes[0];
  packet->type = bytes[1];
  packet->sequence = ppg_get_u16(bytes + 2);
  packet->length = ppg_get_u16(bytes + 4);
  packet->data = bytes + PPG_HEADER_BYTES;
  if (packet->length + PPG_HEADER_BYTES != body || packet->length > PPG_MAX_DATA) {
    receiver->malformed++;
    return false;
  }
  receiver->frames++;
  return true;
}

bool reference_receive(reference_receiver_t *receiver, uint8_t byte, reference_packet_t *packet) {
  if (byte != 0) {
    if (receiver->received < sizeof receiver->frame) {
      receiver->frame[receiver->received] = byte;
    }
    receiver->received++;
    return false;
  }
  const size_t length = receiver->received;
  receiver->received = 0;
  return end_of_frame(receiver, length, packet);
}
