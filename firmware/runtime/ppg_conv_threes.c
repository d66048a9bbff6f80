#include "ppg_conv_threes.h"

#include "ppg_attributes.h"
#include "ppg_conv_rows.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)
#define TWO_WORDS 3
#define PAIR_WORDS 7
/* Codes are laid out 64 times as large: sums of so few products leave room, and factors become the finer. */
#define VALUE_SCALE 64
#define RIGHT 17
/* Behind the last two positions; no values look like it. */
#define END 0x40000000u

#if PPG_SIMD

/* A pair of channels at one position: products of the word `values` and of half `half` of r12, codes side by side in
   lr. r4-r6 weights, r7-r10 factors. */
#define CODES(values, half)                        \
  "smuad lr, r4, " #values "\n"                    \
  "smuad r0, r5, " #values "\n"                    \
  "smla" #half "b lr, r12, r6, lr\n"               \
  "smla" #half "t r0, r12, r6, r0\n"               \
  "smmla lr, lr, r7, r8\n"                         \
  "smmla r0, r0, r9, r10\n"                        \
  "ssat lr, #8, lr, asr #" TEXT(RIGHT) "\n"              \
  "ssat r0, #8, r0, asr #" TEXT(RIGHT) "\n"              \
  "bfi lr, r0, #8, #8\n"

/* Two positions: 96 bytes, which the entry into the loop counts on. r1 values, r2 out, r3 pitch. */
#define TWO_POSITIONS                              \
  "ldr.w r0, [r1], #12\n"                          \
  "ldr.w r11, [r1, #-8]\n"                         \
  "ldr.w r12, [r1, #-4]\n"                         \
  CODES(r0, b)                                     \
  "strh.w lr, [r2]\n"                              \
  CODES(r11, t)                                    \
  "strh.w lr, [r2, r3]\n"                          \
  "add.w r2, r2, r3, lsl #1\n"

/* All channels at the positions laid out at `values`; the loop over two positions is entered behind `skipped` of its
   four copies. */
__attribute__((naked)) PPG_KEEP_FUNCTION static void stretch(
    const int32_t *stream __attribute__((unused)), const uint32_t *values __attribute__((unused)),
    int8_t *out __attribute__((unused)), int32_t pitch __attribute__((unused)),
    const int8_t *end __attribute__((unused)), int32_t skipped __attribute__((unused))) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "ldr r4, [sp, #40]\n"
      "movs r5, #96\n"
      "adr r6, 1f\n"
      "mla r6, r4, r5, r6\n"
      "orr r6, r6, #1\n"
      "push {r0, r1, r2, r6}\n" /* stream, values, out, entry; end is at 52 */
      "0:\n"
      "ldm r0!, {r4-r10}\n"
      "str r0, [sp]\n"
      "ldr r1, [sp, #4]\n"
      "ldr r2, [sp, #8]\n"
      "ldr pc, [sp, #12]\n"
      ".p2align 2\n"
      "1:\n" TWO_POSITIONS TWO_POSITIONS TWO_POSITIONS TWO_POSITIONS
      "2:\n"
      ".if 2b - 1b - 4 * 96\n .error \"two positions take other than 96 bytes\"\n .endif\n"
      "ldr r0, [r1]\n"
      "cmp r0, #0x40000000\n"
      "bne.w 1b\n"
      "ldr r2, [sp, #8]\n"
      "ldr r4, [sp, #52]\n"
      "ldr r0, [sp]\n"
      "adds r2, #2\n"
      "str r2, [sp, #8]\n"
      "cmp r2, r4\n"
      "bne.w 0b\n"
      "add sp, #16\n"
      "pop {r4-r11, pc}\n");
}

#else

static int8_t code(int32_t sum, int32_t multiplier, int32_t first) {
  return (int8_t)ppg_saturate8(ppg_high_accumulate(sum, multiplier, first) >> RIGHT);
}

static void stretch(const int32_t *stream, const uint32_t *values, int8_t *out, int32_t pitch, const int8_t *end,
                    int32_t skipped) {
  (void)skipped;
  for (; out != end; out += 2, stream += PAIR_WORDS) {
    uint32_t last = (uint32_t)stream[2];
    int8_t *to = out;
    for (const uint32_t *two = values; *two != END; two += TWO_WORDS) {
      for (int32_t position = 0; position < 2; position++, to += pitch) {
        uint32_t third = position ? two[2] >> 16 : two[2];
        int32_t first_sum = ppg_dot_low(third, last, ppg_dot2((uint32_t)stream[0], two[position], 0));
        int32_t second_sum = ppg_dot_low(third, last >> 16, ppg_dot2((uint32_t)stream[1], two[position], 0));
        to[0] = code(first_sum, stream[3], stream[4]);
        to[1] = code(second_sum, stream[5], stream[6]);
      }
    }
  }
}

#endif

/* Lays out an even number of positions, `stride` apart. */
static void lay_out(const int8_t *from, int32_t stride, int32_t positions, const int32_t *offsets,
                    uint32_t *values) {
  const int8_t *first = from + offsets[0], *second = from + offsets[1], *third = from + offsets[2];
  for (; positions > 0; positions -= 2, values += TWO_WORDS) {
    int32_t a = first[0], b = first[stride], c = second[0], d = second[stride], e = third[0], f = third[stride];
    values[0] = ppg_pair(a * VALUE_SCALE, c * VALUE_SCALE);
    values[1] = ppg_pair(b * VALUE_SCALE, d * VALUE_SCALE);
    values[2] = ppg_pair(e * VALUE_SCALE, f * VALUE_SCALE);
    first += 2 * stride, second += 2 * stride, third += 2 * stride;
  }
  values[0] = END;
}

static void output_row(const ppg_conv_t *conv, const int8_t *data, uint32_t *values, int8_t *out) {
  int32_t channels = conv->out_channels, left = conv->out_columns;
  while (left > 1) {
    int32_t positions = left < PPG_THREES_POSITIONS ? left & ~1 : PPG_THREES_POSITIONS;
    lay_out(data, conv->stride_bytes, positions, conv->offsets, values);
    stretch(conv->stream, values, out, channels, out + channels, -(positions / 2) & 3);
    data += positions * conv->stride_bytes;
    out += positions * channels;
    left -= positions;
  }
  if (left > 0) {
    /* An odd last position is computed twice. */
    lay_out(data, 0, 2, conv->offsets, values);
    stretch(conv->stream, values, out, 0, out + channels, 3);
  }
}

void ppg_conv_threes(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  int32_t out_row_bytes = conv->out_columns * conv->out_channels;
  for (int32_t row = 0; row < conv->out_rows; row++, out += out_row_bytes) {
    ppg_rows_t source = ppg_window_rows(conv, in, row, scratch + PPG_THREES_SCRATCH);
    output_row(conv, source.data, (uint32_t *)(void *)scratch, out);
    ppg_clamp_all(out, conv->low, conv->high, out_row_bytes);
  }
}
