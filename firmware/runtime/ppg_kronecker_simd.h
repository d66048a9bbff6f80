/* The inner loops of ppg_kronecker.c in assembler, for cores with the DSP extension. Register plan:
     r0 last word taken from the stream   r1 packs   r4:r5, r2:r3 channel A, first and second pair of positions
     r8:r9, r6:r7 channel B   r10, r11 packs   r12, lr words of A and B
   All encodings are 32 bits wide, so that a step has the size that the stream's jumps count on. */
#ifndef PPG_KRONECKER_SIMD_H
#define PPG_KRONECKER_SIMD_H

#include "ppg_features.h"

#define TEXT(macro) TEXT_(macro)
#define TEXT_(text) #text

/* Words in r12, lr: `first` packs for the first pair of positions, `second` for the second one. */
#define PRODUCTS(first, second)           \
  "smlal r4, r5, " #first ", r12\n"       \
  "smlal r8, r9, " #first ", lr\n"        \
  "smlal r2, r3, " #second ", r12\n"      \
  "smlal r6, r7, " #second ", lr\n"

#define THREE                \
  "ldr.w r10, [r1], #64\n"   \
  "ldr.w r11, [r1, #-60]\n"  \
  "ldr.w r12, [r0, #4]\n"    \
  "ldr.w lr, [r0, #8]\n"     \
  PRODUCTS(r10, r11)         \
  "ldr.w r12, [r0, #12]\n"   \
  "ldr.w lr, [r0, #16]\n"    \
  "ldr.w r10, [r1, #-56]\n"  \
  PRODUCTS(r11, r10)         \
  "ldr.w lr, [r0, #24]!\n"   \
  "ldr.w r12, [r0, #-4]\n"   \
  "ldr.w r11, [r1, #-52]\n"  \
  PRODUCTS(r10, r11)

#define TWO                  \
  "ldr.w r10, [r1], #64\n"   \
  "ldr.w r11, [r1, #-60]\n"  \
  "ldr.w r12, [r0, #4]\n"    \
  "ldr.w lr, [r0, #8]\n"     \
  PRODUCTS(r10, r11)         \
  "ldr.w lr, [r0, #16]!\n"   \
  "ldr.w r12, [r0, #-4]\n"   \
  "ldr.w r10, [r1, #-56]\n"  \
  PRODUCTS(r11, r10)

/* Two rows. */
#define ONE                  \
  "ldr.w r10, [r1], #128\n"   \
  "ldr.w r11, [r1, #-124]\n"  \
  "ldr.w r12, [r0, #4]\n"    \
  "ldr.w lr, [r0, #8]\n"     \
  PRODUCTS(r10, r11)         \
  "ldr.w lr, [r0, #16]!\n"   \
  "ldr.w r12, [r0, #-4]\n"   \
  "ldr.w r10, [r1, #-64]\n"  \
  "ldr.w r11, [r1, #-60]\n"  \
  PRODUCTS(r10, r11)

#define JUMP                 \
  "ldrsh.w r10, [r0, #4]!\n" \
  "add pc, r10\n"            \
  "nop\n"

#define GROUP(step, count, jump) ".rept " TEXT(count) "\n" step ".endr\n" jump

/* Stack while a pair of channels runs: 0, 4 last high words of A and B; 8 output; 12 first jump in the stream; 16 packs;
   28 end of packs; 32 carries; 76 pitch; 84 back; 88 kept accumulators. */

/* Begins a block: the third field of the last block's second accumulator goes on in the first field of this one's
   first. */
#define START                        \
  "ldr.w r0, [sp, #12]\n"            \
  "ldr.w r4, [sp, #0]\n"             \
  "ldr.w r8, [sp, #4]\n"             \
  "ldr.w r2, [r0, #-16]\n"           \
  "ldr.w r3, [r0, #-12]\n"           \
  "ldr.w r6, [r0, #-8]\n"            \
  "ldr.w r7, [r0, #-4]\n"            \
  "ldrsh.w r10, [r0]\n"              \
  "add.w r4, r2, r4, asr #10\n"      \
  "add.w r8, r6, r8, asr #10\n"      \
  "mov.w r5, r3\n"                   \
  "mov.w r9, r7\n"                   \
  "add pc, r10\n"                    \
  "nop\n"

