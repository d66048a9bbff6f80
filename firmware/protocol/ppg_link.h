/* Packets on a serial line: an incremental receiver that yields verified packets only, and a sender that
   keeps the last frame so that a repeated request can be answered without doing anything twice. */
#ifndef PPG_LINK_H
#define PPG_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "ppg_protocol.h"

/* Hands bytes to the line; may wait until they are gone. ppg_bsp_uart_write is one. */
typedef void (*ppg_link_write_t)(const uint8_t *data, uint32_t length);

/* A verified packet; `data` stays valid until the next byte is received. */
typedef struct {
  uint8_t version;
  uint8_t type;
  uint16_t sequence;
  uint16_t length;
  uint32_t crc;
  const uint8_t *data;
} ppg_packet_t;

/* A whole frame: delimiter, encoded packet, delimiter. The plain packet lies far enough behind its start to
   be encoded in place. */
#define PPG_LINK_FRAME_BYTES (PPG_FRAME_BYTES_MAX + 2u)
#define PPG_LINK_PACKET_AT (1u + PPG_COBS_OVERHEAD)

typedef struct {
  ppg_link_write_t write;
  uint32_t frames; /* correct ones */
  uint32_t crc_errors;
  uint32_t cobs_errors;
  uint32_t malformed; /* too short, or a length that is not their own */
  uint32_t oversize;
  uint32_t received; /* bytes in the buffer; one more than fit while a too long frame is discarded */
  uint32_t frame_bytes;
  uint8_t receive_buffer[PPG_FRAME_BYTES_MAX];
  uint8_t send_buffer[PPG_LINK_FRAME_BYTES];
} ppg_link_t;

void ppg_link_init(ppg_link_t *link, ppg_link_write_t write);

/* Takes one byte from the line; true when it completes a correct packet. */
bool ppg_link_receive(ppg_link_t *link, uint8_t byte, ppg_packet_t *packet);

/* Where the data of the next packet to send goes: PPG_MAX_DATA bytes. Destroys the kept frame. */
uint8_t *ppg_link_data(ppg_link_t *link);

/* Sends a packet whose `length` bytes of data lie at ppg_link_data(), and keeps the frame. */
void ppg_link_send(ppg_link_t *link, uint8_t type, uint16_t sequence, uint16_t length);

/* Sends the kept frame once more. */
void ppg_link_repeat(const ppg_link_t *link);

/* Completes the packet whose `length` bytes of data lie at `frame` + PPG_LINK_PACKET_AT + PPG_HEADER_BYTES, encodes it in
   place, and returns the length of the frame. `frame` needs PPG_LINK_PACKET_AT + PPG_PACKET_BYTES_MIN + `length` + 1
   bytes. */
uint32_t ppg_link_frame(uint8_t *frame, uint8_t type, uint16_t sequence, uint16_t length);

/* Sends an ERROR packet and leaves the kept frame alone. */
void ppg_link_send_error(const ppg_link_t *link, uint16_t sequence, uint8_t status, uint8_t request_type,
                         int32_t detail);

#endif
