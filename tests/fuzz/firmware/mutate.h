/* Numbered mutations of the corpus: the same number, corpus and mutate.c give the same bytes. */
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include "program.h"

typedef struct {
  const uint8_t *bytes;
  size_t length;
} seed_t;

/* Writes input `number` to `out`, which has room for PROGRAM_BYTES_MAX bytes; returns its length. */
size_t mutate(const seed_t *seeds, size_t seed_count, uint64_t number, uint8_t *out);

#endif