/* Fields of one channel's accumulators low0:high0, low1:high1, minus 2^20, times 2^11, for the four positions:
   `before`, low0, high0, low1. r12 holds 2^31; high1 and spare are lost, high1 is kept in the stack. */
#define FIELDS(low0, high0, low1, high1, before, spare, kept)              \
  "add " #before ", r12, " #low0 ", lsl #11\n"                             \
  "lsr " #low0 ", " #low0 ", #21\n"                                        \
  "add " #spare ", " #low1 ", " #high0 ", asr #10\n"                       \
  "add " #high0 ", r12, " #high0 ", lsl #22\n"                             \
  "add " #low0 ", " #high0 ", " #low0 ", lsl #11\n"                        \
  "add " #high0 ", r12, " #spare ", lsl #11\n"                             \
  "lsr " #low1 ", " #low1 ", #21\n"                                        \
  "str " #high1 ", [sp, #" #kept "]\n"                                     \
  "add " #high1 ", r12, " #high1 ", lsl #22\n"                             \
  "add " #low1 ", " #high1 ", " #low1 ", lsl #11\n"

#define ALL_FIELDS                         \
  "mov r12, #0x80000000\n"                 \
  FIELDS(r4, r5, r2, r3, r10, r11, 0)      \
  FIELDS(r8, r9, r6, r7, r11, r3, 4)

/* Saturated outputs of A are in r10, r4, r5, r2, those of B in r11, r8, r9, r6. The flags tell whether that was the
   last block. */
#define STORE                              \
  "ldr.w r3, [sp, #8]\n"                     \
  "ldr.w r7, [sp, #76]\n"                    \
  "ldr.w r12, [sp, #84]\n"                   \
  "ldr.w lr, [sp, #28]\n"                    \
  "bfi r10, r11, #8, #8\n"                 \
  "bfi r4, r8, #8, #8\n"                   \
  "bfi r5, r9, #8, #8\n"                   \
  "bfi r2, r6, #8, #8\n"                   \
  "strh.w r10, [r3]\n"                       \
  "add.w r3, r3, r7\n"                       \
  "strh.w r4, [r3]\n"                        \
  "add.w r3, r3, r7\n"                       \
  "strh.w r5, [r3]\n"                        \
  "add.w r3, r3, r7\n"                       \
  "strh.w r2, [r3]\n"                        \
  "add.w r3, r3, r7\n"                       \
  "str.w r3, [sp, #8]\n"                     \
  "sub r1, r1, r12\n"                      \
  "cmp.w r1, lr\n"

#define FIXED(value, multiplier, first)                                            \
  "smmla " #value ", " #value ", " #multiplier ", " #first "\n"                    \
  "ssat " #value ", #8, " #value ", asr #" TEXT(KRONECKER_RIGHT) "\n"

/* r3 multiplier, r7 first, r12 right. */
#define SCALED(value)                              \
  "smmla " #value ", " #value ", r3, r7\n"         \
  "asr " #value ", " #value ", r12\n"              \
  "ssat " #value ", #8, " #value "\n"

/* As before, with twice the center in r1. */
#define PROVEN(value)                              \
  "add " #value ", r1, " #value ", asr #10\n"      \
  "add lr, r7, " #value ", asr #31\n"              \
  "smmlar " #value ", " #value ", r3, lr\n"        \
  "asr " #value ", " #value ", r12\n"              \
  "ssat " #value ", #8, " #value "\n"

#define FACTOR_OF_A "ldr r3, [r0, #4]\n ldr r7, [r0, #8]\n ldr r12, [r0, #12]\n"
#define FACTOR_OF_B "ldr r3, [r0, #16]\n ldr r7, [r0, #20]\n ldr r12, [r0, #24]\n"

