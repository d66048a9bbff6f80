#include "ppg_sum_tables.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"
#include "ppg_simd.h"

#define FRACTION 21

#if PPG_SIMD

/* Register plan: r0 table of the second operand   r1 first   r2 second   r3 out   r4 table of the first one
     r5-r8 first, sums   r9-r12 second   lr blocks left. All loads in one run: behind another load one takes a single
   cycle. */
#define FOUR(from)                              \
  "ldrb r9, [r2, #" #from "]\n"                 \
  "ldrb r10, [r2, #" #from " + 1]\n"            \
  "ldrb r11, [r2, #" #from " + 2]\n"            \
  "ldrb r12, [r2, #" #from " + 3]\n"            \
  "ldrb r5, [r1, #" #from "]\n"                \
  "ldrb r6, [r1, #" #from " + 1]\n"            \
  "ldrb r7, [r1, #" #from " + 2]\n"            \
  "ldrb r8, [r1, #" #from " + 3]\n"            \
  "ldr r5, [r4, r5, lsl #2]\n"                  \
  "ldr r9, [r0, r9, lsl #2]\n"                  \
  "ldr r6, [r4, r6, lsl #2]\n"                  \
  "ldr r10, [r0, r10, lsl #2]\n"                \
  "ldr r7, [r4, r7, lsl #2]\n"                  \
  "ldr r11, [r0, r11, lsl #2]\n"                \
  "ldr r8, [r4, r8, lsl #2]\n"                  \
  "ldr r12, [r0, r12, lsl #2]\n"                \
  "add r5, r5, r9\n"                            \
  "add r6, r6, r10\n"                           \
  "add r7, r7, r11\n"                           \
  "add r8, r8, r12\n"                           \
  "ssat r5, #8, r5, asr #21\n"                  \
  "ssat r6, #8, r6, asr #21\n"                  \
  "ssat r7, #8, r7, asr #21\n"                  \
  "ssat r8, #8, r8, asr #21\n"                  \
  "strb r5, [r3, #" #from "]\n"                 \
  "strb r6, [r3, #" #from " + 1]\n"             \
  "strb r7, [r3, #" #from " + 2]\n"             \
  "strb r8, [r3, #" #from " + 3]\n"

__attribute__((naked)) PPG_KEEP_FUNCTION static void eights(
    const int32_t *of_second __attribute__((unused)), const int8_t *first __attribute__((unused)),
    const int8_t *second __attribute__((unused)), int8_t *out __attribute__((unused)),
    const int32_t *of_first __attribute__((unused)), int32_t blocks __attribute__((unused))) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "ldr r4, [sp, #36]\n"
      "ldr lr, [sp, #40]\n"
      "1:\n" FOUR(0) FOUR(4)
      "add r1, r1, #8\n"
      "add r2, r2, #8\n"
      "add r3, r3, #8\n"
      "subs lr, lr, #1\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}

#endif

void ppg_sum_tables(const ppg_sum_tables_t *sum, const int8_t *first, const int8_t *second, int8_t *out) {
  const int32_t *of_first = sum->first, *of_second = sum->second;
  int32_t done = 0;
#if PPG_SIMD
  if (sum->count >= 8) {
    eights(of_second, first, second, out, of_first, sum->count / 8);
    done = sum->count / 8 * 8;
  }
#endif
  for (; done < sum->count; done++) {
    out[done] = (int8_t)ppg_saturate8((of_first[(uint8_t)first[done]] + of_second[(uint8_t)second[done]]) >> FRACTION);
  }
  ppg_clamp_all(out, sum->low, sum->high, sum->count);
}
