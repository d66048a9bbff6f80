#include "program.h"

#include <string.h>

#include "ppg_bytes.h"
#include "ppg_protocol.h"
#include "reference.h"

#define PAYLOAD_MAX 1023u
#define PACKET_MAX (PAYLOAD_MAX + PPG_PACKET_BYTES_MIN)
#define LONGEST_RUN 2047u

typedef struct {
  uint8_t bytes[PACKET_MAX + PACKET_MAX / PPG_COBS_BLOCK + 3u];
  size_t length;
} frame_t;

size_t program_step(const uint8_t *data, size_t size, program_step_t *step) {
  if (size < PROGRAM_STEP_HEADER) {
    return 0;
  }
  const size_t left = size - PROGRAM_STEP_HEADER;
  const size_t wished = ppg_get_u16(data + 1) & PAYLOAD_MAX;
  step->kind = data[0] % PROGRAM_KINDS;
  step->length = (uint16_t)(wished < left ? wished : left);
  step->payload = data + PROGRAM_STEP_HEADER;
  return PROGRAM_STEP_HEADER + step->length;
}

static void send_packet(frame_t *frame, const uint8_t *packet, size_t length, program_line_t line) {
  frame->bytes[0] = 0;
  frame->length = 1u + reference_cobs_encode(packet, length, frame->bytes + 1);
  frame->bytes[frame->length++] = 0;
  line(frame->bytes, frame->length);
}

static void send_with_crc(frame_t *frame, uint8_t *packet, size_t length, program_line_t line) {
  ppg_put_u32(packet + length, reference_crc32(packet, length));
  send_packet(frame, packet, length + PPG_CRC_BYTES, line);
}

static void send_request(frame_t *frame, uint8_t type, const uint8_t *data, size_t length, uint16_t sequence,
                         program_line_t line) {
  uint8_t packet[PACKET_MAX];
  packet[PPG_PACKET_VERSION_AT] = PPG_PROTOCOL_VERSION;
  packet[PPG_PACKET_TYPE_AT] = type;
  ppg_put_u16(packet + PPG_PACKET_SEQUENCE_AT, sequence);
  ppg_put_u16(packet + PPG_PACKET_LENGTH_AT, (uint16_t)length);
  memcpy(packet + PPG_HEADER_BYTES, data, length);
  send_with_crc(frame, packet, PPG_HEADER_BYTES + length, line);
}

void program_request(uint8_t type, const uint8_t *data, size_t length, uint16_t sequence, program_line_t line) {
  frame_t frame;
  send_request(&frame, type, data, length, sequence, line);
}

static void send_run(const program_step_t *step, program_line_t line) {
  static uint8_t run[LONGEST_RUN];
  if (step->length >= 3u) {
    const size_t count = ppg_get_u16(step->payload) & LONGEST_RUN;
    memset(run, step->payload[2], count);
    line(run, count);
  }
}

uint16_t program_play(const uint8_t *steps, size_t size, uint16_t sequence, program_line_t line) {
  static frame_t frame;
  uint8_t packet[PACKET_MAX];
  program_step_t step;
  frame.length = 0;
  for (size_t used; (used = program_step(steps, size, &step)) > 0; steps += used, size -= used) {
    switch (step.kind) {
      case PROGRAM_REQUEST:
        if (step.length > 0) {
          send_request(&frame, step.payload[0], step.payload + 1, step.length - 1u, sequence++, line);
        }
        break;
      case PROGRAM_PACKET:
        memcpy(packet, step.payload, step.length);
        send_with_crc(&frame, packet, step.length, line);
        break;
      case PROGRAM_FRAME:
        send_packet(&frame, step.payload, step.length, line);
        break;
      case PROGRAM_RAW:
        line(step.payload, step.length);
        break;
      case PROGRAM_REPEAT:
        line(frame.bytes, frame.length);
        break;
      default:
        send_run(&step, line);
    }
  }
  return sequence;
}
