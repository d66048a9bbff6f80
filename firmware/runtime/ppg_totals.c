#include "ppg_totals.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"

#define LARGEST_RUN 252 /* 255 * -128 still fits one int16; a multiple of 4 */

/* Halves of `even` channels 0 and 2, of `odd` channels 1 and 3. */
typedef struct {
  uint32_t even, odd;
} sums_t;

static inline sums_t add_word(sums_t sums, uint32_t word) {
  return (sums_t){ppg_add_even_bytes(sums.even, word), ppg_add_odd_bytes(sums.odd, word)};
}

/* Of 4 * `fours` positions, at least 4. */
static inline sums_t sums_of_fours(const int8_t *from, int32_t fours, int32_t pitch) {
  sums_t sums = {0, 0};
#if PPG_SIMD
  uint32_t first, second, third, fourth;
  int32_t three = 3 * pitch;
  __asm volatile(
      "1:\n"
      "ldr %[first], [%[from]]\n"
      "ldr %[second], [%[from], %[pitch]]\n"
      "ldr %[third], [%[from], %[pitch], lsl #1]\n"
      "ldr %[fourth], [%[from], %[three]]\n"
      "add %[from], %[from], %[pitch], lsl #2\n"
      "sxtab16 %[even], %[even], %[first]\n"
      "sxtab16 %[odd], %[odd], %[first], ror #8\n"
      "sxtab16 %[even], %[even], %[second]\n"
      "sxtab16 %[odd], %[odd], %[second], ror #8\n"
      "sxtab16 %[even], %[even], %[third]\n"
      "sxtab16 %[odd], %[odd], %[third], ror #8\n"
      "sxtab16 %[even], %[even], %[fourth]\n"
      "sxtab16 %[odd], %[odd], %[fourth], ror #8\n"
      "subs %[fours], %[fours], #1\n"
      "bne 1b\n"
      : [from] "+r"(from), [fours] "+r"(fours), [even] "+r"(sums.even), [odd] "+r"(sums.odd), [first] "=&r"(first),
        [second] "=&r"(second), [third] "=&r"(third), [fourth] "=&r"(fourth)
      : [pitch] "r"(pitch), [three] "r"(three)
      : "cc", "memory");
#else
  for (int32_t left = 4 * fours; left > 0; left--, from += pitch) sums = add_word(sums, ppg_load4(from));
#endif
  return sums;
}

/* Sums of channels 0 to 3. */
static void four_channels(const int8_t *from, int32_t positions, int32_t pitch, int32_t totals[4]) {
  int32_t first = 0, second = 0, third = 0, fourth = 0;
  while (positions > 0) {
    int32_t run = positions < LARGEST_RUN ? positions : LARGEST_RUN, fours = run / 4;
    sums_t sums = {0, 0};
    if (fours > 0) sums = sums_of_fours(from, fours, pitch);
    const int8_t *rest = from + 4 * fours * pitch;
    for (int32_t left = run % 4; left > 0; left--, rest += pitch) sums = add_word(sums, ppg_load4(rest));
    first += ppg_low_half(sums.even);
    second += ppg_low_half(sums.odd);
    third += ppg_high_half(sums.even);
    fourth += ppg_high_half(sums.odd);
    from += run * pitch;
    positions -= run;
  }
  totals[0] = first, totals[1] = second, totals[2] = third, totals[3] = fourth;
}

static int32_t one_channel(const int8_t *from, int32_t positions, int32_t pitch) {
  int32_t sum = 0;
  for (; positions > 0; positions--, from += pitch) sum += *from;
  return sum;
}

typedef int8_t (*finish_t)(const void *parameters, int32_t sum);

PPG_INLINE void all_channels(const void *parameters, const int8_t *in, int8_t *out, int32_t positions, int32_t channels,
                         finish_t finish) {
  int32_t channel = 0, sums[4];
  for (; channel + 4 <= channels; channel += 4) {
    four_channels(in + channel, positions, channels, sums);
    for (int32_t i = 0; i < 4; i++) out[channel + i] = finish(parameters, sums[i]);
  }
  for (; channel < channels; channel++) {
    out[channel] = finish(parameters, one_channel(in + channel, positions, channels));
  }
}

/* sum / positions, rounded half away from zero. */
PPG_INLINE int8_t average(const void *parameters, int32_t sum) {
  const ppg_total_average_t *p = parameters;
  int32_t half = p->positions / 2;
  return (int8_t)((sum < 0 ? sum - half : sum + half) / p->positions);
}

PPG_INLINE int8_t requantized(const void *parameters, int32_t sum) {
  const ppg_total_t *p = parameters;
  int32_t above = sum - p->positions * p->input_zero;
  int32_t scaled = ppg_requantize(above, p->factor.multiplier, p->factor.first, p->factor.right);
  return ppg_clamp(scaled, p->output_zero, INT8_MIN, INT8_MAX);
}

void ppg_total_average(const ppg_total_average_t *p, const int8_t *in, int8_t *out) {
  all_channels(p, in, out, p->positions, p->channels, average);
  ppg_clamp_all(out, p->low, p->high, p->channels);
}

void ppg_total(const ppg_total_t *p, const int8_t *in, int8_t *out) {
  all_channels(p, in, out, p->positions, p->channels, requantized);
}
