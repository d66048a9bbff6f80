#include "ppg_lookup.h"

#include "ppg_attributes.h"
#include "ppg_simd.h"

#if PPG_SIMD

/* Register plan: r0 table   r1 in   r2 out   r3 blocks of 16 left   r4-r11 codes, then their values. All loads of 8 codes
   in one run: behind another load one takes a single cycle. */
#define EIGHT(from)                      \
  "ldrb r4, [r1, #" #from "]\n"          \
  "ldrb r5, [r1, #" #from " + 1]\n"      \
  "ldrb r6, [r1, #" #from " + 2]\n"      \
  "ldrb r7, [r1, #" #from " + 3]\n"      \
  "ldrb r8, [r1, #" #from " + 4]\n"      \
  "ldrb r9, [r1, #" #from " + 5]\n"      \
  "ldrb r10, [r1, #" #from " + 6]\n"     \
  "ldrb r11, [r1, #" #from " + 7]\n"     \
  "ldrb r4, [r0, r4]\n"                  \
  "ldrb r5, [r0, r5]\n"                  \
  "ldrb r6, [r0, r6]\n"                  \
  "ldrb r7, [r0, r7]\n"                  \
  "ldrb r8, [r0, r8]\n"                  \
  "ldrb r9, [r0, r9]\n"                  \
  "ldrb r10, [r0, r10]\n"                \
  "ldrb r11, [r0, r11]\n"                \
  "strb r4, [r2, #" #from "]\n"          \
  "strb r5, [r2, #" #from " + 1]\n"      \
  "strb r6, [r2, #" #from " + 2]\n"      \
  "strb r7, [r2, #" #from " + 3]\n"      \
  "strb r8, [r2, #" #from " + 4]\n"      \
  "strb r9, [r2, #" #from " + 5]\n"      \
  "strb r10, [r2, #" #from " + 6]\n"     \
  "strb r11, [r2, #" #from " + 7]\n"

__attribute__((naked)) PPG_KEEP_FUNCTION static void sixteens(
    const int8_t *table __attribute__((unused)), const int8_t *in __attribute__((unused)),
    int8_t *out __attribute__((unused)), int32_t blocks __attribute__((unused))) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "1:\n" EIGHT(0) EIGHT(8)
      "add r1, r1, #16\n"
      "add r2, r2, #16\n"
      "subs r3, r3, #1\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}

#endif

void ppg_lookup(const int8_t *table, const int8_t *in, int8_t *out, int32_t count) {
  int32_t done = 0;
#if PPG_SIMD
  if (count >= 16) {
    done = count / 16 * 16;
    sixteens(table, in, out, count / 16);
  }
#endif
  for (; done < count; done++) out[done] = table[(uint8_t)in[done]];
}
