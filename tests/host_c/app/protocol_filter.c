/* Puts the C codec behind a pipe. argv[1] names what is done to stdin:
   crc32, encode, decode: records (uint32_t length, bytes) in; one record out for each, empty when refused;
   receive: raw bytes in; a record (type, sequence, data) for each verified packet, then one with the five counters. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include "ppg_bytes.h"
#include "ppg_cobs.h"
#include "ppg_crc32.h"
#include "ppg_link.h"

static void put_record(const uint8_t *bytes, uint32_t length) {
  uint8_t header[4];
  ppg_put_u32(header, length);
  fwrite(header, 1, sizeof header, stdout);
  fwrite(bytes, 1, length, stdout);
}

static void put_crc32(const uint8_t *bytes, uint32_t length) {
  uint8_t crc[4];
  ppg_put_u32(crc, ppg_crc32(bytes, length));
  put_record(crc, sizeof crc);
}

static void put_encoded(const uint8_t *bytes, uint32_t length) {
  const uint32_t overhead = length / PPG_COBS_BLOCK + 1u;
  uint8_t *apart = malloc(length + overhead);
  uint8_t *in_place = malloc(length + overhead);
  memcpy(in_place + overhead, bytes, length);
  const uint32_t encoded = ppg_cobs_encode(bytes, length, apart);
  if (ppg_cobs_encode(in_place + overhead, length, in_place) != encoded || memcmp(apart, in_place, encoded) != 0) {
    abort();
  }
  put_record(apart, encoded);
  free(apart);
  free(in_place);
}

static void put_decoded(uint8_t *bytes, uint32_t length) {
  const uint32_t decoded = ppg_cobs_decode(bytes, length);
  put_record(bytes, decoded == PPG_COBS_INVALID ? 0 : decoded);
}

static void for_each_record(const char *what) {
  uint8_t header[4];
  while (fread(header, 1, sizeof header, stdin) == sizeof header) {
    const uint32_t length = ppg_get_u32(header);
    uint8_t *bytes = malloc(length ? length : 1u);
    if (fread(bytes, 1, length, stdin) != length) {
      abort();
    }
    if (strcmp(what, "crc32") == 0) {
      put_crc32(bytes, length);
    } else if (strcmp(what, "encode") == 0) {
      put_encoded(bytes, length);
    } else {
      put_decoded(bytes, length);
    }
    free(bytes);
  }
}

static void write_nowhere(const uint8_t *data, uint32_t length) {
  (void)data;
  (void)length;
}

static void receive_all(void) {
  static ppg_link_t link;
  ppg_packet_t packet;
  ppg_link_init(&link, write_nowhere);
  for (int byte = getchar(); byte != EOF; byte = getchar()) {
    if (ppg_link_receive(&link, (uint8_t)byte, &packet)) {
      uint8_t record[3u + PPG_MAX_DATA];
      record[0] = packet.type;
      ppg_put_u16(record + 1, packet.sequence);
      memcpy(record + 3, packet.data, packet.length);
      put_record(record, 3u + packet.length);
    }
  }
  uint8_t counters[20];
  ppg_put_u32(counters, link.frames);
  ppg_put_u32(counters + 4, link.crc_errors);
  ppg_put_u32(counters + 8, link.cobs_errors);
  ppg_put_u32(counters + 12, link.malformed);
  ppg_put_u32(counters + 16, link.oversize);
  put_record(counters, sizeof counters);
}

int main(int count, char **arguments) {
  if (count != 2) {
    return 2;
  }
  if (strcmp(arguments[1], "receive") == 0) {
    receive_all();
  } else {
    for_each_record(arguments[1]);
  }
  return 0;
}