/* Goes on with START. */
#define END_FIXED                                                                                   \
  ALL_FIELDS                                                                                        \
  "ldr.w r3, [r0, #4]\n ldr.w r7, [r0, #8]\n ldr.w r12, [r0, #16]\n ldr.w lr, [r0, #20]\n"                \
  FIXED(r10, r3, r7) FIXED(r4, r3, r7) FIXED(r5, r3, r7) FIXED(r2, r3, r7)                          \
  FIXED(r11, r12, lr) FIXED(r8, r12, lr) FIXED(r9, r12, lr) FIXED(r6, r12, lr)                      \
  STORE                                                                                             \
  "beq.w 3f\n"

#define END_SCALED                                                   \
  ALL_FIELDS                                                         \
  FACTOR_OF_A SCALED(r10) SCALED(r4) SCALED(r5) SCALED(r2)           \
  FACTOR_OF_B SCALED(r11) SCALED(r8) SCALED(r9) SCALED(r6)           \
  STORE                                                              \
  "bne.w 2b\n"                                                       \
  "b.w 3f\n"

/* A right shift is the lowest byte of its word, twice the center the rest. */
#define END_PROVEN                                                   \
  ALL_FIELDS                                                         \
  "str r1, [sp, #16]\n"                                              \
  FACTOR_OF_A                                                        \
  "asr r1, r12, #8\n"                                                \
  PROVEN(r10) PROVEN(r4) PROVEN(r5) PROVEN(r2)                       \
  FACTOR_OF_B                                                        \
  "asr r1, r12, #8\n"                                                \
  PROVEN(r11) PROVEN(r8) PROVEN(r9) PROVEN(r6)                       \
  "ldr r1, [sp, #16]\n"                                              \
  STORE                                                              \
  "bne.w 2b\n"                                                       \
  "b.w 3f\n"

/* Ends a pass that is not the last one: keeps its accumulators in the slot whose offset is the next word in the stream
   and starts those of the next pass. Its first field goes on with the third one that this pass had in the block before. */
#define PASS                         \
  "ldr.w r12, [sp, #88]\n"           \
  "ldr.w r11, [sp, #32]\n"           \
  "ldr.w r10, [r0, #4]\n"            \
  "add.w r12, r12, r10\n"            \
  "add.w r11, r11, r10, lsr #2\n"    \
  "ldr.w r10, [r11, #8]\n"           \
  "ldr.w lr, [r11, #12]\n"           \
  "str.w r3, [r11, #8]\n"            \
  "str.w r7, [r11, #12]\n"           \
  "stm.w r12, {r2-r9}\n"             \
  "ldrsh.w r11, [r0, #24]!\n"        \
  "ldr.w r2, [r0, #-16]\n"           \
  "ldr.w r3, [r0, #-12]\n"           \
  "ldr.w r6, [r0, #-8]\n"            \
  "ldr.w r7, [r0, #-4]\n"            \
  "add.w r4, r2, r10, asr #10\n"     \
  "add.w r8, r6, lr, asr #10\n"      \
  "mov.w r5, r3\n"                   \
  "mov.w r9, r7\n"                   \
  "add pc, r11\n"                    \
  "nop\n"

/* Fields of one channel as they are, in the registers that FIELDS has them in; high1 is kept in the stack. */
#define PLAIN_FIELDS(low0, high0, low1, high1, before, spare, kept)  \
  "str.w " #high1 ", [sp, #" #kept "]\n"                             \
  "ubfx " #before ", " #low0 ", #0, #21\n"                           \
  "lsr.w " #low0 ", " #low0 ", #21\n"                                \
  "bfi " #low0 ", " #high0 ", #11, #10\n"                            \
  "ubfx " #spare ", " #low1 ", #0, #21\n"                            \
  "add.w " #high0 ", " #spare ", " #high0 ", lsr #10\n"              \
  "lsr.w " #low1 ", " #low1 ", #21\n"                                \
  "bfi " #low1 ", " #high1 ", #11, #10\n"

