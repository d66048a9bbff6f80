/* The block of ppg_quads.h in assembler, for cores with the DSP extension, and its twin in C for others. */
#ifndef PPG_QUADS_SIMD_H
#define PPG_QUADS_SIMD_H

#include "ppg_attributes.h"
#include "ppg_quads.h"

#if PPG_SIMD

/* Register plan: r0 stream   r1 columns   r2, r3 values of positions 0, 1   r12 weights of A and B, lr of C and D
     r4, r5 sums of A at positions 0, 1   r6, r7 of 256 B + A   r8, r9 of C   r10, r11 of 256 D + C
   Stack: */
#define LOOP_COLUMNS "#0"  /* where r1 points when the loop is entered */
#define LOOP_ENTRY "#4"    /* address in the loop that leaves the right number of pairs */
#define COLUMNS "#8"
#define OUT "#12"
#define PITCH "#16"
#define END "#20"
#define FRAME_BYTES "24"

/* One pair of window values: 16 products in 15 cycles. 52 bytes, which ENTER counts on. */
#define PAIR(values)              \
  "ldr.w r12, [r0], #8\n"         \
  "ldr.w lr, [r0, #-4]\n"         \
  "ldr.n r2, [r1, #" #values "]\n"     \
  "ldr.n r3, [r1, #" #values " + 4]\n" \
  "smlad r6, r12, r2, r6\n"       \
  "smlad r7, r12, r3, r7\n"       \
  "sxtb16 r12, r12\n"             \
  "smlad r10, lr, r2, r10\n"      \
  "smlad r11, lr, r3, r11\n"      \
  "sxtb16 lr, lr\n"               \
  "smlad r4, r12, r2, r4\n"       \
  "smlad r5, r12, r3, r5\n"       \
  "smlad r8, lr, r2, r8\n"        \
  "smlad r9, lr, r3, r9\n"

/* r0-r3 and the stack hold the arguments. The first pair is done outside of the loop, the others 8 at a time: the
   loop is entered behind as many pairs as are too many. */
#define ENTER                          \
  "push {r4-r11, lr}\n"                \
  "ldrd r4, r5, [sp, #36]\n"           \
  "sub sp, #" FRAME_BYTES "\n"         \
  "rsb r5, r5, #1\n"                   \
  "and r5, r5, #7\n"                   \
  "sub r6, r1, r5, lsl #3\n"           \
  "add r6, r6, #8\n"                   \
  "adr r7, 1f\n"                       \
  "movs r8, #52\n"                     \
  "mla r7, r5, r8, r7\n"               \
  "orr r7, r7, #1\n"                   \
  "strd r6, r7, [sp, " LOOP_COLUMNS "]\n" \
  "strd r1, r2, [sp, " COLUMNS "]\n"   \
  "strd r3, r4, [sp, " PITCH "]\n"

/* Biases and the first pair, whose products start the second position's sums, too. */
#define FIRST_PAIR                     \
  "0:\n"                               \
  "ldm r0!, {r4, r6, r8, r10, r12, lr}\n" \
  "ldm r1, {r2, r3}\n"                 \
  "smlad r7, r12, r3, r6\n"            \
  "smlad r6, r12, r2, r6\n"            \
  "smlad r11, lr, r3, r10\n"           \
  "smlad r10, lr, r2, r10\n"           \
  "sxtb16 r12, r12\n"                  \
  "sxtb16 lr, lr\n"                    \
  "smlad r5, r12, r3, r4\n"            \
  "smlad r4, r12, r2, r4\n"            \
  "smlad r9, lr, r3, r8\n"             \
  "smlad r8, lr, r2, r8\n"

#define OTHER_PAIRS                                                    \
  "ldr r1, [sp, " LOOP_COLUMNS "]\n"                                   \
  "ldr pc, [sp, " LOOP_ENTRY "]\n"                                     \
  ".p2align 2\n"                                                       \
  "1:\n" PAIR(0) PAIR(8) PAIR(16) PAIR(24) PAIR(32) PAIR(40) PAIR(48) PAIR(56) \
  "2:\n"                                                               \
  ".if 2b - 1b - 8 * 52\n .error \"a pair takes other than 52 bytes\"\n .endif\n" \
  "adds r1, #64\n"                                                     \
  "cmp r3, #0x3f000000\n"                                              \
  "blt.w 1b\n"                                                         \
  "sub r6, r6, r4\n"                                                   \
  "sub r7, r7, r5\n"                                                   \
  "sub r10, r10, r8\n"                                                 \
  "sub r11, r11, r9\n"                                                 \
  "lsl r4, r4, #8\n"                                                   \
  "lsl r5, r5, #8\n"                                                   \
  "lsl r8, r8, #8\n"                                                   \
  "lsl r9, r9, #8\n"

