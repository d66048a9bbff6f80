/* The routines of ppg_trios.h in assembler, for cores with the DSP extension. */
#ifndef PPG_TRIOS_SIMD_H
#define PPG_TRIOS_SIMD_H

#include "ppg_attributes.h"
#include "ppg_trios.h"

/* ENTER's copy of the argument. LOOP_COLUMNS: where r1 points when the loop is entered; LOOP_ENTRY: address in the loop
   that leaves the right number of values. */
#define STREAM "[sp, #0]"
#define COLUMNS "[sp, #4]"
#define OUT "[sp, #8]"
#define SECOND "[sp, #12]"
#define THIRD "[sp, #16]"
#define END "[sp, #20]"
#define CHANNELS "[sp, #24]"
#define LOOP_COLUMNS "[sp, #28]"
#define LOOP_ENTRY "[sp, #32]"
#define BLOCKS "[sp, #40]"
#define ROWS "[sp, #44]"
#define RUNS "[sp, #48]"
#define COUNT "[sp, #52]"
#define GAP "[sp, #56]"
#define ROW_GAP "[sp, #60]"
#define FIRST "[sp, #64]"
#define DISTANCE "[sp, #68]"
#define DISTANCE_THIRD "[sp, #72]"
#define BLOCK_STEP "[sp, #76]"
#define OUT_STEP "[sp, #80]"
#define ROWS_LEFT "[sp, #84]"
#define RUNS_LEFT "[sp, #88]"

/* Window values are taken 32 at a time, 4 bytes of code between the first and the second 16: the loop is entered behind
   as many as are too many. It ends where it sees 0x40000000, which no columns can be. */
#define ENTER                                                     \
  "push {r4-r11, lr}\n"                                           \
  "sub sp, #96\n"                                                 \
  "mov r12, sp\n"                                                 \
  "ldm r0!, {r1-r8}\n"                                            \
  "stm r12!, {r1-r8}\n"                                           \
  "ldm r0!, {r1-r8}\n"                                            \
  "stm r12!, {r1-r8}\n"                                           \
  "ldm r0!, {r1-r8}\n"                                            \
  "stm r12!, {r1-r8}\n"                                           \
  "ldr r1, " COLUMNS "\n"                                         \
  "ldr r2, " LOOP_COLUMNS "\n" /* still the number of values */   \
  "rsb r3, r2, #0\n"                                              \
  "and r3, r3, #31\n"                                             \
  "add r4, r1, r2, lsl #3\n"                                      \
  "mov r5, #0x40000000\n"                                         \
  "str r5, [r4]\n"                                                \
  "and r5, r3, #15\n"                                             \
  "sub r1, r1, r5, lsl #3\n"                                      \
  "str r1, " LOOP_COLUMNS "\n"                                    \
  "adr.w r4, 1f\n"                                                \
  "movs r0, #28\n"                                                \
  "mla r4, r3, r0, r4\n"                                          \
  "lsr r3, r3, #4\n"                                              \
  "add r4, r4, r3, lsl #2\n"                                      \
  "orr r4, r4, #1\n"                                              \
  "str r4, " LOOP_ENTRY "\n"

/* Columns of the values in byte `byte` of r5, r6, r7, which belong to positions 0, 1, 2. */
#define WIDEN_ONE(first, second, turned)    \
  "sxtb r8, r6" turned "\n"                 \
  "sxtb lr, r7" turned "\n"                 \
  "lsl " #first ", r8, #21\n"               \
  "sxtab " #first ", " #first ", r5" turned "\n" \
  "add " #second ", r8, lr, lsl #21\n"

