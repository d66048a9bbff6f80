#include "ppg_depthwise_3x3.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"
#include "ppg_simd.h"

/* A row of outputs: for every channel, `count` of them, `channels` bytes apart; the widened rows under them. */
typedef void (*row_t)(const int32_t *words, const uint32_t *const rows[3], int8_t *to, int32_t channels,
                      int32_t count);

#if PPG_SIMD

/* Register plan: r0 row   r1 to   r2 channels   r3 frame   r4 bytes from a row's start   r5-r8 sums of four outputs
     r9-r11 pairs of columns   r12, lr weights
   Frame: the channel's words, from byte 40 the rows, at 52 the number of outputs left. */
#define ENTER                          \
  "push {r0, r2, r4-r11, lr}\n"        \
  "sub sp, sp, #56\n"                  \
  "ldm r1, {r4-r6}\n"                  \
  "mov r2, r3\n"                       \
  "mov r3, sp\n"                       \
  "str r4, [r3, #40]\n"                \
  "str r5, [r3, #44]\n"                \
  "str r6, [r3, #48]\n"                \
  "mov r9, r2\n"                       \
  "0:\n"                               \
  "push {r9}\n"                        \
  "ldr r12, [sp, #60]\n"               \
  "ldr r1, [sp, #64]\n"                \
  "ldr r10, [sp, #104]\n"              \
  "ldm r12!, {r4-r8}\n"                \
  "stm r3!, {r4-r8}\n"                 \
  "ldm r12!, {r4-r8}\n"                \
  "stm r3!, {r4-r8}\n"                 \
  "sub r3, r3, #40\n"                  \
  "add lr, r1, #1\n"                   \
  "str r12, [sp, #60]\n"               \
  "str lr, [sp, #64]\n"                \
  "str r10, [r3, #52]\n"               \
  "mov r4, #0\n"                       \
  "1:\n"

#define FIRST_WEIGHTS                  \
  "ldr r12, [r3, #16]\n"               \
  "ldr lr, [r3, #20]\n"                \
  "ldr r5, [r3, #0]\n"                 \
  "mov r6, r5\n"                       \
  "mov r7, r5\n"                       \
  "mov r8, r5\n"

#define WEIGHTS(row)                   \
  "ldr r12, [r3, #16 + 8 * " #row "]\n" \
  "ldr lr, [r3, #20 + 8 * " #row "]\n"

#define ROW_START(row)                 \
  "ldr r0, [r3, #40 + 4 * " #row "]\n" \
  "add r0, r0, r4\n"                   \
  "ldr r9, [r0]\n"                     \
  "ldr r10, [r0, r2, lsl #2]\n"        \
  "ldr r11, [r0, r2, lsl #3]\n"

/* Stride 1: outputs over the columns 0, 1, 2, 3 of three pairs. */
#define ROW(row, weights)              \
  ROW_START(row) weights               \
  "smlad r5, r9, r12, r5\n"            \
  "smlabt r5, r10, lr, r5\n"           \
  "smlatb r6, r9, r12, r6\n"           \
  "smlad r6, r10, lr, r6\n"            \
  "smlad r7, r10, r12, r7\n"           \
  "smlabt r7, r11, lr, r7\n"           \
  "smlatb r8, r10, r12, r8\n"          \
  "smlad r8, r11, lr, r8\n"

/* Stride 2: outputs over five pairs. */
#define STRIDED_ROW(row, weights)      \
  ROW_START(row) weights               \
  "add r0, r0, r2, lsl #3\n"           \
  "smlad r5, r9, r12, r5\n"            \
  "smlabt r5, r10, lr, r5\n"           \
  "smlad r6, r10, r12, r6\n"           \
  "ldr r9, [r0, r2, lsl #2]\n"         \
  "ldr r10, [r0, r2, lsl #3]\n"        \
  "smlabt r6, r11, lr, r6\n"           \
  "smlad r7, r11, r12, r7\n"           \
  "smlabt r7, r9, lr, r7\n"            \
  "smlad r8, r9, r12, r8\n"            \
  "smlabt r8, r10, lr, r8\n"