/* Stores the codes in r4-r11 and starts over with the next four channels. */
#define STORE_AND_LEAVE                \
  "bfi r4, r6, #8, #8\n"               \
  "bfi r5, r7, #8, #8\n"               \
  "bfi r8, r10, #8, #8\n"              \
  "bfi r9, r11, #8, #8\n"              \
  "pkhbt r4, r4, r8, lsl #16\n"        \
  "pkhbt r5, r5, r9, lsl #16\n"        \
  "ldr r12, [sp, " OUT "]\n"           \
  "ldr r3, [sp, " END "]\n"            \
  "ldr r1, [sp, " COLUMNS "]\n"        \
  "ldr r2, [sp, " PITCH "]\n"          \
  "str r5, [r12, r2]\n"                \
  "str r4, [r12], #4\n"                \
  "str r12, [sp, " OUT "]\n"           \
  "cmp r12, r3\n"                      \
  "bne.w 0b\n"                         \
  "add sp, #" FRAME_BYTES "\n"         \
  "pop {r4-r11, pc}\n"

#define QUADS_ROUTINE(name, requantize)                                                                   \
  __attribute__((naked)) PPG_KEEP_FUNCTION void name(                                                     \
      const int32_t *stream __attribute__((unused)), const uint32_t *columns __attribute__((unused)),     \
      int8_t *out __attribute__((unused)), int32_t pitch __attribute__((unused)),                         \
      const int8_t *end __attribute__((unused)), int32_t pairs __attribute__((unused))) {                 \
    __asm volatile(ENTER FIRST_PAIR OTHER_PAIRS requantize STORE_AND_LEAVE);                              \
  }

#else

/* The code of a sum times 256, given its channel's factor. */
typedef int32_t ppg_quads_code_t(int32_t scaled, const int32_t *factor);

PPG_INLINE void ppg_quads_in_c(const int32_t *stream, const uint32_t *columns, int8_t *out, int32_t pitch,
                               const int8_t *end, int32_t pairs, int32_t factor_words, ppg_quads_code_t *code) {
  for (; out != end; out += PPG_QUADS_CHANNELS) {
    uint32_t sums[PPG_QUADS_CHANNELS][PPG_QUADS_POSITIONS];
    for (int32_t i = 0; i < PPG_QUADS_CHANNELS * PPG_QUADS_POSITIONS; i++) sums[i / 2][i % 2] = (uint32_t)stream[i / 2];
    stream += PPG_QUADS_CHANNELS;
    for (int32_t i = 0; i < 2 * pairs; i++, stream++) {
      uint32_t both = (uint32_t)*stream, low = ppg_even_bytes(both);
      uint32_t *first = sums[i % 2 * 2], *second = sums[i % 2 * 2 + 1];
      for (int32_t position = 0; position < PPG_QUADS_POSITIONS; position++) {
        uint32_t values = columns[i / 2 * PPG_QUADS_POSITIONS + position];
        first[position] = (uint32_t)ppg_dot2(low, values, (int32_t)first[position]);
        second[position] = (uint32_t)ppg_dot2(both, values, (int32_t)second[position]);
      }
    }
    for (int32_t channel = 0; channel < PPG_QUADS_CHANNELS; channel++, stream += factor_words) {
      for (int32_t position = 0; position < PPG_QUADS_POSITIONS; position++) {
        uint32_t scaled = channel % 2 ? sums[channel][position] - sums[channel - 1][position]
                                      : sums[channel][position] << 8;
        out[position * pitch + channel] = (int8_t)ppg_saturate8(code((int32_t)scaled, stream));
      }
    }
  }
}

#define QUADS_ROUTINE(name, factor_words, code)                                                       \
  void name(const int32_t *stream, const uint32_t *columns, int8_t *out, int32_t pitch, const int8_t *end, \
            int32_t pairs) {                                                                          \
    ppg_quads_in_c(stream, columns, out, pitch, end, pairs, factor_words, code);                      \
  }

#endif

#endif
