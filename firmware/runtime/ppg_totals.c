#include "ppg_totals.h"

#include "ppg_memory.h"

#define LARGEST_RUN 252 /* 255 * -128 still fits one int16; a multiple of 4 */

/* Sums of channels 0 to 3. */
static void four_channels(const int8_t *from, int32_t positions, int32_t pitch, int32_t sums[4]) {
  for (int32_t i = 0; i < 4; i++) sums[i] = 0;
  while (positions > 0) {
    int32_t run = positions < LARGEST_RUN ? positions : LARGEST_RUN, left = run;
    uint32_t even = 0, odd = 0;
    for (; left >= 4; left -= 4, from += 4 * pitch) {
      uint32_t first = ppg_load4(from), second = ppg_load4(from + pitch);
      uint32_t third = ppg_load4(from + 2 * pitch), fourth = ppg_load4(from + 3 * pitch);
      even = ppg_add_even_bytes(ppg_add_even_bytes(even, first), second);
      odd = ppg_add_odd_bytes(ppg_add_odd_bytes(odd, first), second);
      even = ppg_add_even_bytes(ppg_add_even_bytes(even, third), fourth);
      odd = ppg_add_odd_bytes(ppg_add_odd_bytes(odd, third), fourth);
    }
    for (; left > 0; left--, from += pitch) {
      uint32_t word = ppg_load4(from);
      even = ppg_add_even_bytes(even, word);
      odd = ppg_add_odd_bytes(odd, word);
    }
    sums[0] += ppg_low_half(even);
    sums[1] += ppg_low_half(odd);
    sums[2] += ppg_high_half(even);
    sums[3] += ppg_high_half(odd);
    positions -= run;
  }
}

static int32_t one_channel(const int8_t *from, int32_t positions, int32_t pitch) {
  int32_t sum = 0;
  for (; positions > 0; positions--, from += pitch) sum += *from;
  return sum;
}

typedef int8_t (*finish_t)(const void *parameters, int32_t sum);

static void all_channels(const void *parameters, const int8_t *in, int8_t *out, int32_t positions, int32_t channels,
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
static int8_t average(const void *parameters, int32_t sum) {
  const ppg_total_average_t *p = parameters;
  int32_t half = p->positions / 2;
  return (int8_t)((sum < 0 ? sum - half : sum + half) / p->positions);
}

static int8_t requantized(const void *parameters, int32_t sum) {
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
