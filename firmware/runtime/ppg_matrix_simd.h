/* The inner loop of ppg_matrix.c and ppg_matrix16.c in assembler, for cores with the DSP extension. */
#ifndef PPG_MATRIX_SIMD_H
#define PPG_MATRIX_SIMD_H

/* The loops are laid out by hand because gcc spills the 8 accumulators. Register plan:
     r0 stream   r1 columns   r2-r5 channel A, positions 0-3   r6-r9 channel B, positions 0-3
     r10, r11 weights of A and B   r12, lr values of two positions */

/* Two of a step's four window values: 16 products. */
#define HALF_STEP(weights, values)                  \
  "ldr r10, [r0, #" #weights "]\n"                  \
  "ldr r12, [r1, #" #values "]\n"                   \
  "ldr lr, [r1, #" #values " + 4]\n"                \
  "sxtb16 r11, r10, ror #8\n"                       \
  "sxtb16 r10, r10\n"                               \
  "smlad r2, r10, r12, r2\n"                        \
  "smlad r6, r11, r12, r6\n"                        \
  "smlad r3, r10, lr, r3\n"                         \
  "smlad r7, r11, lr, r7\n"                         \
  "ldr r12, [r1, #" #values " + 8]\n"               \
  "ldr lr, [r1, #" #values " + 12]\n"               \
  "smlad r4, r10, r12, r4\n"                        \
  "smlad r8, r11, r12, r8\n"                        \
  "smlad r5, r10, lr, r5\n"                         \
  "smlad r9, r11, lr, r9\n"

#define STEP(weights, values) HALF_STEP(weights, values) HALF_STEP(weights + 4, values + 16)

/* Starts both channels at their bias and runs all steps: six at a time up to [sp + 4], one at a time up to
   [sp + 8]; [sp] holds the columns. */
#define ACCUMULATE                                                      \
  "ldr r1, [sp, #0]\n"                                                  \
  "ldr r12, [sp, #4]\n"                                                 \
  "ldm r0!, {r2, r6}\n"                                                 \
  "mov r3, r2\n mov r4, r2\n mov r5, r2\n"                              \
  "mov r7, r6\n mov r8, r6\n mov r9, r6\n"                              \
  "cmp r1, r12\n"                                                       \
  "beq 2f\n"                                                            \
  "1:\n" STEP(0, 0) STEP(8, 32) STEP(16, 64) STEP(24, 96) STEP(32, 128) STEP(40, 160) \
  "add r0, r0, #48\n"                                                   \
  "add r1, r1, #192\n"                                                  \
  "ldr r12, [sp, #4]\n"                                                 \
  "cmp r1, r12\n"                                                       \
  "bne 1b\n"                                                            \
  "2:\n"                                                                \
  "ldr r12, [sp, #8]\n"                                                 \
  "cmp r1, r12\n"                                                       \
  "beq 4f\n"                                                            \
  "3:\n" STEP(0, 0)                                                     \
  "add r0, r0, #8\n"                                                    \
  "add r1, r1, #32\n"                                                   \
  "ldr r12, [sp, #8]\n"                                                 \
  "cmp r1, r12\n"                                                       \
  "bne 3b\n"                                                            \
  "4:\n"

#endif
