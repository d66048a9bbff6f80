/* The inner loops of ppg_winograd.c in assembler, for cores with the DSP extension. */
#ifndef PPG_WINOGRAD_SIMD_H
#define PPG_WINOGRAD_SIMD_H

/* Input transform of 2 of 4 channels of one tile; `turn` is "" for channels 0 and 2, ", ror #8" for 1 and 3.
     r0, lr words of positions 0 and 1   r1 from position to position   r2 24 bytes before the target
     r3 128 in both halves
   Codes are made non-negative, so that shifts and sums of both halves at once carry nothing from one to the other. */
#define TRANSFORM_PARITY(turn, at, last)      \
  "ldr r4, [r0]\n"                            \
  "ldr r5, [lr]\n"                            \
  "ldr r6, [r0, r1, lsl #1]\n"                \
  "ldr r7, [lr, r1, lsl #1]\n"                \
  "ldr r8, [r0, r1, lsl #2]\n"                \
  "ldr r9, [lr, r1, lsl #2]\n"                \
  "sxtab16 r4, r3, r4" turn "\n"              \
  "sxtab16 r5, r3, r5" turn "\n"              \
  "sxtab16 r6, r3, r6" turn "\n"              \
  "sxtab16 r7, r3, r7" turn "\n"              \
  "sxtab16 r8, r3, r8" turn "\n"              \
  "add r4, r8, r4, lsl #2\n"                  \
  "add r10, r6, r6, lsl #2\n"                 \
  "ssub16 r4, r4, r10\n"                      \
  "str r4, [r2, #" at " + 56]\n"              \
  "add r10, r3, r5, lsl #2\n"                 \
  "sxtab16 r9, r10, r9" turn "\n"             \
  "add r11, r7, r7, lsl #2\n"                 \
  "ssub16 r9, r9, r11\n"                      \
  "str r9, [r2, #" at " + 64]\n"              \
  "ssub16 r10, r7, r10\n"                     \
  "add r11, r3, r6, lsl #2\n"                 \
  "ssub16 r11, r8, r11\n"                     \
  "sadd16 r4, r11, r10\n"                     \
  "ssub16 r11, r11, r10\n"                    \
  "str r4, [r2, #" at " + 24]\n"              \
  "str r11, [r2, #" at " + 32]\n"             \
  "add r4, r8, r7, lsl #1\n"                  \
  "add r9, r6, r5, lsl #1\n"                  \
  "add r5, r8, r5, lsl #1\n"                  \
  "add r7, r6, r7, lsl #1\n"                  \
  "ssub16 r4, r4, r9\n"                       \
  "ssub16 r5, r5, r7\n"                       \
  "str r4, [r2, #" at " + 40]\n"              \
  "str r5, [r2, #" at " + 48]" last "\n"

/* Products. Register plan:
     r0 stream, 8 bytes behind   r1 transformed inputs, 32 bytes lower with every slot: there its sums are stored
     r2, r3 values of both tiles   r4, r5 weights   r6-r12, lr sums: channel 0 of tiles 0 and 1, channel 1, ... */
#define PAIR_WITH(slot, pair, first, then)                    \
  "ldr r2, [r1, #40 * " #slot " + 48 * " #pair "]\n"          \
  "ldr r3, [r1, #40 * " #slot " + 48 * " #pair " + 4]\n"      \
  "ldr r4, [r0, #8]\n"                                        \
  "ldr r5, [r0, #12]\n"                                       \
  first " r6, r4, r2" then("r6") "\n"                         \
  first " r7, r4, r3" then("r7") "\n"                         \
  first " r8, r5, r2" then("r8") "\n"                         \
  first " r9, r5, r3" then("r9") "\n"                         \
  "ldr r4, [r0, #16]!\n"                                      \
  "ldr r5, [r0, #4]\n"                                        \
  first " r10, r4, r2" then("r10") "\n"                       \
  first " r11, r4, r3" then("r11") "\n"                       \
  first " r12, r5, r2" then("r12") "\n"                       \
  first " lr, r5, r3" then("lr") "\n"