/* ppg_requantize_proven of half of `twice`, but for the store. */
#define REQUANTIZE(twice)                   \
  "add r9, lr, " #twice ", asr #31\n"       \
  "smmlar " #twice ", " #twice ", r12, r9\n" \
  "asr " #twice ", " #twice ", r0\n"        \
  "ssat " #twice ", #8, " #twice "\n"

/* The frame stands behind the pushed count of channels. */
#define LEAVE(pairs_shift)                  \
  "ldr r12, [r3, #4]\n"                     \
  "ldr lr, [r3, #8]\n"                      \
  "ldr r0, [r3, #12]\n"                     \
  REQUANTIZE(r5) REQUANTIZE(r6) REQUANTIZE(r7) REQUANTIZE(r8) \
  "ldr r9, [r3, #52]\n"                     \
  "add r4, r4, r2, lsl #" #pairs_shift "\n" \
  "subs r9, r9, #4\n"                       \
  "str r9, [r3, #52]\n"                     \
  "blt 2f\n"                                \
  "strb r5, [r1]\n"                         \
  "strb r6, [r1, r2]\n"                     \
  "add r1, r1, r2, lsl #1\n"                \
  "strb r7, [r1]\n"                         \
  "strb r8, [r1, r2]\n"                     \
  "add r1, r1, r2, lsl #1\n"                \
  "bne 1b\n"                                \
  "b 3f\n"                                  \
  "2:\n" /* one, two or three outputs are left */ \
  "strb r5, [r1]\n"                         \
  "cmp r9, #-3\n"                           \
  "beq 3f\n"                                \
  "strb r6, [r1, r2]\n"                     \
  "cmp r9, #-2\n"                           \
  "beq 3f\n"                                \
  "strb r7, [r1, r2, lsl #1]\n"             \
  "3:\n"                                    \
  "ldr r4, [r3, #40]\n"                     \
  "ldr r5, [r3, #44]\n"                     \
  "ldr r6, [r3, #48]\n"                     \
  "add r4, r4, #4\n"                        \
  "add r5, r5, #4\n"                        \
  "add r6, r6, #4\n"                        \
  "str r4, [r3, #40]\n"                     \
  "str r5, [r3, #44]\n"                     \
  "str r6, [r3, #48]\n"                     \
  "pop {r9}\n"                              \
  "subs r9, r9, #1\n"                       \
  "bne 0b\n"                                \
  "add sp, sp, #64\n"                       \
  "pop {r4-r11, pc}\n"

#define ROW_OF_OUTPUTS(name)                                                                                     \
  __attribute__((naked)) PPG_KEEP_FUNCTION static void name(                                                     \
      const int32_t *words __attribute__((unused)), const uint32_t *const rows[3] __attribute__((unused)),       \
      int8_t *to __attribute__((unused)), int32_t channels __attribute__((unused)),                              \
      int32_t count __attribute__((unused)))

ROW_OF_OUTPUTS(stride_1) {
  __asm volatile(ENTER ROW(0, FIRST_WEIGHTS) ROW(1, WEIGHTS(1)) ROW(2, WEIGHTS(2)) LEAVE(3));
}

ROW_OF_OUTPUTS(stride_2) {
  __asm volatile(ENTER STRIDED_ROW(0, FIRST_WEIGHTS) STRIDED_ROW(1, WEIGHTS(1)) STRIDED_ROW(2, WEIGHTS(2))
                     LEAVE(4));
}

#else

static int32_t column(const uint32_t *row, int32_t channels, int32_t number) {
  uint32_t pair = row[number / 2 * channels];
  return number % 2 == 0 ? ppg_low_half(pair) : ppg_high_half(pair);
}

