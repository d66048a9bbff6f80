#include "mutate.h"

#include <stdbool.h>
#include <string.h>

#include "ppg_bytes.h"
#include "ppg_protocol.h"

#define STEPS_MAX 256u
#define MUTATIONS_MAX 5u
#define NOISE_MAX 64u

typedef struct {
  uint8_t *bytes;
  size_t length;
} program_t;

static uint64_t state;

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t next_random(void) {
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static size_t below(size_t bound) { return bound == 0 ? 0 : (size_t)(next_random() % bound); }

/* Where the steps of a program start; the entry behind the last one is where they end. */
static size_t find_steps(const uint8_t *bytes, size_t length, size_t starts[STEPS_MAX + 1u]) {
  size_t count = 0;
  size_t at = 1;
  program_step_t step;
  while (at < length && count < STEPS_MAX) {
    const size_t used = program_step(bytes + at, length - at, &step);
    if (used == 0) {
      break;
    }
    starts[count++] = at;
    at += used;
  }
  starts[count] = at < length ? at : length;
  return count;
}

static void insert(program_t *program, size_t at, const uint8_t *bytes, size_t length) {
  if (length > PROGRAM_BYTES_MAX - program->length) {
    return;
  }
  memmove(program->bytes + at + length, program->bytes + at, program->length - at);
  memcpy(program->bytes + at, bytes, length);
  program->length += length;
}

static void erase(program_t *program, size_t at, size_t length) {
  memmove(program->bytes + at, program->bytes + at + length, program->length - at - length);
  program->length -= length;
}

/* A start of a step, or the end. */
static size_t boundary(const program_t *program) {
  size_t starts[STEPS_MAX + 1u];
  const size_t count = find_steps(program->bytes, program->length, starts);
  return program->length == 0 ? 0 : starts[below(count + 1u)];
}

static void insert_step(program_t *program, uint8_t kind, const uint8_t *payload, size_t length) {
  uint8_t step[PROGRAM_STEP_HEADER + PPG_PACKET_BYTES_MAX + 8u];
  step[0] = kind;
  ppg_put_u16(step + 1, (uint16_t)length);
  memcpy(step + PROGRAM_STEP_HEADER, payload, length);
  insert(program, boundary(program), step, PROGRAM_STEP_HEADER + length);
}

static size_t random_bytes(uint8_t *bytes, size_t length) {
  const bool few_values = below(3) == 0;
  for (size_t i = 0; i < length; i++) {
    bytes[i] = (uint8_t)(few_values ? below(2) : next_random());
  }
  return length;
}

static uint32_t interesting(void) {
  static const uint32_t values[] = {0,      1,      2,          3,          4,           8,          31,         32,
                                    33,     119,    120,        127,        128,         253,        254,        255,
                                    256,    507,    508,        509,        511,         512,        513,        525,
                                    526,    0x7FFF, 0x8000,     0xFFFF,     0x10000,     0x7FFFFFFF, 0x80000000, 0xFFFFFFF0,
                                    0xFFFFFE00, 0xFFFFFFFF};
  return values[below(sizeof values / sizeof values[0])] + (uint32_t)(below(4) == 0 ? below(5) - 2u : 0u);
}

static void flip_bits(program_t *program) {
  for (size_t i = 0, count = 1u + below(8); i < count; i++) {
    program->bytes[below(program->length)] ^= (uint8_t)(1u << below(8));
  }
}

static void overwrite_integer(program_t *program) {
  uint8_t value[4];
  ppg_put_u32(value, interesting());
  const size_t width = (size_t)1 << below(3);
  if (program->length >= width) {
    memcpy(program->bytes + below(program->length - width + 1u), value, width);
  }
}

static void insert_noise(program_t *program) {
  uint8_t noise[NOISE_MAX];
  insert(program, below(program->length + 1u), noise, random_bytes(noise, 1u + below(NOISE_MAX)));
}

static void erase_piece(program_t *program) {
  const size_t at = below(program->length);
  erase(program, at, 1u + below(program->length - at < 32u ? program->length - at : 32u));
}

static void truncate(program_t *program) { program->length = 1u + below(program->length); }

static void erase_step(program_t *program) {
  size_t starts[STEPS_MAX + 1u];
  const size_t count = find_steps(program->bytes, program->length, starts);
  if (count > 1) {
    const size_t step = below(count);
    erase(program, starts[step], starts[step + 1u] - starts[step]);
  }
}

/* One to four steps of a seed. */
static void splice(program_t *program, const seed_t *seed) {
  size_t starts[STEPS_MAX + 1u];
  const size_t count = find_steps(seed->bytes, seed->length, starts);
  if (count > 0) {
    const size_t first = below(count);
    const size_t most = count - first < 4u ? count - first : 4u;
    const size_t end = first + 1u + below(most);
    insert(program, boundary(program), seed->bytes + starts[first], starts[end] - starts[first]);
  }
}

static void insert_request(program_t *program) {
  uint8_t payload[1u + PPG_MAX_DATA];
  static const uint16_t lengths[] = {0, 0, 1, 1, 4, 4, 4, 5, 8, 8, 9, 16, 16, 508, 511, 512};
  const size_t length = below(8) == 0 ? below(PPG_MAX_DATA + 1u) : lengths[below(sizeof lengths / sizeof lengths[0])];
  payload[0] = (uint8_t)(below(8) == 0 ? next_random() : 1u + below(14));
  random_bytes(payload + 1, length);
  for (size_t at = 1; at + 4u <= 1u + length && at < 17u; at += 4) {
    if (below(4) != 0) {
      ppg_put_u32(payload + at, interesting());
    }
  }
  insert_step(program, PROGRAM_REQUEST, payload, 1u + length);
}

/* A packet with a right CRC whose header lies about the length. */
static void insert_lying_packet(program_t *program) {
  uint8_t packet[PPG_HEADER_BYTES + PPG_MAX_DATA + 8u];
  const size_t length = below(3) == 0 ? PPG_MAX_DATA - 4u + below(9) : below(24);
  packet[PPG_PACKET_VERSION_AT] = (uint8_t)(below(8) == 0 ? next_random() : PPG_PROTOCOL_VERSION);
  packet[PPG_PACKET_TYPE_AT] = (uint8_t)(1u + below(14));
  ppg_put_u16(packet + PPG_PACKET_SEQUENCE_AT, (uint16_t)(below(2) == 0 ? interesting() : below(12)));
  ppg_put_u16(packet + PPG_PACKET_LENGTH_AT, (uint16_t)(below(2) == 0 ? interesting() : length + below(3) - 1u));
  random_bytes(packet + PPG_HEADER_BYTES, length);
  insert_step(program, PROGRAM_PACKET, packet, PPG_HEADER_BYTES + length);
}

static void insert_long_run(program_t *program) {
  uint8_t payload[3];
  ppg_put_u16(payload, (uint16_t)(below(2) == 0 ? 520u + below(12) : below(2048)));
  payload[2] = (uint8_t)(below(2) == 0 ? 0xFFu : next_random());
  insert_step(program, PROGRAM_RUN, payload, sizeof payload);
}

static void insert_repetition(program_t *program) {
  const uint8_t unused[1] = {0};
  insert_step(program, PROGRAM_REPEAT, unused, 0);
}

static void change_kind(program_t *program) {
  const size_t at = boundary(program);
  if (at < program->length) {
    program->bytes[at] = (uint8_t)below(PROGRAM_KINDS);
  }
}

size_t mutate(const seed_t *seeds, size_t seed_count, uint64_t number, uint8_t *out) {
  state = number * 0xD1342543DE82EF95u + 1u;
  const seed_t *base = &seeds[below(seed_count)];
  program_t program = {.bytes = out, .length = base->length};
  memcpy(out, base->bytes, base->length);
  for (size_t i = 0, count = 1u + below(MUTATIONS_MAX); i < count; i++) {
    if (program.length == 0) {
      out[program.length++] = PROGRAM_OPENS;
    }
    switch (below(14)) {
      case 0: flip_bits(&program); break;
      case 1: flip_bits(&program); break;
      case 2: overwrite_integer(&program); break;
      case 3: overwrite_integer(&program); break;
      case 4: insert_noise(&program); break;
      case 5: erase_piece(&program); break;
      case 6: truncate(&program); break;
      case 7: erase_step(&program); break;
      case 8: splice(&program, &seeds[below(seed_count)]); break;
      case 9: insert_request(&program); break;
      case 10: insert_lying_packet(&program); break;
      case 11: insert_long_run(&program); break;
      case 12: insert_repetition(&program); break;
      default: change_kind(&program); break;
    }
  }
  return program.length;
}
