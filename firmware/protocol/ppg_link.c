#include "ppg_link.h"

#include <string.h>

#include "ppg_bytes.h"
#include "ppg_cobs.h"
#include "ppg_crc32.h"

#define DELIMITER 0u
#define DISCARDING (PPG_FRAME_BYTES_MAX + 1u)
#define ERROR_FRAME_BYTES (PPG_LINK_PACKET_AT + PPG_PACKET_BYTES_MIN + PPG_ERROR_MAX_BYTES + 1u)

void ppg_link_init(ppg_link_t *link, ppg_link_write_t write) {
  memset(link, 0, sizeof *link);
  link->write = write;
}

static bool verify(ppg_link_t *link, uint32_t encoded_bytes, ppg_packet_t *packet) {
  uint8_t *bytes = link->receive_buffer;
  const uint32_t packet_bytes = ppg_cobs_decode(bytes, encoded_bytes);
  if (packet_bytes == PPG_COBS_INVALID) {
    link->cobs_errors++;
    return false;
  }
  if (packet_bytes < PPG_PACKET_BYTES_MIN) {
    link->malformed++;
    return false;
  }
  const uint32_t crc_at = packet_bytes - PPG_CRC_BYTES;
  packet->crc = ppg_get_u32(bytes + crc_at);
  if (ppg_crc32(bytes, crc_at) != packet->crc) {
    link->crc_errors++;
    return false;
  }
  packet->version = bytes[PPG_PACKET_VERSION_AT];
  packet->type = bytes[PPG_PACKET_TYPE_AT];
  packet->sequence = ppg_get_u16(bytes + PPG_PACKET_SEQUENCE_AT);
  packet->length = ppg_get_u16(bytes + PPG_PACKET_LENGTH_AT);
  packet->data = bytes + PPG_HEADER_BYTES;
  if (packet->length != crc_at - PPG_HEADER_BYTES || packet->length > PPG_MAX_DATA) {
    link->malformed++;
    return false;
  }
  link->frames++;
  return true;
}

bool ppg_link_receive(ppg_link_t *link, uint8_t byte, ppg_packet_t *packet) {
  if (byte != DELIMITER) {
    if (link->received < PPG_FRAME_BYTES_MAX) {
      link->receive_buffer[link->received++] = byte;
    } else {
      link->received = DISCARDING;
    }
    return false;
  }
  const uint32_t encoded_bytes = link->received;
  link->received = 0;
  if (encoded_bytes == 0) {
    return false;
  }
  if (encoded_bytes == DISCARDING) {
    link->oversize++;
    return false;
  }
  return verify(link, encoded_bytes, packet);
}

uint32_t ppg_link_frame(uint8_t *frame, uint8_t type, uint16_t sequence, uint16_t length) {
  uint8_t *packet = frame + PPG_LINK_PACKET_AT;
  packet[PPG_PACKET_VERSION_AT] = PPG_PROTOCOL_VERSION;
  packet[PPG_PACKET_TYPE_AT] = type;
  ppg_put_u16(packet + PPG_PACKET_SEQUENCE_AT, sequence);
  ppg_put_u16(packet + PPG_PACKET_LENGTH_AT, length);
  const uint32_t crc_at = PPG_HEADER_BYTES + length;
  ppg_put_u32(packet + crc_at, ppg_crc32(packet, crc_at));
  frame[0] = DELIMITER;
  const uint32_t encoded_bytes = ppg_cobs_encode(packet, crc_at + PPG_CRC_BYTES, frame + 1);
  frame[1u + encoded_bytes] = DELIMITER;
  return encoded_bytes + 2u;
}

uint8_t *ppg_link_data(ppg_link_t *link) {
  link->frame_bytes = 0;
  return link->send_buffer + PPG_LINK_PACKET_AT + PPG_HEADER_BYTES;
}

void ppg_link_send(ppg_link_t *link, uint8_t type, uint16_t sequence, uint16_t length) {
  link->frame_bytes = ppg_link_frame(link->send_buffer, type, sequence, length);
  ppg_link_repeat(link);
}

void ppg_link_repeat(const ppg_link_t *link) { link->write(link->send_buffer, link->frame_bytes); }

void ppg_link_send_error(const ppg_link_t *link, uint16_t sequence, uint8_t status, uint8_t request_type,
                         int32_t detail) {
  uint8_t frame[ERROR_FRAME_BYTES];
  uint8_t *data = frame + PPG_LINK_PACKET_AT + PPG_HEADER_BYTES;
  data[PPG_ERROR_STATUS_AT] = status;
  data[PPG_ERROR_REQUEST_TYPE_AT] = request_type;
  ppg_put_s32(data + PPG_ERROR_DETAIL_AT, detail);
  link->write(frame, ppg_link_frame(frame, PPG_TYPE_ERROR, sequence, PPG_ERROR_MAX_BYTES));
}
