#include "ppg_conv.h"

#include <stddef.h>

#include "ppg_conv_rows.h"
#include "ppg_features.h"

#define POSITIONS PPG_MATRIX_POSITIONS

/* The 4 positions of a block: where the first one's window starts, and how far behind it the others' start.
   A row of fewer positions repeats its last one; those results are not stored. */
typedef struct {
  const int8_t *first;
  int32_t second, third, fourth;
} block_t;

static block_t first_block(const ppg_conv_t *conv, const int8_t *data) {
  int32_t last = conv->out_columns - 1, stride = conv->stride_bytes;
  return (block_t){data, stride * (last < 1 ? last : 1), stride * (last < 2 ? last : 2),
                   stride * (last < 3 ? last : 3)};
}

#if PPG_USES_CONV_RUNS

/* 4 positions, walked through side by side. */
typedef struct {
  const int8_t *first, *second, *third, *fourth;
} cursors_t;

/* Widens a piece of `count` bytes, a multiple of 4, at all positions; returns the end of the columns
   written. */
static inline uint32_t *widen_run(cursors_t *at, int32_t count, uint32_t *columns) {
  const int8_t *end = at->first + count;
#if PPG_SIMD
  uint32_t a, b, c, d, pair;
  __asm volatile(
      "1:\n"
      "ldr %[a], [%[first]], #4\n"
      "ldr %[b], [%[second]], #4\n"
      "ldr %[c], [%[third]], #4\n"
      "ldr %[d], [%[fourth]], #4\n"
      "sxtb16 %[pair], %[b]\n"
      "str %[pair], [%[to], #4]\n"
      "sxtb16 %[pair], %[c]\n"
      "str %[pair], [%[to], #8]\n"
      "sxtb16 %[pair], %[d]\n"
      "str %[pair], [%[to], #12]\n"
      "sxtb16 %[pair], %[a], ror #8\n"
      "str %[pair], [%[to], #16]\n"
      "sxtb16 %[pair], %[b], ror #8\n"
      "str %[pair], [%[to], #20]\n"
      "sxtb16 %[pair], %[c], ror #8\n"
      "str %[pair], [%[to], #24]\n"
      "sxtb16 %[pair], %[d], ror #8\n"
      "str %[pair], [%[to], #28]\n"
      "sxtb16 %[pair], %[a]\n"
      "str %[pair], [%[to]], #32\n"
      "cmp %[first], %[end]\n"
      "bne 1b\n"
      : [first] "+r"(at->first), [second] "+r"(at->second), [third] "+r"(at->third),
        [fourth] "+r"(at->fourth), [to] "+r"(columns), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
        [d] "=&r"(d), [pair] "=&r"(pair)
      : [end] "r"(end)
      : "cc", "memory");
#else
  for (; at->first != end; columns += PPG_MATRIX_STEP_WORDS) {
    const int8_t **cursors[POSITIONS] = {&at->first, &at->second, &at->third, &at->fourth};
    for (int32_t position = 0; position < POSITIONS; position++) {
      uint32_t word = ppg_load4(*cursors[position]);
      *cursors[position] += 4;
      columns[position] = ppg_even_bytes(word);
      columns[POSITIONS + position] = ppg_odd_bytes(word);
    }
  }
#endif
  return columns;
}

/* Windows whose pieces are a multiple of 4 bytes. */
static void widen(const ppg_conv_t *conv, block_t block, int32_t row_step, uint32_t *columns) {
  int32_t run_bytes = conv->run_bytes, gap = conv->run_step - run_bytes;
  for (int32_t row = conv->kernel_rows; row > 0; row--, block.first += row_step) {
    cursors_t at = {block.first, block.first + block.second, block.first + block.third,
                    block.first + block.fourth};
    for (int32_t run = conv->runs; run > 0; run--) {
      columns = widen_run(&at, run_bytes, columns);
      at.first += gap, at.second += gap, at.third += gap, at.fourth += gap;
    }
  }
}

#endif

#if PPG_USES_CONV_OFFSETS

/* Windows whose pieces are no multiple of 4 bytes, value by value. */
static void collect(block_t block, const int32_t *offsets, int32_t steps, uint32_t *columns) {
  const int8_t *const starts[POSITIONS] = {block.first, block.first + block.second, block.first + block.third,
                                           block.first + block.fourth};
  for (; steps > 0; steps--, offsets += 4, columns += PPG_MATRIX_STEP_WORDS) {
    int32_t first = offsets[0], second = offsets[1], third = offsets[2], fourth = offsets[3];
    for (int32_t position = 0; position < POSITIONS; position++) {
      const int8_t *from = starts[position];
      columns[position] = ppg_pair(from[first], from[third]);
      columns[POSITIONS + position] = ppg_pair(from[second], from[fourth]);
    }
  }
}

#endif

/* One output row, 4 positions at a time; the last 4 may overlap those before them. */
static void output_row(const ppg_conv_t *conv, ppg_rows_t source, uint32_t *columns, int8_t *out) {
  int32_t last = conv->out_columns < POSITIONS ? 0 : conv->out_columns - POSITIONS;
  int32_t positions = conv->out_columns - last;
  block_t block = first_block(conv, source.data);
  for (int32_t column = 0;; column = column + POSITIONS < last ? column + POSITIONS : last) {
    const int32_t *stream = conv->stream;
    int8_t *to = out + column * conv->out_channels;
    block.first = source.data + column * conv->stride_bytes;
    for (int32_t group = conv->groups; group > 0; group--, block.first += conv->group_bytes) {
#if PPG_USES_CONV_RUNS
      if (!PPG_USES_CONV_OFFSETS || conv->offsets == NULL) widen(conv, block, source.pitch, columns);
#endif
#if PPG_USES_CONV_OFFSETS
      if (!PPG_USES_CONV_RUNS || conv->offsets != NULL) {
        collect(block, conv->offsets, conv->matrix.steps, columns);
      }
#endif
      ppg_matrix_block(&conv->matrix, stream, columns, positions, to, conv->out_channels);
      stream += conv->group_words;
      to += conv->matrix.channels;
    }
    if (column == last) return;
  }
}

void ppg_conv(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  uint32_t *columns = (uint32_t *)(void *)scratch;
  int8_t *rows = scratch + 4 * PPG_MATRIX_STEP_WORDS * conv->matrix.steps;
  int32_t out_row_bytes = conv->out_columns * conv->out_channels;
  for (int32_t row = 0; row < conv->out_rows; row++, out += out_row_bytes) {
    output_row(conv, ppg_window_rows(conv, in, row, rows), columns, out);
    ppg_clamp_all(out, conv->low, conv->high, out_row_bytes);
  }
}
