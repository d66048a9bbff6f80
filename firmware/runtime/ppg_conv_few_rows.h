/* What ppg_conv_threes.c and ppg_conv_fives.c share: rows, stretches, and how the assembler is entered. */
#ifndef PPG_CONV_FEW_ROWS_H
#define PPG_CONV_FEW_ROWS_H

#include "ppg_attributes.h"
#include "ppg_conv_few.h"
#include "ppg_conv_rows.h"

/* Behind the last two positions; no values look like it. */
#define PPG_FEW_END 0x40000000u

#if PPG_SIMD

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

/* Channels at the positions laid out at `values`, `together` at a time, whose `load` takes weights and factors from
   the stream at r0. `two_positions` reads values at r1, writes at r2 with pitch r3 and takes `bytes` bytes, which the
   entry into the loop counts on: it is entered behind `skipped` of the four copies. */
#define STRETCH(name, load, together, two_positions, bytes)                                   \
  __attribute__((naked)) PPG_KEEP_FUNCTION static void name(                         \
      const int32_t *stream __attribute__((unused)), const uint32_t *values __attribute__((unused)), \
      int8_t *out __attribute__((unused)), int32_t pitch __attribute__((unused)),       \
      const int8_t *end __attribute__((unused)), int32_t skipped __attribute__((unused))) { \
    __asm volatile(                                                                     \
        "push {r4-r11, lr}\n"                                                           \
        "ldr r4, [sp, #40]\n"                                                           \
        "movs r5, #" #bytes "\n"                                                        \
        "adr r6, 1f\n"                                                                  \
        "mla r6, r4, r5, r6\n"                                                          \
        "orr r6, r6, #1\n"                                                              \
        "push {r0, r1, r2, r6}\n" /* stream, values, out, entry; end is at 52 */        \
        "0:\n" load                                                                     \
        "str r0, [sp]\n"                                                                \
        "ldr r1, [sp, #4]\n"                                                            \
        "ldr r2, [sp, #8]\n"                                                            \
        "ldr pc, [sp, #12]\n"                                                           \
        ".p2align 2\n"                                                                  \
        "1:\n" two_positions two_positions two_positions two_positions                  \
        "2:\n"                                                                          \
        ".if 2b - 1b - 4 * " #bytes "\n .error \"two positions take another size\"\n .endif\n" \
        "ldr r0, [r1]\n"                                                                \
        "cmp r0, #0x40000000\n"                                                         \
        "bne.w 1b\n"                                                                    \
        "ldr r2, [sp, #8]\n"                                                            \
        "ldr r4, [sp, #52]\n"                                                           \
        "ldr r0, [sp]\n"                                                                \
        "adds r2, #" #together "\n"                                                     \
        "str r2, [sp, #8]\n"                                                            \
        "cmp r2, r4\n"                                                                  \
        "bne.w 0b\n"                                                                    \
        "add sp, #16\n"                                                                 \
        "pop {r4-r11, pc}\n");                                                          \
  }

#else

static inline int8_t ppg_few_code(int32_t sum, const int32_t *factor) {
  return (int8_t)ppg_saturate8(ppg_high_accumulate(sum, factor[0], factor[1]) >> PPG_FEW_RIGHT);
}

#endif

typedef void ppg_few_stretch_t(const int32_t *stream, const uint32_t *values, int8_t *out, int32_t pitch,
                               const int8_t *end, int32_t skipped);
/* Lays out an even number of positions, `stride` apart; returns the end. */
typedef uint32_t *ppg_few_lay_out_t(const int8_t *from, int32_t stride, int32_t positions, const int32_t *offsets,
                                    uint32_t *values);

static inline uint32_t ppg_few_pair(const int8_t *low, const int8_t *high) {
  return ppg_pair(*low * PPG_FEW_VALUE_SCALE, *high * PPG_FEW_VALUE_SCALE);
}

PPG_INLINE void ppg_few_row(const ppg_conv_t *conv, const int8_t *data, uint32_t *values, int8_t *out,
                            ppg_few_lay_out_t *lay_out, ppg_few_stretch_t *stretch) {
  int32_t channels = conv->out_channels, left = conv->out_columns;
  while (left > 0) {
    /* An odd last position is computed twice. */
    int32_t single = left == 1, stride = single ? 0 : conv->stride_bytes;
    int32_t positions = single ? 2 : (left < PPG_FEW_POSITIONS ? left & ~1 : PPG_FEW_POSITIONS);
    *lay_out(data, stride, positions, conv->offsets, values) = PPG_FEW_END;
    stretch(conv->stream, values, out, single ? 0 : channels, out + channels, -(positions / 2) & 3);
    data += positions * stride;
    out += positions * channels;
    left -= positions;
  }
}

PPG_INLINE void ppg_few_rows(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch, int32_t words,
                             ppg_few_lay_out_t *lay_out, ppg_few_stretch_t *stretch) {
  int32_t out_row_bytes = conv->out_columns * conv->out_channels;
  for (int32_t row = 0; row < conv->out_rows; row++, out += out_row_bytes) {
    ppg_rows_t source = ppg_window_rows(conv, in, row, scratch + PPG_FEW_SCRATCH(words));
    ppg_few_row(conv, source.data, (uint32_t *)(void *)scratch, out, lay_out, stretch);
    ppg_clamp_all(out, conv->low, conv->high, out_row_bytes);
  }
}

#endif
