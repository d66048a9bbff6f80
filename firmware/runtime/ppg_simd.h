/* The handful of packed-integer operations that the kernels are written in: one instruction each on cores
   with the DSP extension, a few lines of portable C elsewhere. Both give the same bits. Assumes
   little-endian memory. */
#ifndef PPG_SIMD_H
#define PPG_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define PPG_SIMD 1
#include <arm_acle.h>
#else
#define PPG_SIMD 0
#endif

/* Four int8 from any address, first one in the lowest byte. */
static inline uint32_t ppg_load4(const int8_t *from) {
  uint32_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

static inline void ppg_store4(int8_t *to, uint32_t word) { memcpy(to, &word, sizeof word); }

static inline int32_t ppg_low_half(uint32_t pair) { return (int16_t)(uint16_t)pair; }

static inline int32_t ppg_high_half(uint32_t pair) { return (int16_t)(uint16_t)(pair >> 16); }

#if PPG_SIMD

/* Two int16 side by side. */
static inline uint32_t ppg_pair(int32_t low, int32_t high) {
  uint32_t pair;
  __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
  return pair;
}

/* Bytes 0 and 2, sign-extended to two int16. */
static inline uint32_t ppg_even_bytes(uint32_t word) { return (uint32_t)__sxtb16((int8x4_t)word); }

/* Bytes 1 and 3, sign-extended to two int16. */
static inline uint32_t ppg_odd_bytes(uint32_t word) {
  uint32_t pair;
  __asm("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
  return pair;
}

/* sums + ppg_even_bytes(word), halves apart. */
static inline uint32_t ppg_add_even_bytes(uint32_t sums, uint32_t word) {
  __asm("sxtab16 %0, %0, %1" : "+r"(sums) : "r"(word));
  return sums;
}

/* sums + ppg_odd_bytes(word), halves apart. */
static inline uint32_t ppg_add_odd_bytes(uint32_t sums, uint32_t word) {
  __asm("sxtab16 %0, %0, %1, ror #8" : "+r"(sums) : "r"(word));
  return sums;
}

/* accumulator + products of both halves; wraps. */
static inline int32_t ppg_dot2(uint32_t left, uint32_t right, int32_t accumulator) {
  return __smlad((int16x2_t)left, (int16x2_t)right, accumulator);
}

/* left - right, halves apart. */
static inline uint32_t ppg_subtract2(uint32_t left, uint32_t right) {
  uint32_t difference;
  __asm("ssub16 %0, %1, %2" : "=r"(difference) : "r"(left), "r"(right));
  return difference;
}

/* accumulator + product of the low halves; wraps. */
static inline int32_t ppg_dot_low(uint32_t left, uint32_t right, int32_t accumulator) {
  int32_t sum;
  __asm("smlabb %0, %1, %2, %3" : "=r"(sum) : "r"(left), "r"(right), "r"(accumulator));
  return sum;
}

/* accumulator + product of the high halves; wraps. */
static inline int32_t ppg_dot_high(uint32_t left, uint32_t right, int32_t accumulator) {
  int32_t sum;
  __asm("smlatt %0, %1, %2, %3" : "=r"(sum) : "r"(left), "r"(right), "r"(accumulator));
  return sum;
}

/* Larger of each of four int8. */
static inline uint32_t ppg_max4(uint32_t left, uint32_t right) {
  uint32_t larger;
  __asm("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(larger) : "r"(left), "r"(right) : "cc");
  return larger;
}

/* Smaller of each of four int8. */
static inline uint32_t ppg_min4(uint32_t left, uint32_t right) {
  uint32_t smaller;
  __asm("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(smaller) : "r"(left), "r"(right) : "cc");
  return smaller;
}

/* (left * right + 2^31) >> 32. */
static inline int32_t ppg_high_product(int32_t left, int32_t right) {
  int32_t high;
  __asm("smmulr %0, %1, %2" : "=r"(high) : "r"(left), "r"(right));
  return high;
}

/* accumulator + floor(left * right / 2^32); the sum must fit. */
static inline int32_t ppg_high_accumulate(int32_t left, int32_t right, int32_t accumulator) {
  int32_t sum;
  __asm("smmla %0, %1, %2, %3" : "=r"(sum) : "r"(left), "r"(right), "r"(accumulator));
  return sum;
}

static inline int32_t ppg_saturate8(int32_t value) {
  int32_t saturated;
  __asm("ssat %0, #8, %1" : "=r"(saturated) : "r"(value));
  return saturated;
}

#else

static inline uint32_t ppg_pair(int32_t low, int32_t high) {
  return (uint32_t)(uint16_t)low | ((uint32_t)(uint16_t)high << 16);
}

static inline uint32_t ppg_even_bytes(uint32_t word) {
  return ppg_pair((int8_t)(uint8_t)word, (int8_t)(uint8_t)(word >> 16));
}

static inline uint32_t ppg_odd_bytes(uint32_t word) { return ppg_even_bytes(word >> 8); }

static inline uint32_t ppg_add_even_bytes(uint32_t sums, uint32_t word) {
  return ppg_pair(ppg_low_half(sums) + (int8_t)(uint8_t)word,
                  ppg_high_half(sums) + (int8_t)(uint8_t)(word >> 16));
}

static inline uint32_t ppg_add_odd_bytes(uint32_t sums, uint32_t word) {
  return ppg_add_even_bytes(sums, word >> 8);
}

static inline uint32_t ppg_subtract2(uint32_t left, uint32_t right) {
  return ppg_pair(ppg_low_half(left) - ppg_low_half(right), ppg_high_half(left) - ppg_high_half(right));
}

static inline int32_t ppg_dot_low(uint32_t left, uint32_t right, int32_t accumulator) {
  return (int32_t)((uint32_t)accumulator + (uint32_t)(ppg_low_half(left) * ppg_low_half(right)));
}

static inline int32_t ppg_dot_high(uint32_t left, uint32_t right, int32_t accumulator) {
  return (int32_t)((uint32_t)accumulator + (uint32_t)(ppg_high_half(left) * ppg_high_half(right)));
}

static inline int32_t ppg_dot2(uint32_t left, uint32_t right, int32_t accumulator) {
  return ppg_dot_high(left, right, ppg_dot_low(left, right, accumulator));
}

static inline uint32_t ppg_larger4(uint32_t left, uint32_t right) {
  uint32_t mask = 0;
  for (uint32_t shift = 0; shift < 32; shift += 8) {
    if ((int8_t)(uint8_t)(left >> shift) >= (int8_t)(uint8_t)(right >> shift)) mask |= 0xFFu << shift;
  }
  return mask;
}

static inline uint32_t ppg_max4(uint32_t left, uint32_t right) {
  uint32_t mask = ppg_larger4(left, right);
  return (left & mask) | (right & ~mask);
}

static inline uint32_t ppg_min4(uint32_t left, uint32_t right) {
  uint32_t mask = ppg_larger4(left, right);
  return (right & mask) | (left & ~mask);
}

static inline int32_t ppg_high_product(int32_t left, int32_t right) {
  return (int32_t)(((int64_t)left * right + ((int64_t)1 << 31)) >> 32);
}

static inline int32_t ppg_high_accumulate(int32_t left, int32_t right, int32_t accumulator) {
  return accumulator + (int32_t)(((int64_t)left * right) >> 32);
}

static inline int32_t ppg_saturate8(int32_t value) {
  return value < -128 ? -128 : (value > 127 ? 127 : value);
}

#endif

/* The lowest bytes of four numbers, the first one lowest. */
static inline uint32_t ppg_four(int32_t first, int32_t second, int32_t third, int32_t fourth) {
  uint32_t even = ppg_pair(first, third), odd = ppg_pair(second, fourth);
  return (even & 0x00FF00FFu) | ((odd & 0x00FF00FFu) << 8);
}

#endif
