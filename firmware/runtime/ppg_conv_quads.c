#include "ppg_conv_quads.h"

#include <stddef.h>

#include "ppg_conv_rows.h"

#define POSITIONS PPG_QUADS_POSITIONS
#define CHANNELS PPG_QUADS_CHANNELS
#define STEP_WORDS PPG_QUADS_STEP_WORDS

/* Widens a piece of `count` bytes, a multiple of 4, at two positions; returns the end of the columns written. */
static inline uint32_t *widen_run(const int8_t *first, const int8_t *second, int32_t count, uint32_t *columns) {
  const int8_t *end = first + count;
#if PPG_SIMD
  uint32_t a, b, c, d, pair;
  const int8_t *eights = first + (count & ~7);
  __asm volatile(
      "cmp %[first], %[eights]\n"
      "beq 2f\n"
      "1:\n"
      "ldr %[a], [%[first]], #8\n"
      "ldr %[b], [%[second]], #8\n"
      "ldr %[c], [%[first], #-4]\n"
      "ldr %[d], [%[second], #-4]\n"
      "sxtb16 %[pair], %[b]\n"
      "str %[pair], [%[to], #4]\n"
      "sxtb16 %[pair], %[a], ror #8\n"
      "str %[pair], [%[to], #8]\n"
      "sxtb16 %[pair], %[b], ror #8\n"
      "str %[pair], [%[to], #12]\n"
      "sxtb16 %[pair], %[c]\n"
      "str %[pair], [%[to], #16]\n"
      "sxtb16 %[pair], %[d]\n"
      "str %[pair], [%[to], #20]\n"
      "sxtb16 %[pair], %[c], ror #8\n"
      "str %[pair], [%[to], #24]\n"
      "sxtb16 %[pair], %[d], ror #8\n"
      "str %[pair], [%[to], #28]\n"
      "sxtb16 %[pair], %[a]\n"
      "str %[pair], [%[to]], #32\n"
      "cmp %[first], %[eights]\n"
      "bne 1b\n"
      "2:\n"
      "cmp %[first], %[end]\n"
      "beq 3f\n"
      "ldr %[a], [%[first]]\n"
      "ldr %[b], [%[second]]\n"
      "sxtb16 %[pair], %[b]\n"
      "str %[pair], [%[to], #4]\n"
      "sxtb16 %[pair], %[a], ror #8\n"
      "str %[pair], [%[to], #8]\n"
      "sxtb16 %[pair], %[b], ror #8\n"
      "str %[pair], [%[to], #12]\n"
      "sxtb16 %[pair], %[a]\n"
      "str %[pair], [%[to]], #16\n"
      "3:\n"
      : [first] "+r"(first), [second] "+r"(second), [to] "+r"(columns), [a] "=&r"(a), [b] "=&r"(b),
        [c] "=&r"(c), [d] "=&r"(d), [pair] "=&r"(pair)
      : [end] "r"(end), [eights] "r"(eights)
      : "cc", "memory");
#else
  for (; first != end; first += 4, second += 4, columns += STEP_WORDS) {
    uint32_t at_first = ppg_load4(first), at_second = ppg_load4(second);
    columns[0] = ppg_even_bytes(at_first);
    columns[1] = ppg_even_bytes(at_second);
    columns[2] = ppg_odd_bytes(at_first);
    columns[3] = ppg_odd_bytes(at_second);
  }
#endif
  return columns;
}

/* Windows whose pieces are a multiple of 4 bytes; `second` is the distance of the second position. */
static uint32_t *widen(const ppg_conv_t *conv, const int8_t *first, int32_t second, int32_t row_step,
                       uint32_t *columns) {
  for (int32_t row = conv->kernel_rows; row > 0; row--, first += row_step) {
    const int8_t *from = first;
    for (int32_t run = conv->runs; run > 0; run--, from += conv->run_step) {
      columns = widen_run(from, from + second, conv->run_bytes, columns);
    }
  }
  return columns;
}

/* Windows whose pieces are no multiple of 4 bytes, value by value. */
static uint32_t *collect(const int8_t *first, int32_t distance, const int32_t *offsets, int32_t steps,
                         uint32_t *columns) {
  const int8_t *second = first + distance;
  for (; steps > 0; steps--, offsets += 4, columns += STEP_WORDS) {
    columns[0] = ppg_pair(first[offsets[0]], first[offsets[2]]);
    columns[1] = ppg_pair(second[offsets[0]], second[offsets[2]]);
    columns[2] = ppg_pair(first[offsets[1]], first[offsets[3]]);
    columns[3] = ppg_pair(second[offsets[1]], second[offsets[3]]);
  }
  return columns;
}

/* All channels of a group at 2 positions, `pitch` apart in the output. */
static void multiply(const ppg_conv_t *conv, const int32_t *stream, const uint32_t *columns, int8_t *out,
                     int32_t pitch, ppg_quads_t *quads) {
  int32_t channels = conv->matrix.channels, rest = channels % CHANNELS, whole = channels - rest;
  int32_t pairs = 2 * conv->matrix.steps;
  if (whole > 0) quads(stream, columns, out, pitch, out + whole, pairs);
  if (rest > 0) {
    int8_t last[POSITIONS * CHANNELS];
    int32_t fours = whole / CHANNELS;
    quads(stream + fours * (conv->group_words / (fours + 1)), columns, last, CHANNELS, last + CHANNELS, pairs);
    for (int32_t channel = 0; channel < rest; channel++) {
      out[whole + channel] = last[channel];
      out[whole + channel + pitch] = last[CHANNELS + channel];
    }
  }
}

/* One output row, 2 positions at a time; the last 2 may overlap those before them. A single position is computed
   twice. */
static void output_row(const ppg_conv_t *conv, ppg_rows_t source, uint32_t *columns, int8_t *out,
                       ppg_quads_t *quads) {
  int32_t single = conv->out_columns < POSITIONS, last = single ? 0 : conv->out_columns - POSITIONS;
  int32_t second = single ? 0 : conv->stride_bytes, pitch = single ? 0 : conv->out_channels;
  for (int32_t column = 0;; column = column + POSITIONS < last ? column + POSITIONS : last) {
    const int32_t *stream = conv->stream;
    int8_t *to = out + column * conv->out_channels;
    const int8_t *first = source.data + column * conv->stride_bytes;
    for (int32_t group = conv->groups; group > 0; group--, first += conv->group_bytes) {
      uint32_t *end = conv->offsets == NULL
                          ? widen(conv, first, second, source.pitch, columns)
                          : collect(first, second, conv->offsets, conv->matrix.steps, columns);
      end[-2] += PPG_QUADS_END;
      end[-1] += PPG_QUADS_END;
      multiply(conv, stream, columns, to, pitch, quads);
      stream += conv->group_words;
      to += conv->matrix.channels;
    }
    if (column == last) return;
  }
}

void ppg_conv_quads(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch, ppg_quads_t *quads) {
  uint32_t *columns = (uint32_t *)(void *)scratch;
  int8_t *rows = scratch + 4 * STEP_WORDS * conv->matrix.steps;
  int32_t out_row_bytes = conv->out_columns * conv->out_channels;
  for (int32_t row = 0; row < conv->out_rows; row++, out += out_row_bytes) {
    output_row(conv, ppg_window_rows(conv, in, row, rows), columns, out, quads);
    ppg_clamp_all(out, conv->low, conv->high, out_row_bytes);
  }
}
