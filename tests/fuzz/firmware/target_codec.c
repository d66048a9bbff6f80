/* Fuzzes firmware/protocol alone: the receiver against reference.c, and COBS, both ways, in buffers of just the size
   that is needed, so that the sanitizers see one byte too many. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ppg_bytes.h"
#include "ppg_cobs.h"
#include "ppg_crc32.h"
#include "ppg_link.h"
#include "program.h"
#include "reference.h"

#define LINE_MAX_BYTES (64u * 1024u)
#define UNTOUCHED 0xA5

static uint8_t line[LINE_MAX_BYTES];
static size_t line_length;

static void to_line(const uint8_t *bytes, size_t length) {
  const size_t room = sizeof line - line_length;
  const size_t taken = length < room ? length : room;
  memcpy(line + line_length, bytes, taken);
  line_length += taken;
}

static void write_nothing(const uint8_t *data, uint32_t length) {
  (void)data;
  (void)length;
  FUZZ_REQUIRE(!"the receiver writes");
}

static void trace_packet(const ppg_packet_t *packet) {
  uint8_t record[4 + PPG_MAX_DATA];
  record[0] = packet->version;
  record[1] = packet->type;
  ppg_put_u16(record + 2, packet->sequence);
  memcpy(record + 4, packet->data, packet->length);
  fuzz_trace_record('P', record, 4u + packet->length);
}

static void trace_counters(const ppg_link_t *link) {
  uint8_t record[20];
  ppg_put_u32(record, link->frames);
  ppg_put_u32(record + 4, link->crc_errors);
  ppg_put_u32(record + 8, link->cobs_errors);
  ppg_put_u32(record + 12, link->malformed);
  ppg_put_u32(record + 16, link->oversize);
  fuzz_trace_record('C', record, sizeof record);
}

static void check_receiver(void) {
  static ppg_link_t link;
  static reference_receiver_t reference;
  ppg_link_init(&link, write_nothing);
  memset(link.send_buffer, UNTOUCHED, sizeof link.send_buffer);
  memset(&reference, 0, offsetof(reference_receiver_t, frame));
  for (size_t i = 0; i < line_length; i++) {
    ppg_packet_t packet;
    reference_packet_t expected;
    const bool complete = ppg_link_receive(&link, line[i], &packet);
    FUZZ_REQUIRE(complete == reference_receive(&reference, line[i], &expected));
    if (complete) {
      FUZZ_REQUIRE(packet.version == expected.version && packet.type == expected.type);
      FUZZ_REQUIRE(packet.sequence == expected.sequence && packet.crc == expected.crc);
      FUZZ_REQUIRE(packet.length == expected.length && packet.length <= PPG_MAX_DATA);
      FUZZ_REQUIRE(packet.data >= link.receive_buffer);
      FUZZ_REQUIRE(packet.data + packet.length <= link.receive_buffer + sizeof link.receive_buffer);
      FUZZ_REQUIRE(memcmp(packet.data, expected.data, packet.length) == 0);
      trace_packet(&packet);
    }
  }
  FUZZ_REQUIRE(link.frames == reference.frames && link.crc_errors == reference.crc_errors);
  FUZZ_REQUIRE(link.cobs_errors == reference.cobs_errors && link.malformed == reference.malformed);
  FUZZ_REQUIRE(link.oversize == reference.oversize);
  /* The sanitizers do not see a write from one member of the struct into the next. */
  FUZZ_REQUIRE(link.write == write_nothing && link.frame_bytes == 0);
  for (size_t i = 0; i < sizeof link.send_buffer; i++) {
    FUZZ_REQUIRE(link.send_buffer[i] == UNTOUCHED);
  }
  trace_counters(&link);
}

/* `length` bytes of data, encoded apart and in place, and decoded again. */
static void check_encoder(const uint8_t *data, size_t length) {
  const size_t overhead = length / PPG_COBS_BLOCK + 1u;
  uint8_t *expected = malloc(length + overhead);
  uint8_t *apart = malloc(length + overhead);
  uint8_t *in_place = malloc(length + overhead);
  const size_t encoded = reference_cobs_encode(data, length, expected);
  memcpy(in_place + overhead, data, length);
  FUZZ_REQUIRE(encoded <= length + overhead);
  FUZZ_REQUIRE(ppg_cobs_encode(data, (uint32_t)length, apart) == encoded);
  FUZZ_REQUIRE(ppg_cobs_encode(in_place + overhead, (uint32_t)length, in_place) == encoded);
  FUZZ_REQUIRE(memcmp(apart, expected, encoded) == 0 && memcmp(in_place, expected, encoded) == 0);
  FUZZ_REQUIRE(memchr(apart, 0, encoded) == NULL);
  FUZZ_REQUIRE(ppg_cobs_decode(apart, (uint32_t)encoded) == length && memcmp(apart, data, length) == 0);
  FUZZ_REQUIRE(ppg_crc32(data, (uint32_t)length) == reference_crc32(data, length));
  free(expected);
  free(apart);
  free(in_place);
}

/* `length` bytes that may be COBS or not. */
static void check_decoder(const uint8_t *data, size_t length) {
  uint8_t *exact = malloc(length);
  uint8_t *expected = malloc(length);
  memcpy(exact, data, length);
  const long wanted = reference_cobs_decode(data, length, expected);
  const uint32_t decoded = ppg_cobs_decode(exact, (uint32_t)length);
  FUZZ_REQUIRE((wanted < 0) == (decoded == PPG_COBS_INVALID));
  FUZZ_REQUIRE(wanted < 0 || (decoded == (uint32_t)wanted && memcmp(exact, expected, decoded) == 0));
  free(exact);
  free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) {
    return 0;
  }
  line_length = 0;
  (void)program_play(data + 1, size - 1, 1, to_line);
  fuzz_trace_record('I', line, line_length);
  check_receiver();
  program_step_t step;
  data++;
  size--;
  for (size_t used; (used = program_step(data, size, &step)) > 0; data += used, size -= used) {
    if (step.length > 0) {
      check_encoder(step.payload, step.length);
      check_decoder(step.payload, step.length);
    }
  }
  return 0;
}