/* Adds those that a pass kept at `at` (second pair) and `at` + 8 (first pair). */
#define ADD_KEPT(at, field0, field1, field2, field3)                 \
  "ldr.w r3, [r1, #" #at " + 8]\n"                                   \
  "ldr.w r7, [r1, #" #at " + 12]\n"                                  \
  "ldr.w r12, [r1, #" #at "]\n"                                      \
  "ldr.w lr, [r1, #" #at " + 4]\n"                                   \
  "add.w " #field1 ", " #field1 ", r3, lsr #21\n"                    \
  "ubfx r3, r3, #0, #21\n"                                          \
  "add.w " #field0 ", " #field0 ", r3\n"                             \
  "ubfx r3, r7, #0, #10\n"                                          \
  "add.w " #field1 ", " #field1 ", r3, lsl #11\n"                    \
  "add.w " #field2 ", " #field2 ", r7, lsr #10\n"                    \
  "add.w " #field3 ", " #field3 ", r12, lsr #21\n"                   \
  "ubfx r12, r12, #0, #21\n"                                        \
  "add.w " #field2 ", " #field2 ", r12\n"                            \
  "ubfx lr, lr, #0, #10\n"                                          \
  "add.w " #field3 ", " #field3 ", lr, lsl #11\n"

#define ADD_SLOT(a, b) ADD_KEPT(a, r10, r4, r5, r2) ADD_KEPT(b, r11, r8, r9, r6)

/* r1 twice what is missing, r3 multiplier, r7 first, r12 right. */
#define SUMMED(value)                              \
  "add.w " #value ", r1, " #value ", lsl #1\n"     \
  "add.w lr, r7, " #value ", asr #31\n"            \
  "smmlar " #value ", " #value ", r3, lr\n"       \
  "asr.w " #value ", " #value ", r12\n"            \
  "ssat " #value ", #8, " #value "\n"

#define SUMMED_FACTOR(at)                                                                     \
  "ldr.w r3, [r0, #" #at "]\n ldr.w r7, [r0, #" #at " + 4]\n"                                 \
  "ldr.w r12, [r0, #" #at " + 8]\n ldr.w r1, [r0, #" #at " + 12]\n"

/* Ends the last of several passes. The next word in the stream is a jump over the slots that no pass has used. */
#define END_SUMMED                                                   \
  PLAIN_FIELDS(r4, r5, r2, r3, r10, r12, 0)                          \
  PLAIN_FIELDS(r8, r9, r6, r7, r11, r12, 4)                          \
  "ldr.w r3, [r0, #4]!\n"                                            \
  "str.w r1, [sp, #16]\n"                                            \
  "ldr.w r1, [sp, #88]\n"                                            \
  "add pc, r3\n"                                                     \
  "nop\n"                                                            \
  ADD_SLOT(64, 80) ADD_SLOT(32, 48) ADD_SLOT(0, 16)                  \
  SUMMED_FACTOR(4) SUMMED(r10) SUMMED(r4) SUMMED(r5) SUMMED(r2)      \
  SUMMED_FACTOR(20) SUMMED(r11) SUMMED(r8) SUMMED(r9) SUMMED(r6)     \
  "ldr.w r1, [sp, #16]\n"                                            \
  STORE                                                              \
  "bne.w 2b\n"                                                       \
  "add.w r0, r0, #8\n"                                               \
  "b.w 3f\n"

/* Half a block: the first pair of positions only. r2, r3, r6 and r7 hold packs and words; what is made of them as if
   they were accumulators goes into outputs that nobody reads. */
#define HALF_THREE           \
  "ldr.w r10, [r1], #64\n"   \
  "ldr.w r11, [r1, #-60]\n"  \
  "ldr.w r2, [r1, #-56]\n"   \
  "ldr.w r3, [r0, #4]\n"     \
  "ldr.w r6, [r0, #8]\n"     \
  "ldr.w r7, [r0, #12]\n"    \
  "ldr.w r12, [r0, #16]\n"   \
  "ldr.w lr, [r0, #20]\n"    \
  "smlal r4, r5, r10, r3\n"  \
  "smlal r8, r9, r10, r6\n"  \
  "smlal r4, r5, r11, r7\n"  \
  "smlal r8, r9, r11, r12\n" \
  "ldr.w r3, [r0, #24]!\n"   \
  "smlal r4, r5, r2, lr\n"   \
  "smlal r8, r9, r2, r3\n"

