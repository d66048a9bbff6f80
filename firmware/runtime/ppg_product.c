#include "ppg_product.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"

#if PPG_SIMD

/* ppg_requantize_proven of half of `twice`, and the store. */
#define REQUANTIZE(twice, place)                 \
  "add r12, r7, " #twice ", asr #31\n"           \
  "smmlar " #twice ", " #twice ", r6, r12\n"     \
  "asr " #twice ", " #twice ", r8\n"             \
  "ssat " #twice ", #8, " #twice "\n"            \
  "strb " #twice ", [r2, #" #place "]\n"

/* Register plan: r0 first   r1 second   r2 out   r3 blocks left   r4, r5 minus the zero points, twice in each word
     r6 multiplier   r7 rounding and zero point   r8 shift   r9-r12, lr values, then products */
__attribute__((naked)) PPG_KEEP_FUNCTION static void fours(
    const int8_t *first __attribute__((unused)), const int8_t *second __attribute__((unused)),
    int8_t *out __attribute__((unused)), int32_t blocks __attribute__((unused)),
    const uint32_t minus_zeros[2] __attribute__((unused)), const ppg_factor_t *factor __attribute__((unused))) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "ldr r12, [sp, #36]\n"
      "ldr lr, [sp, #40]\n"
      "ldm r12, {r4, r5}\n"
      "ldm lr, {r6, r7, r8}\n"
      "1:\n"
      "ldr r10, [r0]\n"
      "ldr r12, [r1]\n"
      "add r0, r0, #4\n"
      "add r1, r1, #4\n"
      "sxtab16 r9, r4, r10\n"
      "sxtab16 r10, r4, r10, ror #8\n"
      "sxtab16 r11, r5, r12\n"
      "sxtab16 r12, r5, r12, ror #8\n"
      "sadd16 r9, r9, r9\n" /* the requantisation wants twice the product */
      "sadd16 r10, r10, r10\n"
      "smulbb lr, r9, r11\n"
      "smultt r9, r9, r11\n"
      "smulbb r11, r10, r12\n"
      "smultt r10, r10, r12\n"
      REQUANTIZE(lr, 0) REQUANTIZE(r11, 1) REQUANTIZE(r9, 2) REQUANTIZE(r10, 3)
      "add r2, r2, #4\n"
      "subs r3, r3, #1\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}

#endif

void ppg_product(const ppg_product_t *product, const int8_t *first, const int8_t *second, int8_t *out) {
  const ppg_factor_t factor = product->factor;
  int32_t first_zero = product->first_zero, second_zero = product->second_zero, done = 0;
#if PPG_SIMD
  if (product->count >= 4) {
    uint32_t minus_zeros[2] = {ppg_pair(-first_zero, -first_zero), ppg_pair(-second_zero, -second_zero)};
    fours(first, second, out, product->count / 4, minus_zeros, &factor);
    done = product->count / 4 * 4;
  }
#endif
  for (; done < product->count; done++) {
    int32_t value = (first[done] - first_zero) * (second[done] - second_zero);
    out[done] = (int8_t)ppg_saturate8(ppg_requantize_proven(value, &factor));
  }
  ppg_clamp_all(out, product->low, product->high, product->count);
}