#define ADD_TO(sum) ", " sum
#define NOTHING(sum) ""
#define PAIR(slot, pair) PAIR_WITH(slot, pair, "smlad", ADD_TO)
#define FIRST_PAIR(slot) PAIR_WITH(slot, 0, "smuad", NOTHING)

#define SLOT(slot, first_pair)                                                              \
  first_pair PAIR(slot, 1) PAIR(slot, 2) PAIR(slot, 3) PAIR(slot, 4) PAIR(slot, 5)          \
  PAIR(slot, 6) PAIR(slot, 7)                                                               \
  LEAVE(slot)                                                                               \
  "2" #slot ":\n"                                                                           \
  "stmdb r1!, {r6-r12, lr}\n"

#if PPG_USES_WINOGRAD_WIDE
#define LEAVE(slot) "bne 1" #slot "f\n"
#else
#define LEAVE(slot)
#endif

/* More than 16 pairs: a word of the stream behind every eight of them says how far the transformed inputs move on or,
   negative, back behind the last eight. No flag may change. */
#if PPG_USES_WINOGRAD_LONG
#define AGAIN(slot)          \
  "bvc 2" #slot "b\n"        \
  "ldr r2, [r0, #8]\n"       \
  "add.w r0, r0, #4\n"       \
  "add.w r1, r1, r2\n"       \
  "lsr.w r2, r2, #31\n"      \
  "cbnz r2, 9f\n"            \
  "b 1" #slot "b\n"          \
  "9:\n"
#else
#define AGAIN(slot)
#endif

/* Pairs beyond the eighth: out of line, so that layers without them lose one cycle a slot. */
#define MORE(slot)                                                        \
  "1" #slot ":\n"                                                         \
  PAIR(slot, 8) PAIR(slot, 9) PAIR(slot, 10) PAIR(slot, 11)               \
  "bcs 2" #slot "b\n"                                                     \
  PAIR(slot, 12) PAIR(slot, 13) PAIR(slot, 14) PAIR(slot, 15)             \
  AGAIN(slot)                                                             \
  "b 2" #slot "b\n"

/* Where the four outputs of a tile go: [r1 - 64 + 8 * output + 4 * tile]. */
#define LOAD_TARGETS(tile)                  \
  "ldr r8, [r1, #-64 + 4 * " #tile "]\n"    \
  "ldr r9, [r1, #-56 + 4 * " #tile "]\n"    \
  "ldr r10, [r1, #-48 + 4 * " #tile "]\n"   \
  "ldr r11, [r1, #-40 + 4 * " #tile "]\n"

#define STORE_TARGETS(tile)                 \
  "str r8, [r1, #-64 + 4 * " #tile "]\n"    \
  "str r9, [r1, #-56 + 4 * " #tile "]\n"    \
  "str r10, [r1, #-48 + 4 * " #tile "]\n"   \
  "str r11, [r1, #-40 + 4 * " #tile "]\n"

/* Inverse transform and requantisation of a channel and tile; r2, r3 the factor. Output 0 is stored last.
   `saturate` shifts right by the layer's constant or by the lowest byte of r3. */
#define CHANNEL(channel, tile, saturate)                           \
  "ldr r2, [r0, #8 + 8 * " #channel "]\n"                          \
  "ldr r3, [r0, #12 + 8 * " #channel "]\n"                         \
  "ldr r4, [r1, #160 + 8 * " #channel " + 4 * " #tile "]\n"        \
  "ldr r5, [r1, #128 + 8 * " #channel " + 4 * " #tile "]\n"        \
  "ldr r6, [r1, #96 + 8 * " #channel " + 4 * " #tile "]\n"         \
  "ldr r7, [r1, #64 + 8 * " #channel " + 4 * " #tile "]\n"         \
  "ldr r12, [r1, #32 + 8 * " #channel " + 4 * " #tile "]\n"        \
  "ldr lr, [r1, #8 * " #channel " + 4 * " #tile "]\n"              \
  "rsb r4, r5, r4, lsl #1\n"                                       \
  "rsb r6, r7, r6, lsl #1\n"                                       \
  "add r12, r12, r5\n"                                             \
  "add r7, r5, r7, lsl #2\n"                                       \
  "add r5, r4, r6, lsl #1\n"                                       \
  "add r4, r4, r6, lsl #3\n"                                       \
  "add r4, r4, lr\n"                                               \
  "smmla r7, r7, r2, r3\n"                                         \
  "smmla r5, r5, r2, r3\n"                                         \
  "smmla r4, r4, r2, r3\n"                                         \
  "smmla r12, r12, r2, r3\n"                                       \
  saturate("r7")                                                   \
  saturate("r5")                                                   \
  saturate("r4")                                                   \
  saturate("r12")                                                  \
  "strb r7, [r10], #1\n"                                           \
  "strb r5, [r9], #1\n"                                            \
  "strb r4, [r11], #1\n"                                           \
  "strb r12, [r8], #1\n"