/* Columns of a block. r0 window of position 0, r1 and r2 distances of the others, r3 columns, r4 end of a piece. */
#define WIDEN                               \
  "3:\n"                                    \
  "ldr r0, " FIRST "\n"                     \
  "ldr r1, " DISTANCE "\n"                  \
  "ldr r2, " DISTANCE_THIRD "\n"            \
  "ldr r3, " COLUMNS "\n"                   \
  "ldr r5, " BLOCK_STEP "\n"                \
  "ldr r6, " ROWS "\n"                      \
  "add r5, r0, r5\n"                        \
  "str r5, " FIRST "\n"                     \
  "4:\n"                                    \
  "str r6, " ROWS_LEFT "\n"                 \
  "ldr r6, " RUNS "\n"                      \
  "5:\n"                                    \
  "str r6, " RUNS_LEFT "\n"                 \
  "ldr r4, " COUNT "\n"                     \
  "add r4, r4, r0\n"                        \
  "6:\n"                                    \
  "ldr r6, [r0, r1]\n"                      \
  "ldr r7, [r0, r2]\n"                      \
  "ldr r5, [r0], #4\n"                      \
  WIDEN_ONE(r9, r10, "")                    \
  WIDEN_ONE(r11, r12, ", ror #8")           \
  "stm r3!, {r9-r12}\n"                     \
  WIDEN_ONE(r9, r10, ", ror #16")           \
  WIDEN_ONE(r11, r12, ", ror #24")          \
  "stm r3!, {r9-r12}\n"                     \
  "cmp r0, r4\n"                            \
  "bne 6b\n"                                \
  "ldr r5, " GAP "\n"                       \
  "ldr r6, " RUNS_LEFT "\n"                 \
  "add r0, r0, r5\n"                        \
  "subs r6, #1\n"                           \
  "bne 5b\n"                                \
  "ldr r5, " ROW_GAP "\n"                   \
  "ldr r6, " ROWS_LEFT "\n"                 \
  "add r0, r0, r5\n"                        \
  "subs r6, #1\n"                           \
  "bne 4b\n"                                \
  "ldr r0, " STREAM "\n"

/* One window value: 12 products in 9 cycles. 28 bytes, which ENTER counts on. Register plan:
     r0 stream   r1 columns   r2, r3 values of positions 0 and 1, 1 and 2   r12 weights of A and B, lr of C and D
     r4:r5 A and B at positions 0 and 1   r6:r7 at 1 and 2   r8:r9, r10:r11 C and D */
#define VALUE(at)                           \
  "ldr.w r12, [r0], #8\n"                   \
  "ldr.w lr, [r0, #-4]\n"                   \
  "ldr.n r2, [r1, #" #at "]\n"              \
  "ldr.n r3, [r1, #" #at " + 4]\n"          \
  "smlal r4, r5, r12, r2\n"                 \
  "smlal r6, r7, r12, r3\n"                 \
  "smlal r8, r9, lr, r2\n"                  \
  "smlal r10, r11, lr, r3\n"

#define SIXTEEN(value)                                                           \
  value(0) value(8) value(16) value(24) value(32) value(40) value(48) value(56)  \
  value(64) value(72) value(80) value(88) value(96) value(104) value(112) value(120)

#define SUMS                                                                     \
  "0:\n"                                                                         \
  "ldr r1, " LOOP_COLUMNS "\n"                                                   \
  "ldm r0!, {r4, r5, r8, r9}\n"                                                  \
  "mov r6, r4\n"                                                                 \
  "mov r7, r5\n"                                                                 \
  "mov r10, r8\n"                                                                \
  "mov r11, r9\n"                                                                \
  "ldr pc, " LOOP_ENTRY "\n"                                                     \
  ".p2align 2\n"                                                                 \
  "1:\n" SIXTEEN(VALUE) "add.w r1, r1, #128\n" SIXTEEN(VALUE)                    \
  "2:\n"                                                                         \
  ".if 2b - 1b - 32 * 28 - 4\n .error \"a value takes other than 28 bytes\"\n .endif\n" \
  "adds r1, #128\n"                                                              \
  "ldr r2, [r1]\n"                                                               \
  "cmp r2, #0x40000000\n"                                                        \
  "bne.w 1b\n"                                                                   \
  "mov r1, #0x80000000\n"

