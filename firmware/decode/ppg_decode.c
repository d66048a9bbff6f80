#include "ppg_decode.h"

#include <stddef.h>

/* value / 2^bits, halves rounded up. Right shifts of negative numbers keep the sign on every compiler we build with. */
static inline int64_t rounded_shift(int64_t value, int bits) {
  return (value + ((int64_t)1 << (bits - 1))) >> bits;
}

static inline int32_t code_at(const ppg_decoder_t *decoder, const void *codes, int32_t index) {
  return decoder->code_bytes == 1 ? ((const int8_t *)codes)[index] : ((const int16_t *)codes)[index];
}

/* The first of equal maxima. */
static int32_t find_peak(const ppg_decoder_t *decoder, const void *codes) {
  int32_t peak = 0;
  int32_t largest = code_at(decoder, codes, 0);
  for (int32_t index = 1; index < decoder->outputs; index++) {
    int32_t code = code_at(decoder, codes, index);
    if (code > largest) {
      largest = code;
      peak = index;
    }
  }
  return peak;
}

/* Weight of a logit that lies `below` codes under the peak, 30 fraction bits. */
static inline uint64_t weight(const ppg_decoder_t *decoder, uint32_t below) {
  if (decoder->code_bytes == 1) {
    return decoder->fine[below];
  }
  return ((uint64_t)decoder->fine[below & 255u] * decoder->coarse[below >> 8] + (1u << 29)) >> 30;
}

/* Weighted mean of the bins near the peak, 16 fraction bits, rounded down. */
static int64_t expected_bin(const ppg_decoder_t *decoder, const void *codes, int32_t peak) {
  int32_t first = peak > decoder->radius ? peak - decoder->radius : 0;
  int32_t last = decoder->outputs - 1 - peak > decoder->radius ? peak + decoder->radius : decoder->outputs - 1;
  int32_t largest = code_at(decoder, codes, peak);
  uint64_t total = 0, moment = 0;
  for (int32_t index = first; index <= last; index++) {
    uint64_t part = weight(decoder, (uint32_t)(largest - code_at(decoder, codes, index)));
    total += part;
    moment += part * (uint32_t)index;
  }
  return (int64_t)(((moment / total) << 16) + ((moment % total) << 16) / total);
}

int32_t ppg_decode_q16(const ppg_decoder_t *decoder, const void *codes) {
  int64_t answer;
  if (decoder->outputs == 1) {
    answer = rounded_shift((code_at(decoder, codes, 0) - decoder->zero_point) * decoder->scale_q32, 16);
  } else {
    int32_t peak = find_peak(decoder, codes);
    int64_t position = decoder->radius > 0 ? expected_bin(decoder, codes, peak) : (int64_t)peak << 16;
    answer = decoder->first_q16 + rounded_shift(position * decoder->width_q24, 24);
  }
  if (answer < decoder->low_q16) {
    return decoder->low_q16;
  }
  return answer > decoder->high_q16 ? decoder->high_q16 : (int32_t)answer;
}

void ppg_clip_filter_init(ppg_clip_filter_t *filter, int32_t *history, int32_t length, int32_t fraction_q24) {
  filter->history = history;
  filter->length = length;
  filter->fraction_q24 = fraction_q24;
  ppg_clip_filter_restart(filter);
}

void ppg_clip_filter_restart(ppg_clip_filter_t *filter) {
  filter->count = 0;
  filter->next = 0;
  filter->sum = 0;
}

int32_t ppg_clip_filter_next(ppg_clip_filter_t *filter, int32_t bpm_q16) {
  int64_t answer = bpm_q16;
  if (filter->count == filter->length) {
    int64_t mean = (filter->sum + filter->length / 2) / filter->length;
    int64_t margin = rounded_shift(mean * filter->fraction_q24, 24);
    if (answer < mean - margin) {
      answer = mean - margin;
    } else if (answer > mean + margin) {
      answer = mean + margin;
    }
    filter->sum -= filter->history[filter->next];
  } else {
    filter->count++;
  }
  filter->history[filter->next] = (int32_t)answer;
  filter->sum += answer;
  filter->next = filter->next + 1 == filter->length ? 0 : filter->next + 1;
  return (int32_t)answer;
}
