/* The loops of ppg_depthwise_rows.c in assembler, for cores with the DSP extension. Each computes `count` outputs of every
   channel, a multiple of 4 of at least 4. x0, x1 .. are the values under the taps of the first of some outputs. */
#ifndef PPG_DEPTHWISE_ROWS_SIMD_H
#define PPG_DEPTHWISE_ROWS_SIMD_H

#include "ppg_attributes.h"
#include "ppg_simd.h"

#if PPG_SIMD

/* PPG_ROWS_REQUANTIZE(sum, multiplier, first, right, temporary) makes a sum its code, but for the store. */

#define PPG_ROWS_LOOP __attribute__((naked)) PPG_KEEP_FUNCTION static void

#define PPG_ROWS_ARGUMENTS                                                                            \
  const int32_t *words __attribute__((unused)), const int8_t *from __attribute__((unused)),           \
      int8_t *to __attribute__((unused)), int32_t step __attribute__((unused)),                       \
      int32_t count __attribute__((unused)), int32_t channels __attribute__((unused))

/* Register plan of three taps and of both loops of stride 2:
     r0 from   r1 to   r2 step   r3 outputs left   r4 twice the bias   r5-r7 factor (in r7 also the last weight)
     r8, r9 weights   r10, r11, r12 values in pairs, lr and a dead pair sums */
#define PPG_ROWS_ENTER            \
  "push {r0-r2, r4-r11, lr}\n"    \
  "mov r2, r3\n"                  \
  "0:\n"                          \
  "ldr r12, [sp, #0]\n"           \
  "ldm r12!, {r4-r9}\n"

/* The words of the next channel begin `rest` bytes behind those that were loaded. */
#define PPG_ROWS_CHANNEL(rest)    \
  "ldr r0, [sp, #4]\n"            \
  "ldr r1, [sp, #8]\n"            \
  "ldr r3, [sp, #48]\n"           \
  "add r12, r12, #" #rest "\n"    \
  "add r10, r0, #1\n"             \
  "add r11, r1, #1\n"             \
  "str r12, [sp, #0]\n"           \
  "str r10, [sp, #4]\n"           \
  "str r11, [sp, #8]\n"

#define PPG_ROWS_NEXT_CHANNEL     \
  "ldr r12, [sp, #52]\n"          \
  "subs r12, r12, #1\n"           \
  "str r12, [sp, #52]\n"          \
  "bne 0b\n"

#define PPG_ROWS_LEAVE            \
  "add sp, sp, #12\n"             \
  "pop {r4-r11, pc}\n"

/* pair = (next value, the one behind it) */
#define PPG_ROWS_PAIR(pair, temporary)               \
  "ldrsb " pair ", [r0]\n"                           \
  "ldrsb " temporary ", [r0, r2]\n"                  \
  "add r0, r0, r2, lsl #1\n"                         \
  "pkhbt " pair ", " pair ", " temporary ", lsl #16\n"

/* Two outputs; `pair` = (x0, x1), `next` becomes (x2, x3). */
#define PPG_ROWS_TWO_OF_3(pair, next)                     \
  PPG_ROWS_PAIR(next, "lr")                               \
  "smlad r12, " pair ", r8, r4\n"                         \
  "smlabt r12, " next ", r9, r12\n"                       \
  "smlatb lr, " pair ", r8, r4\n"                         \
  "smlad lr, " next ", r9, lr\n"                          \
  PPG_ROWS_REQUANTIZE("r12", "r5", "r6", "r7", pair)      \
  PPG_ROWS_REQUANTIZE("lr", "r5", "r6", "r7", pair)       \
  "strb r12, [r1]\n"                                      \
  "strb lr, [r1, r2]\n"                                   \
  "add r1, r1, r2, lsl #1\n"

PPG_ROWS_LOOP three_taps(PPG_ROWS_ARGUMENTS) {
  __asm volatile(PPG_ROWS_ENTER PPG_ROWS_CHANNEL(0) PPG_ROWS_PAIR("r10", "lr")
                 "1:\n" PPG_ROWS_TWO_OF_3("r10", "r11") PPG_ROWS_TWO_OF_3("r11", "r10")
                 "subs r3, r3, #4\n"
                 "bne 1b\n"
                 PPG_ROWS_NEXT_CHANNEL PPG_ROWS_LEAVE);
}

/* One output of stride 2; `pair` = (x0, x1), `next` becomes (x2, x3). */
#define PPG_ROWS_STRIDED_3(pair, next)                    \
  PPG_ROWS_PAIR(next, "lr")                               \
  "smlad lr, " pair ", r8, r4\n"                          \
  "smlabt lr, " next ", r7, lr\n"                         \
  PPG_ROWS_REQUANTIZE("lr", "r5", "r6", "r7", pair)       \
  "strb lr, [r1]\n"                                       \
  "add r1, r1, r2\n"

PPG_ROWS_LOOP three_taps_strided(PPG_ROWS_ARGUMENTS) {
  __asm volatile(PPG_ROWS_ENTER PPG_ROWS_CHANNEL(0) PPG_ROWS_PAIR("r10", "lr")
                 "1:\n" PPG_ROWS_STRIDED_3("r10", "r11") PPG_ROWS_STRIDED_3("r11", "r10")
                 PPG_ROWS_STRIDED_3("r10", "r11") PPG_ROWS_STRIDED_3("r11", "r10")
                 "subs r3, r3, #4\n"
                 "bne 1b\n"
                 PPG_ROWS_NEXT_CHANNEL PPG_ROWS_LEAVE);
}

