/* The code of ppg_depthwise_rows.c and ppg_depthwise_rows_9.c, which requantise differently: the files define
   PPG_ROWS_REQUANTIZE and ppg_rows_code. */
#ifndef PPG_DEPTHWISE_ROWS_BODY_H
#define PPG_DEPTHWISE_ROWS_BODY_H

#include "ppg_depthwise_rows.h"

#include "ppg_attributes.h"
#include "ppg_depthwise_rows_simd.h"
#include "ppg_memory.h"
#include "ppg_simd.h"

/* The outputs of every channel that lie `step` bytes apart, and the values under the first one's taps, as far apart. */
typedef struct {
  const int8_t *from;
  int8_t *to;
  int32_t step, count;
} lines_t;

static int32_t weight(const int32_t *words, int32_t tap, int32_t taps) {
  if (tap == taps - 1) return ppg_high_half((uint32_t)words[3]);
  uint32_t pair = (uint32_t)words[4 + tap / 2];
  return tap % 2 == 0 ? ppg_low_half(pair) : ppg_high_half(pair);
}

static int8_t one_output(const ppg_depthwise_rows_t *p, const int32_t *words, const int8_t *from, int32_t step) {
  int32_t scaled = words[0];
  for (int32_t tap = 0; tap < p->taps; tap++) {
    scaled = (int32_t)((uint32_t)scaled + (uint32_t)(from[tap * step] * weight(words, tap, p->taps)));
  }
  return (int8_t)ppg_saturate8(ppg_rows_code(scaled, words));
}

static void in_c(const ppg_depthwise_rows_t *p, lines_t lines) {
  const int32_t *words = p->words;
  for (int32_t channel = 0; channel < p->channels; channel++, words += PPG_DEPTHWISE_ROWS_WORDS(p->taps)) {
    for (int32_t i = 0; i < lines.count; i++) {
      const int8_t *from = lines.from + p->stride * i * lines.step + channel;
      lines.to[i * lines.step + channel] = one_output(p, words, from, lines.step);
    }
  }
}

#if PPG_SIMD

/* A multiple of 4 outputs. */
static void in_fours(const ppg_depthwise_rows_t *p, lines_t lines) {
  void (*loop)(const int32_t *, const int8_t *, int8_t *, int32_t, int32_t, int32_t);
  if (p->taps == 3) {
    loop = p->stride == 1 ? three_taps : three_taps_strided;
  } else {
    loop = p->stride == 1 ? five_taps : five_taps_strided;
  }
  loop(p->words, lines.from, lines.to, lines.step, lines.count, p->channels);
}

static void all_channels(const ppg_depthwise_rows_t *p, lines_t lines) {
  int32_t rest = lines.count % 4;
  if (lines.count < 4) {
    in_c(p, lines);
    return;
  }
  in_fours(p, (lines_t){lines.from, lines.to, lines.step, lines.count - rest});
  if (rest == 0) return;
  /* The last four once more: the input is not overwritten by them. */
  int32_t skipped = (lines.count - 4) * lines.step;
  in_fours(p, (lines_t){lines.from + p->stride * skipped, lines.to + skipped, lines.step, 4});
}

#else

static void all_channels(const ppg_depthwise_rows_t *p, lines_t lines) { in_c(p, lines); }

#endif

/* Lines of stride 1 interleave as many times as the dilation. */
static void one_row(const ppg_depthwise_rows_t *p, const int8_t *from, int8_t *to) {
  int32_t left = p->out_columns, step = p->dilation * p->channels;
  for (int32_t phase = 0; phase < p->dilation && left > 0; phase++, left--) {
    all_channels(p, (lines_t){from, to, step, p->dilation == 1 ? left : (left - 1) / p->dilation + 1});
    from += p->channels;
    to += p->channels;
  }
}

static void clamp(const ppg_depthwise_rows_t *p, int8_t *out) {
  ppg_clamp_all(out, p->low, p->high, p->rows * p->out_columns * p->channels);
}

static void copied_rows(const ppg_depthwise_rows_t *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  int32_t before = p->before * p->channels, used = p->columns, row_bytes = p->out_columns * p->channels;
  if (used > p->width - p->before) used = p->width - p->before;
  int32_t behind = before + used * p->channels;
  ppg_fill(scratch, p->input_zero, before);
  ppg_fill(scratch + behind, p->input_zero, p->width * p->channels - behind);
  for (int32_t row = 0; row < p->rows; row++) {
    ppg_copy(scratch + before, in + row * p->row_step, used * p->channels);
    one_row(p, scratch, out + row * row_bytes);
  }
  clamp(p, out);
}

static void rows_in_place(const ppg_depthwise_rows_t *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++) {
    one_row(p, in + row * p->row_step, out + row * p->out_columns * p->channels);
  }
  clamp(p, out);
}

#endif
