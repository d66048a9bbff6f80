/* The routines of ppg_quads.h in assembler, for cores with the DSP extension. */
#ifndef PPG_QUADS_SIMD_H
#define PPG_QUADS_SIMD_H

#include "ppg_attributes.h"
#include "ppg_quads.h"

/* ENTER's copy of the argument. LOOP_COLUMNS: where r1 points when the loop is entered; LOOP_ENTRY: address in the loop
   that leaves the right number of pairs. */
#define STREAM "[sp, #0]"
#define COLUMNS "[sp, #4]"
#define OUT "[sp, #8]"
#define PITCH "[sp, #12]"
#define END "[sp, #16]"
#define CHANNELS "[sp, #20]"
#define LOOP_COLUMNS "[sp, #24]"
#define LOOP_ENTRY "[sp, #28]"
#define BLOCKS "[sp, #32]"
#define ROWS "[sp, #36]"
#define RUNS "[sp, #40]"
#define COUNT "[sp, #44]"
#define GAP "[sp, #48]"
#define ROW_GAP "[sp, #52]"
#define FIRST "[sp, #56]"
#define DISTANCE "[sp, #60]"
#define BLOCK_STEP "[sp, #64]"

/* The first pair of a block is done outside of the loop, the others 8 at a time: the loop is entered behind as many
   pairs as are too many. */
#define ENTER                     \
  "push {r4-r11, lr}\n"           \
  "add r1, r0, #36\n"             \
  "ldm r1, {r2-r9}\n"             \
  "push {r2-r9}\n"                \
  "ldm r0, {r1-r9}\n"             \
  "push {r1-r9}\n"                \
  "rsb r5, r7, #1\n"              \
  "and r5, r5, #7\n"              \
  "sub r6, r2, r5, lsl #3\n"      \
  "add r6, r6, #8\n"              \
  "adr r7, 1f\n"                  \
  "movs r0, #52\n"                \
  "mla r7, r5, r0, r7\n"          \
  "orr r7, r7, #1\n"              \
  "str r6, " LOOP_COLUMNS "\n"    \
  "str r7, " LOOP_ENTRY "\n"

/* 8 bytes of a window at both positions: r0, r1 windows, r3 columns. */
#define WIDEN_EIGHT               \
  "ldr r5, [r0], #8\n"            \
  "ldr r7, [r0, #-4]\n"           \
  "ldr r6, [r1], #8\n"            \
  "ldr r8, [r1, #-4]\n"           \
  "sxtb16 r9, r6\n"               \
  "str r9, [r3, #4]\n"            \
  "sxtb16 r9, r5, ror #8\n"       \
  "str r9, [r3, #8]\n"            \
  "sxtb16 r9, r6, ror #8\n"       \
  "str r9, [r3, #12]\n"           \
  "sxtb16 r9, r7\n"               \
  "str r9, [r3, #16]\n"           \
  "sxtb16 r9, r8\n"               \
  "str r9, [r3, #20]\n"           \
  "sxtb16 r9, r7, ror #8\n"       \
  "str r9, [r3, #24]\n"           \
  "sxtb16 r9, r8, ror #8\n"       \
  "str r9, [r3, #28]\n"           \
  "sxtb16 r9, r5\n"               \
  "str r9, [r3], #32\n"

#define WIDEN_FOUR                \
  "ldr r5, [r0], #4\n"            \
  "ldr r6, [r1], #4\n"            \
  "sxtb16 r9, r6\n"               \
  "str r9, [r3, #4]\n"            \
  "sxtb16 r9, r5, ror #8\n"       \
  "str r9, [r3, #8]\n"            \
  "sxtb16 r9, r6, ror #8\n"       \
  "str r9, [r3, #12]\n"           \
  "sxtb16 r9, r5\n"               \
  "str r9, [r3], #16\n"

/* Columns of a block. r4 rows left, r10 runs left, r11 bytes of a run, lr end of its eights, r12 gap. */
#define WIDEN                     \
  "3:\n"                          \
  "ldr r4, " ROWS "\n"            \
  "ldr r0, " FIRST "\n"           \
  "ldr r1, " DISTANCE "\n"        \
  "ldr r2, " BLOCK_STEP "\n"      \
  "ldr r3, " COLUMNS "\n"         \
  "ldr r11, " COUNT "\n"          \
  "ldr r12, " GAP "\n"            \
  "cmp r4, #0\n"                  \
  "beq.w 9f\n"                    \
  "add r1, r0, r1\n"              \
  "add r2, r0, r2\n"              \
  "str r2, " FIRST "\n"           \
  "4:\n"                          \
  "ldr r10, " RUNS "\n"           \
  "5:\n"                          \
  "bic lr, r11, #7\n"             \
  "add lr, lr, r0\n"              \
  "cmp r0, lr\n"                  \
  "beq 7f\n"                      \
  "6:\n" WIDEN_EIGHT              \
  "cmp r0, lr\n"                  \
  "bne 6b\n"                      \
  "7:\n"                          \
  "lsls lr, r11, #29\n" /* bit 2 becomes the sign */ \
  "bpl 8f\n" WIDEN_FOUR           \
  "8:\n"                          \
  "add r0, r0, r12\n"             \
  "add r1, r1, r12\n"             \
  "subs r10, #1\n"                \
  "bne 5b\n"                      \
  "ldr r9, " ROW_GAP "\n"         \
  "add r0, r0, r9\n"              \
  "add r1, r1, r9\n"              \
  "subs r4, #1\n"                 \
  "bne 4b\n"                      \
  "ldr r5, [r3, #-8]\n"           \
  "ldr r6, [r3, #-4]\n"           \
  "add r5, r5, #0x40000000\n"     \
  "add r6, r6, #0x40000000\n"     \
  "add r5, r5, #0x800000\n"       \
  "add r6, r6, #0x800000\n"       \
  "str r5, [r3, #-8]\n"           \
  "str r6, [r3, #-4]\n"           \
  "9:\n"