#define HALF_LAST_FOUR       \
  "ldr.w r12, [r0, #16]!\n"  \
  "ldr.w r3, [r0, #-12]\n"   \
  "ldr.w r6, [r0, #-8]\n"    \
  "ldr.w r7, [r0, #-4]\n"    \
  "smlal r4, r5, r10, r3\n"  \
  "smlal r8, r9, r10, r6\n"  \
  "smlal r4, r5, r11, r7\n"  \
  "smlal r8, r9, r11, r12\n"

#define HALF_TWO "ldr.w r10, [r1], #64\n ldr.w r11, [r1, #-60]\n" HALF_LAST_FOUR
#define HALF_ONE "ldr.w r10, [r1], #128\n ldr.w r11, [r1, #-64]\n" HALF_LAST_FOUR

#define HALF_JUMP            \
  "ldr.w r10, [r0, #4]!\n"   \
  "asr.w r10, r10, #16\n"    \
  "add pc, r10\n"            \
  "nop\n"

/* PASS and START of one accumulator per channel. */
#define HALF_PASS                    \
  "ldr.w r12, [sp, #88]\n"           \
  "ldr.w r11, [sp, #32]\n"           \
  "ldr.w r10, [r0, #4]\n"            \
  "add.w r12, r12, r10\n"            \
  "add.w r11, r11, r10, lsr #2\n"    \
  "ldr.w r10, [r11, #8]\n"           \
  "ldr.w lr, [r11, #12]\n"           \
  "stm.w r12, {r2-r9}\n"             \
  "ldr.w r11, [r0, #24]!\n"          \
  "ldr.w r2, [r0, #-16]\n"           \
  "ldr.w r5, [r0, #-12]\n"           \
  "ldr.w r6, [r0, #-8]\n"            \
  "ldr.w r9, [r0, #-4]\n"            \
  "add.w r4, r2, r10, asr #10\n"     \
  "add.w r8, r6, lr, asr #10\n"      \
  "asr.w r11, r11, #16\n"            \
  "add pc, r11\n"                    \
  "nop\n"

#define HALF_START                   \
  "ldr.w r0, [sp, #12]\n"            \
  "ldr.w r4, [sp, #0]\n"             \
  "ldr.w r8, [sp, #4]\n"             \
  "ldr.w r2, [r0, #-16]\n"           \
  "ldr.w r5, [r0, #-12]\n"           \
  "ldr.w r6, [r0, #-8]\n"            \
  "ldr.w r9, [r0, #-4]\n"            \
  "ldr.w r10, [r0]\n"                \
  "add.w r4, r2, r4, asr #10\n"      \
  "add.w r8, r6, r8, asr #10\n"      \
  "asr.w r10, r10, #16\n"            \
  "add pc, r10\n"                    \
  "nop\n"

/* The next code begins `at` bytes behind the first step; assembling fails when it would have begun later. */
#define AT(at) ".org 1b + " TEXT(at) "\n"

#if PPG_USES_KRONECKER_PASSES
#define PASSES AT(KRONECKER_PASS_AT) PASS AT(KRONECKER_SUMMED_AT) END_SUMMED
#else
#define PASSES
#endif

/* The code of half blocks lies before the first step. */
#if PPG_USES_KRONECKER_HALVES
#define HALF_AT(at) ".org 5b + " TEXT(KRONECKER_HALVES_BYTES) " + " TEXT(at) "\n"
#define HALVES                                            \
  GROUP(HALF_THREE, KRONECKER_THREES, HALF_JUMP)          \
  HALF_AT(KRONECKER_HALF_TWOS_AT)                         \
  GROUP(HALF_TWO, KRONECKER_TWOS, HALF_JUMP)              \
  HALF_AT(KRONECKER_HALF_ONES_AT)                         \
  GROUP(HALF_ONE, KRONECKER_ONES, HALF_JUMP)              \
  HALF_AT(KRONECKER_HALF_MOVE_AT)                         \
  "ldr.w r10, [r0, #4]!\n"                                \
  "add.w r1, r1, r10\n" HALF_JUMP                         \
  HALF_AT(KRONECKER_HALF_PASS_AT)                         \
  HALF_PASS                                               \
  HALF_AT(KRONECKER_HALF_START_AT)                        \
  HALF_START HALF_AT(0)
#else
#define HALVES
#endif

#endif