static void outputs(const int32_t *words, const uint32_t *const rows[3], int8_t *to, int32_t channels,
                    int32_t count, int32_t stride) {
  for (int32_t channel = 0; channel < channels; channel++, words += PPG_DEPTHWISE_3X3_WORDS) {
    for (int32_t i = 0; i < count; i++) {
      uint32_t twice = (uint32_t)words[0];
      for (int32_t row = 0; row < 3; row++) {
        uint32_t early = (uint32_t)words[4 + 2 * row], late = (uint32_t)words[5 + 2 * row];
        const uint32_t *from = rows[row] + channel;
        twice += (uint32_t)(column(from, channels, stride * i) * ppg_low_half(early));
        twice += (uint32_t)(column(from, channels, stride * i + 1) * ppg_low_half(late));
        twice += (uint32_t)(column(from, channels, stride * i + 2) * ppg_high_half(late));
      }
      int32_t high = ppg_high_product((int32_t)twice, words[1]) + words[2] + ((int32_t)twice >> 31);
      to[i * channels + channel] = (int8_t)ppg_saturate8(high >> words[3]);
    }
  }
}

static void stride_1(const int32_t *words, const uint32_t *const rows[3], int8_t *to, int32_t channels, int32_t count) {
  outputs(words, rows, to, channels, count, 1);
}

static void stride_2(const int32_t *words, const uint32_t *const rows[3], int8_t *to, int32_t channels, int32_t count) {
  outputs(words, rows, to, channels, count, 2);
}

#endif

static void widen_pair(const int8_t *first, const int8_t *second, uint32_t *to, int32_t channels) {
  int32_t left = channels;
  for (; left >= 4; left -= 4, first += 4, second += 4, to += 4) {
    uint32_t one = ppg_load4(first), two = ppg_load4(second);
    uint32_t even_one = ppg_even_bytes(one), even_two = ppg_even_bytes(two);
    uint32_t odd_one = ppg_odd_bytes(one), odd_two = ppg_odd_bytes(two);
    to[0] = ppg_pair((int32_t)even_one, (int32_t)even_two);
    to[1] = ppg_pair((int32_t)odd_one, (int32_t)odd_two);
    to[2] = (even_one >> 16) | (even_two & 0xFFFF0000u);
    to[3] = (odd_one >> 16) | (odd_two & 0xFFFF0000u);
  }
  for (; left > 0; left--) *to++ = ppg_pair(*first++, *second++);
}

/* `border` stands for every column beyond the image. */
static void widen_row(const ppg_depthwise_3x3_t *p, const int8_t *row, const int8_t *border, uint32_t *to) {
  int32_t column = -p->pad_left, columns = p->columns, channels = p->channels;
  for (int32_t pair = 0; pair < p->pairs; pair++, column += 2, to += channels) {
    const int8_t *first = column >= 0 && column < columns ? row + column * channels : border;
    const int8_t *second = column >= -1 && column + 1 < columns ? row + (column + 1) * channels : border;
    widen_pair(first, second, to, channels);
  }
}

void ppg_depthwise_3x3(const ppg_depthwise_3x3_t *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  int32_t slot_words = p->pairs * p->channels, row_bytes = p->columns * p->channels;
  int32_t out_row = p->out_columns * p->channels, widened = 0;
  uint32_t *slots = (uint32_t *)(void *)scratch, *padding = slots + 3 * slot_words;
  int8_t *border = (int8_t *)(padding + slot_words);
  row_t one_row = p->stride == 1 ? stride_1 : stride_2;
  ppg_fill(border, p->input_zero, p->channels);
  for (int32_t i = 0; i < slot_words; i++) padding[i] = ppg_pair(p->input_zero, p->input_zero);
  for (int32_t row = 0; row < p->out_rows; row++) {
    const uint32_t *rows[3];
    int32_t top = row * p->stride - p->pad_top;
    if (widened < top) widened = top;
    for (; widened < top + 3 && widened < p->rows; widened++) {
      widen_row(p, in + widened * row_bytes, border, slots + widened % 3 * slot_words);
    }
    for (int32_t i = 0; i < 3; i++) {
      int32_t source = top + i;
      rows[i] = source < 0 || source >= p->rows ? padding : slots + source % 3 * slot_words;
    }
    one_row(p->words, rows, out + row * out_row, p->channels, p->out_columns);
  }
  ppg_clamp_all(out, p->low, p->high, p->out_rows * out_row);
}