#define SATURATE(value) "ssat " value ", #8, " value ", asr #" RIGHT "\n"
#define SHIFT_AND_SATURATE(value) "asr " value ", " value ", r3\n ssat " value ", #8, " value "\n"

#define TILE(tile, saturate)                                                            \
  LOAD_TARGETS(tile) CHANNEL(0, tile, saturate) CHANNEL(1, tile, saturate)              \
  CHANNEL(2, tile, saturate) CHANNEL(3, tile, saturate) STORE_TARGETS(tile)

/* The same with a third word of factors in r12, which a negative sum takes away once more. */
#define SIGNED(value, target)                \
  "lsr lr, " value ", #31\n"                 \
  "smmla " value ", " value ", r2, r3\n"     \
  "mls " value ", lr, r12, " value "\n"      \
  SHIFT_AND_SATURATE(value)                  \
  "strb " value ", [" target "], #1\n"

#define SIGNED_CHANNEL(channel, tile)                              \
  "ldr r2, [r0, #8 + 12 * " #channel "]\n"                         \
  "ldr r3, [r0, #12 + 12 * " #channel "]\n"                        \
  "ldr r12, [r0, #16 + 12 * " #channel "]\n"                       \
  "ldr r4, [r1, #160 + 8 * " #channel " + 4 * " #tile "]\n"        \
  "ldr r5, [r1, #128 + 8 * " #channel " + 4 * " #tile "]\n"        \
  "ldr r6, [r1, #96 + 8 * " #channel " + 4 * " #tile "]\n"         \
  "ldr r7, [r1, #64 + 8 * " #channel " + 4 * " #tile "]\n"         \
  "ldr lr, [r1, #8 * " #channel " + 4 * " #tile "]\n"              \
  "rsb r4, r5, r4, lsl #1\n"                                       \
  "rsb r6, r7, r6, lsl #1\n"                                       \
  "add lr, lr, r4\n"                                               \
  "add r4, r4, r6, lsl #1\n"                                       \
  "add r6, lr, r6, lsl #3\n"                                       \
  "add r7, r5, r7, lsl #2\n"                                       \
  SIGNED("r4", "r9") SIGNED("r7", "r10") SIGNED("r6", "r11")       \
  "ldr r7, [r1, #32 + 8 * " #channel " + 4 * " #tile "]\n"         \
  "add r7, r7, r5\n"                                               \
  SIGNED("r7", "r8")

#define SIGNED_TILE(tile)                                                              \
  LOAD_TARGETS(tile) SIGNED_CHANNEL(0, tile) SIGNED_CHANNEL(1, tile)                   \
  SIGNED_CHANNEL(2, tile) SIGNED_CHANNEL(3, tile) STORE_TARGETS(tile)

/* One block less, without touching the flags; `words` of factors lie between r0 + 8 and the next block. */
#define NEXT_BLOCK(words)             \
  "ldr r2, [r1, #-32]\n"              \
  "add r0, r0, #8 + 4 * " #words "\n" \
  "sub.w r2, r2, #1\n"                \
  "str r2, [r1, #-32]\n"              \
  "add.w r1, r1, #192\n"              \
  "cbz r2, 8f\n"                      \
  "b 0b\n"                            \
  "8:\n"

#endif
