#include "ppg_pool_rows.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"
#include "ppg_simd.h"

/* One row: `skip` is what lies between the end of a window's first column and the start of the next window. */
typedef void (*row_t)(const int8_t *in, int8_t *out, int32_t channels, int32_t columns, int32_t skip);

#if PPG_SIMD

#define ROW(name)                                                                                      \
  __attribute__((naked)) PPG_KEEP_FUNCTION static void name(                                           \
      const int8_t *in __attribute__((unused)), int8_t *out __attribute__((unused)),                   \
      int32_t channels __attribute__((unused)), int32_t columns __attribute__((unused)),               \
      int32_t skip __attribute__((unused)))

/* Register plan: r0 in   r1 out   r2 channels   r3 columns left, kept on the stack
     r4 words left of a column   r7-r10 values   r11, r12 sums */
#define ENTER                     \
  "push {r3-r11, lr}\n"

#define NEXT_COLUMN               \
  "ldr r3, [sp, #0]\n"            \
  "ldr r4, [sp, #40]\n"           \
  "add r0, r0, r4\n"              \
  "subs r3, r3, #1\n"             \
  "str r3, [sp, #0]\n"            \
  "bne 1b\n"                      \
  "pop {r3-r11, pc}\n"

/* Sums of halves / 4, rounded half away from zero: + 2 - (sum < 0), and bits 2 .. 9 of each half. The upper byte of a
   half takes them: r5 has the lowest bit of each half, r6 has 2 in each half, lr the upper bytes. */
ROW(average_of_4) {
  __asm volatile(
      ENTER
      "mov r5, #0x00010001\n"
      "mov r6, #0x00020002\n"
      "mov lr, #0xFF00FF00\n"
      "1:\n"
      "add r3, r2, r2, lsl #1\n"
      "lsr r4, r2, #2\n"
      "2:\n"
      "ldr r7, [r0]\n"
      "ldr r8, [r0, r2]\n"
      "ldr r9, [r0, r2, lsl #1]\n"
      "ldr r10, [r0, r3]\n"
      "add r0, r0, #4\n"
      "sxtb16 r11, r7\n"
      "sxtb16 r12, r7, ror #8\n"
      "sxtab16 r11, r11, r8\n"
      "sxtab16 r12, r12, r8, ror #8\n"
      "sxtab16 r11, r11, r9\n"
      "sxtab16 r12, r12, r9, ror #8\n"
      "sxtab16 r11, r11, r10\n"
      "sxtab16 r12, r12, r10, ror #8\n"
      "and r7, r5, r11, lsr #15\n"
      "and r8, r5, r12, lsr #15\n"
      "ssub16 r7, r6, r7\n"
      "ssub16 r8, r6, r8\n"
      "sadd16 r11, r11, r7\n"
      "sadd16 r12, r12, r8\n"
      "and r11, lr, r11, lsl #6\n"
      "and r12, lr, r12, lsl #6\n"
      "orr r12, r12, r11, lsr #8\n"
      "str r12, [r1]\n"
      "add r1, r1, #4\n"
      "subs r4, r4, #1\n"
      "bne 2b\n" NEXT_COLUMN);
}

/* Two words at a time; r3 is where the second column's second word lies. */
#define COLUMNS_OF_2(one_word)                         \
  "1:\n"                                               \
  "add r3, r2, #4\n"                                   \
  "lsrs r4, r2, #2\n"                                  \
  "subs r4, r4, #2\n"                                  \
  "blt 3f\n"                                           \
  "2:\n"                                               \
  "ldr r7, [r0]\n"                                     \
  "ldr r8, [r0, r2]\n"                                 \
  "ldr r9, [r0, #4]\n"                                 \
  "ldr r10, [r0, r3]\n"                                \
  "add r0, r0, #8\n"                                   \
  one_word("r7", "r8") one_word("r9", "r10")           \
  "str r7, [r1]\n"                                     \
  "str r9, [r1, #4]\n"                                 \
  "add r1, r1, #8\n"                                   \
  "subs r4, r4, #2\n"                                  \
  "bge 2b\n"                                           \
  "3:\n"                                               \
  "adds r4, r4, #2\n"                                  \
  "beq 4f\n"                                           \
  "ldr r7, [r0]\n"                                     \
  "ldr r8, [r0, r2]\n"                                 \
  "add r0, r0, #4\n"                                   \
  one_word("r7", "r8")                                 \
  "str r7, [r1]\n"                                     \
  "add r1, r1, #4\n"                                   \
  "4:\n"

/* SHADD8 rounds half down; where the sum was odd and is not negative, one is missing. */
#define AVERAGE(left, right)                                  \
  "eor r11, " left ", " right "\n"                            \
  "shadd8 " left ", " left ", " right "\n"                    \
  "bic r11, r11, " left ", lsr #7\n"                          \
  "and r11, r11, #0x01010101\n"                               \
  "sadd8 " left ", " left ", r11\n"

#define LARGER(left, right)                                   \
  "ssub8 r11, " left ", " right "\n"                          \
  "sel " left ", " left ", " right "\n"

ROW(average_of_2) { __asm volatile(ENTER COLUMNS_OF_2(AVERAGE) NEXT_COLUMN); }

ROW(max_of_2) { __asm volatile(ENTER COLUMNS_OF_2(LARGER) NEXT_COLUMN); }

#else

/* sum / 2^shift, rounded half away from zero. */
static int8_t mean(int32_t sum, int32_t shift) {
  return (int8_t)((sum + (1 << (shift - 1)) - (sum < 0)) >> shift);
}

static void average_of_4(const int8_t *in, int8_t *out, int32_t channels, int32_t columns, int32_t skip) {
  for (; columns > 0; columns--, in += skip) {
    for (int32_t channel = 0; channel < channels; channel++, in++) {
      *out++ = mean(in[0] + in[channels] + in[2 * channels] + in[3 * channels], 2);
    }
  }
}

static void average_of_2(const int8_t *in, int8_t *out, int32_t channels, int32_t columns, int32_t skip) {
  for (; columns > 0; columns--, in += skip) {
    for (int32_t channel = 0; channel < channels; channel++, in++) *out++ = mean(in[0] + in[channels], 1);
  }
}

static void max_of_2(const int8_t *in, int8_t *out, int32_t channels, int32_t columns, int32_t skip) {
  for (; columns > 0; columns--, in += skip) {
    for (int32_t channel = 0; channel < channels; channel++, in++) {
      *out++ = in[0] > in[channels] ? in[0] : in[channels];
    }
  }
}

#endif

static void all_rows(const ppg_pool_rows_t *pool, const int8_t *in, int8_t *out, row_t one_row) {
  int32_t out_row = pool->out_columns * pool->channels, skip = (pool->stride - 1) * pool->channels;
  for (int32_t row = 0; row < pool->rows; row++) {
    one_row(in + row * pool->row_step, out + row * out_row, pool->channels, pool->out_columns, skip);
  }
  ppg_clamp_all(out, pool->low, pool->high, pool->rows * out_row);
}

void ppg_average_of_2(const ppg_pool_rows_t *pool, const int8_t *in, int8_t *out) {
  all_rows(pool, in, out, average_of_2);
}

void ppg_average_of_4(const ppg_pool_rows_t *pool, const int8_t *in, int8_t *out) {
  all_rows(pool, in, out, average_of_4);
}

void ppg_max_of_2(const ppg_pool_rows_t *pool, const int8_t *in, int8_t *out) {
  all_rows(pool, in, out, max_of_2);
}
