/* The wire format a second time, written from docs/wire-protocol.md and not from firmware/protocol: byte-wise CRC table,
   COBS from one buffer into another. Compiled without sanitizers, because it is not what is tested. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppg_protocol.h"

typedef struct {
  uint8_t version;
  uint8_t type;
  uint16_t sequence;
  uint32_t length;
  uint32_t crc;
  const uint8_t *data;
} reference_packet_t;

/* A receiver with its counters. */
typedef struct {
  uint32_t frames;
  uint32_t crc_errors;
  uint32_t cobs_errors;
  uint32_t malformed;
  uint32_t oversize;
  size_t received; /* bytes of the open frame, also those that did not fit */
  uint8_t frame[PPG_FRAME_BYTES_MAX];
  uint8_t packet[PPG_FRAME_BYTES_MAX];
} reference_receiver_t;

uint32_t reference_crc32(const uint8_t *data, size_t length);

/* Both return the length written to `out`; decoding -1 when `data` is not COBS. `out` has room for
   length + length / 254 + 1 bytes. */
size_t reference_cobs_encode(const uint8_t *data, size_t length, uint8_t *out);
long reference_cobs_decode(const uint8_t *data, size_t length, uint8_t *out);

/* True when `byte` completes a correct packet, whose data stays valid until the next call. */
bool reference_receive(reference_receiver_t *receiver, uint8_t byte, reference_packet_t *packet);

#endif