/* One pair of window values: 16 products in 15 cycles. 52 bytes, which ENTER counts on. Register plan:
     r0 stream   r1 columns   r2, r3 values of positions 0, 1   r12 weights of A and B, lr of C and D
     r4, r5 sums of A at positions 0, 1   r6, r7 of 256 B + A   r8, r9 of C   r10, r11 of 256 D + C */
#define PAIR(values)                   \
  "ldr.w r12, [r0], #8\n"              \
  "ldr.w lr, [r0, #-4]\n"              \
  "ldr.n r2, [r1, #" #values "]\n"     \
  "ldr.n r3, [r1, #" #values " + 4]\n" \
  "smlad r6, r12, r2, r6\n"            \
  "smlad r7, r12, r3, r7\n"            \
  "sxtb16 r12, r12\n"                  \
  "smlad r10, lr, r2, r10\n"           \
  "smlad r11, lr, r3, r11\n"           \
  "sxtb16 lr, lr\n"                    \
  "smlad r4, r12, r2, r4\n"            \
  "smlad r5, r12, r3, r5\n"            \
  "smlad r8, lr, r2, r8\n"             \
  "smlad r9, lr, r3, r9\n"

/* 256 times the sums of four channels. The first pair's products start from the biases. */
#define SUMS                                                                                      \
  "ldr r0, " STREAM "\n"                                                                          \
  "ldr r1, " COLUMNS "\n"                                                                         \
  "0:\n"                                                                                          \
  "ldm r0!, {r4, r6, r8, r10, r12, lr}\n"                                                         \
  "ldm r1, {r2, r3}\n"                                                                            \
  "smlad r7, r12, r3, r6\n"                                                                       \
  "smlad r6, r12, r2, r6\n"                                                                       \
  "smlad r11, lr, r3, r10\n"                                                                      \
  "smlad r10, lr, r2, r10\n"                                                                      \
  "sxtb16 r12, r12\n"                                                                             \
  "sxtb16 lr, lr\n"                                                                               \
  "smlad r5, r12, r3, r4\n"                                                                       \
  "smlad r4, r12, r2, r4\n"                                                                       \
  "smlad r9, lr, r3, r8\n"                                                                        \
  "smlad r8, lr, r2, r8\n"                                                                        \
  "ldr r1, " LOOP_COLUMNS "\n"                                                                    \
  "ldr pc, " LOOP_ENTRY "\n"                                                                      \
  ".p2align 2\n"                                                                                  \
  "1:\n" PAIR(0) PAIR(8) PAIR(16) PAIR(24) PAIR(32) PAIR(40) PAIR(48) PAIR(56)                    \
  "2:\n"                                                                                          \
  ".if 2b - 1b - 8 * 52\n .error \"a pair takes other than 52 bytes\"\n .endif\n"                 \
  "adds r1, #64\n"                                                                                \
  "cmp r3, #0x3f000000\n"                                                                         \
  "blt.w 1b\n"                                                                                    \
  "sub r6, r6, r4\n"                                                                              \
  "sub r7, r7, r5\n"                                                                              \
  "sub r10, r10, r8\n"                                                                            \
  "sub r11, r11, r9\n"                                                                            \
  "lsl r4, r4, #8\n"                                                                              \
  "lsl r5, r5, #8\n"                                                                              \
  "lsl r8, r8, #8\n"                                                                              \
  "lsl r9, r9, #8\n"

/* Stores the codes in r4-r11 and goes on with the next four channels or the next block. */
#define STORE_AND_LEAVE           \
  "bfi r4, r6, #8, #8\n"          \
  "bfi r5, r7, #8, #8\n"          \
  "bfi r8, r10, #8, #8\n"         \
  "bfi r9, r11, #8, #8\n"         \
  "pkhbt r4, r4, r8, lsl #16\n"   \
  "pkhbt r5, r5, r9, lsl #16\n"   \
  "ldr r12, " OUT "\n"            \
  "ldr r3, " END "\n"             \
  "ldr r1, " COLUMNS "\n"         \
  "ldr r2, " PITCH "\n"           \
  "str r5, [r12, r2]\n"           \
  "str r4, [r12], #4\n"           \
  "str r12, " OUT "\n"            \
  "cmp r12, r3\n"                 \
  "bne.w 0b\n"                    \
  "ldr r4, " BLOCKS "\n"          \
  "ldr r5, " CHANNELS "\n"        \
  "add r3, r3, r2, lsl #1\n"      \
  "str r3, " END "\n"             \
  "sub r5, r3, r5\n"              \
  "str r5, " OUT "\n"             \
  "subs r4, #1\n"                 \
  "str r4, " BLOCKS "\n"          \
  "bne.w 3b\n"                    \
  "add sp, #68\n"                 \
  "pop {r4-r11, pc}\n"

#define QUADS_ROUTINE(name, requantize)                                                           \
  __attribute__((naked)) PPG_KEEP_FUNCTION void name(const ppg_quads_row_t *row __attribute__((unused))) { \
    __asm volatile(ENTER WIDEN SUMS requantize STORE_AND_LEAVE);                                  \
  }

#endif
