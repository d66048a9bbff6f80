/* ppg_quads.h's routine for small images: ppg_requant.h's proven form with 9 bytes a channel, bias included. Behind the
   weights of each four channels there is one word of shifts and zero point, then the four multipliers:
     bits 0-4, 5-9, 10-14, 15-19: right shift less one of channels A, B, C, D
     bits 23-31, signed: 2 * zero point + 1, so that (that << shift less one) is rounding and zero point
   A dead channel, whose code has to be the zero point, has multiplier 0 and a right shift of 1. */
#include "ppg_conv_quads.h"

#if PPG_SIMD

#include "ppg_quads_simd.h"

/* r1 holds the word of the four; it is free until the next channels. r2 multiplier, r12 shift less one, r3 rounding and
   zero point. A sum comes times 256 and leaves as its code. */
#define CODE(sum)                             \
  "add lr, r3, " #sum ", asr #31\n"           \
  "asr " #sum ", " #sum ", #7\n"              \
  "smmlar " #sum ", " #sum ", r2, lr\n"       \
  "asr " #sum ", " #sum ", r12\n"             \
  "ssat " #sum ", #8, " #sum ", asr #1\n"

#define CHANNEL(bit, first, second)           \
  "ldr r2, [r0], #4\n"                        \
  "ubfx r12, r1, #" #bit ", #5\n"             \
  "asr r3, r1, #23\n"                         \
  "lsl r3, r3, r12\n" CODE(first) CODE(second)

QUADS_ROUTINE(ppg_quads_short, "ldr r1, [r0], #4\n" CHANNEL(0, r4, r5) CHANNEL(5, r6, r7) CHANNEL(10, r8, r9)
                                   CHANNEL(15, r10, r11))

#else

#include "ppg_quads_portable.h"

static int8_t short_code(int32_t scaled, int32_t multiplier, int32_t word, int32_t channel) {
  int32_t shift = (int32_t)((uint32_t)word >> (5 * channel)) & 31;
  int32_t first = (word >> 23) * (1 << shift);
  int32_t sum = ppg_high_product(scaled >> 7, multiplier) + first + (scaled >> 31);
  return (int8_t)ppg_saturate8(sum >> shift >> 1);
}

void ppg_quads_short(const ppg_quads_row_t *from) {
  ppg_quads_row_t row = *from;
  for (; row.blocks > 0; row.blocks--) {
    if (row.rows > 0) ppg_quads_widen(&row);
    const int32_t *stream = row.stream;
    for (int32_t start = 0; start < row.channels; start += PPG_QUADS_CHANNELS) {
      uint32_t sums[PPG_QUADS_CHANNELS][PPG_QUADS_POSITIONS];
      const int32_t *factors = ppg_quads_sums(stream, row.columns, row.pairs, sums);
      for (int32_t channel = 0; channel < PPG_QUADS_CHANNELS; channel++) {
        for (int32_t position = 0; position < PPG_QUADS_POSITIONS; position++) {
          uint32_t scaled = channel % 2 ? sums[channel][position] - sums[channel - 1][position]
                                        : sums[channel][position] << 8;
          row.out[position * row.pitch + start + channel] =
              short_code((int32_t)scaled, factors[1 + channel], factors[0], channel);
        }
      }
      stream = factors + 1 + PPG_QUADS_CHANNELS;
    }
    row.first += row.block_step;
    row.out += PPG_QUADS_POSITIONS * row.pitch;
  }
}

#endif

void ppg_conv_quads_short(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  ppg_conv_quads(conv, in, out, scratch, ppg_quads_short);
}