/* The six sums of two channels. Accumulators low1:high1 of positions 0 and 1, low2:high2 of 1 and 2; r1 = 2^31.
   Leaves 2^11 times the first channel's sums in low1, one, low2, 2^10 times the second one's in zero, high1, high2. */
#define SPLIT(low1, high1, low2, high2, one, zero)              \
  "add " #one ", r1, " #low2 ", lsl #11\n"                      \
  "subs " #low1 ", " #low1 ", " #one ", lsl #10\n"              \
  "sbc " #high1 ", " #high1 ", " #one ", asr #22\n"             \
  "lsl " #zero ", " #high1 ", #11\n"                            \
  "orr " #zero ", " #zero ", " #low1 ", lsr #21\n"              \
  "add " #zero ", r1, " #zero ", lsl #11\n"                     \
  "asr " #zero ", " #zero ", #1\n"                              \
  "add " #low1 ", r1, " #low1 ", lsl #11\n"                     \
  "bfc " #high1 ", #0, #10\n"                                   \
  "subs " #low2 ", " #low2 ", " #high1 ", lsl #11\n"            \
  "sbc " #high2 ", " #high2 ", " #high1 ", asr #21\n"           \
  "lsl r12, " #high2 ", #11\n"                                  \
  "orr r12, r12, " #low2 ", lsr #21\n"                          \
  "add " #low2 ", r1, r12, lsl #11\n"                           \
  "bfc " #high2 ", #0, #10\n"

/* Packs and stores the codes and goes on with the next four channels or the next block. */
#define STORE_AND_LEAVE                     \
  "bfi r8, r7, #8, #8\n"                    \
  "bfi r5, r9, #8, #8\n"                    \
  "bfi r10, r11, #8, #8\n"                  \
  "pkhbt r4, r4, r8, lsl #16\n"             \
  "pkhbt r2, r2, r5, lsl #16\n"             \
  "pkhbt r6, r6, r10, lsl #16\n"            \
  "ldr r12, " OUT "\n"                      \
  "ldr r7, " SECOND "\n"                    \
  "ldr r8, " THIRD "\n"                     \
  "ldr r3, " END "\n"                       \
  "str r2, [r12, r7]\n"                     \
  "str r6, [r12, r8]\n"                     \
  "str r4, [r12], #4\n"                     \
  "str r12, " OUT "\n"                      \
  "cmp r12, r3\n"                           \
  "bne.w 0b\n"                              \
  "ldr r2, " OUT_STEP "\n"                  \
  "ldr r4, " BLOCKS "\n"                    \
  "ldr r5, " CHANNELS "\n"                  \
  "add r3, r3, r2\n"                        \
  "str r3, " END "\n"                       \
  "sub r5, r3, r5\n"                        \
  "str r5, " OUT "\n"                       \
  "subs r4, #1\n"                           \
  "str r4, " BLOCKS "\n"                    \
  "bne.w 3b\n"                              \
  "add sp, #96\n"                           \
  "pop {r4-r11, pc}\n"

/* `first` and `second` turn the sums of two channels into codes: those that SPLIT leaves with r4-r7, r2, r3, and with
   r8-r11, r5, r7. They may use r1, r12, lr, the second one r3 too. */
#define TRIOS_ROUTINE(name, first, second)                                                              \
  __attribute__((naked)) PPG_KEEP_FUNCTION void name(const ppg_trios_row_t *row __attribute__((unused))) { \
    __asm volatile(ENTER WIDEN SUMS SPLIT(r4, r5, r6, r7, r2, r3) first                                  \
                   "bfi r4, r3, #8, #8\n"                                                               \
                   "bfi r2, r5, #8, #8\n"                                                               \
                   "bfi r6, r7, #8, #8\n"                                                               \
                   SPLIT(r8, r9, r10, r11, r5, r7) second STORE_AND_LEAVE);                              \
  }

#endif