/* One output of stride 2; `pair` = (x0, x1), `middle` = (x2, x3), `next` becomes (x4, x5). */
#define PPG_ROWS_STRIDED_5(pair, middle, next)            \
  PPG_ROWS_PAIR(next, "lr")                               \
  "smlad lr, " pair ", r8, r4\n"                          \
  "smlad lr, " middle ", r9, lr\n"                        \
  "smlabt lr, " next ", r7, lr\n"                         \
  PPG_ROWS_REQUANTIZE("lr", "r5", "r6", "r7", pair)       \
  "strb lr, [r1]\n"                                       \
  "add r1, r1, r2\n"

PPG_ROWS_LOOP five_taps_strided(PPG_ROWS_ARGUMENTS) {
  __asm volatile(PPG_ROWS_ENTER PPG_ROWS_CHANNEL(8) PPG_ROWS_PAIR("r10", "lr") PPG_ROWS_PAIR("r11", "lr")
                 "1:\n" PPG_ROWS_STRIDED_5("r10", "r11", "r12")
                 "subs r3, r3, #1\n"
                 "beq 2f\n" PPG_ROWS_STRIDED_5("r11", "r12", "r10")
                 "subs r3, r3, #1\n"
                 "beq 2f\n" PPG_ROWS_STRIDED_5("r12", "r10", "r11")
                 "subs r3, r3, #1\n"
                 "bne 1b\n"
                 "2:\n"
                 PPG_ROWS_NEXT_CHANNEL PPG_ROWS_LEAVE);
}

/* Four outputs; `first` = (x0, x1), `second` = (x2, x3), `third` and `fourth` become (x4, x5) and (x6, x7).
   Register plan: r0 from   r1 to   r2 step   r3 words and, behind them, the end of `to`
     r4-r7 values in pairs   r8, r9 weights   r10, r11, r12, lr sums */
#define PPG_ROWS_FOUR_OF_5(first, second, third, fourth)  \
  PPG_ROWS_PAIR(third, "r10")                             \
  PPG_ROWS_PAIR(fourth, "r10")                            \
  "ldr r10, [r3]\n"                                       \
  "ldr r8, [r3, #16]\n"                                   \
  "ldr r9, [r3, #20]\n"                                   \
  "smlatb r11, " first ", r8, r10\n"                      \
  "smlad r12, " second ", r8, r10\n"                      \
  "smlatb lr, " second ", r8, r10\n"                      \
  "smlad r10, " first ", r8, r10\n"                       \
  "smlad r12, " third ", r9, r12\n"                       \
  "smlad r10, " second ", r9, r10\n"                      \
  "ldr r8, [r3, #24]\n"                                   \
  "ldr r9, [r3, #28]\n"                                   \
  "smlad r11, " second ", r8, r11\n"                      \
  "smlad lr, " third ", r8, lr\n"                         \
  "smlabt r10, " third ", r9, r10\n"                      \
  "smlad r11, " third ", r9, r11\n"                       \
  "smlabt r12, " fourth ", r9, r12\n"                     \
  "smlad lr, " fourth ", r9, lr\n"                        \
  "ldr r8, [r3, #4]\n"                                    \
  "ldr r9, [r3, #8]\n"                                    \
  "ldr " first ", [r3, #12]\n"                            \
  PPG_ROWS_REQUANTIZE("r10", "r8", "r9", first, second)   \
  PPG_ROWS_REQUANTIZE("r11", "r8", "r9", first, second)   \
  PPG_ROWS_REQUANTIZE("r12", "r8", "r9", first, second)   \
  PPG_ROWS_REQUANTIZE("lr", "r8", "r9", first, second)    \
  "strb r10, [r1]\n"                                      \
  "strb r11, [r1, r2]\n"                                  \
  "add r1, r1, r2, lsl #1\n"                              \
  "strb r12, [r1]\n"                                      \
  "strb lr, [r1, r2]\n"                                   \
  "add r1, r1, r2, lsl #1\n"                              \
  "ldr " first ", [r3, #32]\n"                            \
  "cmp r1, " first "\n"

/* The words of a channel are copied in front of the end of its outputs, where r3 finds both. */
PPG_ROWS_LOOP five_taps(PPG_ROWS_ARGUMENTS) {
  __asm volatile(
      "push {r0-r2, r4-r11, lr}\n"
      "mov r2, r3\n"
      "sub sp, sp, #36\n"
      "mov r3, sp\n"
      "0:\n"
      "ldr r12, [sp, #36]\n"
      "ldr r0, [sp, #40]\n"
      "ldr r1, [sp, #44]\n"
      "ldr lr, [sp, #84]\n"
      "ldm r12!, {r4-r11}\n"
      "stm r3, {r4-r11}\n"
      "mla lr, lr, r2, r1\n"
      "add r10, r0, #1\n"
      "add r11, r1, #1\n"
      "str lr, [r3, #32]\n"
      "str r12, [sp, #36]\n"
      "str r10, [sp, #40]\n"
      "str r11, [sp, #44]\n"
      PPG_ROWS_PAIR("r4", "lr") PPG_ROWS_PAIR("r5", "lr")
      "1:\n" PPG_ROWS_FOUR_OF_5("r4", "r5", "r6", "r7")
      "beq 2f\n" PPG_ROWS_FOUR_OF_5("r6", "r7", "r4", "r5")
      "bne 1b\n"
      "2:\n"
      "ldr r12, [sp, #88]\n"
      "subs r12, r12, #1\n"
      "str r12, [sp, #88]\n"
      "bne 0b\n"
      "add sp, sp, #48\n"
      "pop {r4-r11, pc}\n");
}

#endif

#endif
