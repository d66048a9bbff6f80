/* A fuzzing input is a program: one byte of flags, then steps that put bytes on the line. Every byte string is a valid
   program, and the CRC is made right where a step says so, so that mutations get behind it.

   step: kind (uint8_t, modulo PROGRAM_KINDS), length (uint16_t, little-endian; at most what is left), payload */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define PROGRAM_MODEL_FAILS 1u /* flag: the model's initialisation fails */
#define PROGRAM_OPENS 2u       /* flag: a session is opened before the first step */
#define PROGRAM_BYTES_MAX 8192u
#define PROGRAM_STEP_HEADER 3u

enum {
  PROGRAM_REQUEST, /* type, data: a correct packet with the next sequence number */
  PROGRAM_PACKET,  /* a packet without its CRC, which is put behind it: any version, sequence, length */
  PROGRAM_FRAME,   /* a packet as it is, CRC or not, in COBS */
  PROGRAM_RAW,     /* bytes for the line */
  PROGRAM_REPEAT,  /* the last frame once more */
  PROGRAM_RUN,     /* uint16_t count, then a byte: that byte so many times (modulo 2048) */
  PROGRAM_KINDS
};

typedef struct {
  uint8_t kind;
  uint16_t length;
  const uint8_t *payload;
} program_step_t;

/* Where bytes for the line go. */
typedef void (*program_line_t)(const uint8_t *bytes, size_t length);

/* The step at the start of `data`; returns its bytes, 0 when no step is left. */
size_t program_step(const uint8_t *data, size_t size, program_step_t *step);

/* Plays the steps (without the flags). The first request has the sequence number `sequence`; returns the next one. */
uint16_t program_play(const uint8_t *steps, size_t size, uint16_t sequence, program_line_t line);

/* Puts one correct request on the line. */
void program_request(uint8_t type, const uint8_t *data, size_t length, uint16_t sequence, program_line_t line);

#endif
