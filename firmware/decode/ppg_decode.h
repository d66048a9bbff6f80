/* From output codes to heart rate, in integers only. docs/decoders.md is the specification; the Python package
   ppg_deploy.fixed_decode gives the same bits. Heart rates are in BPM with 16 fraction bits ("q16").
   */
#ifndef PPG_DECODE_H
#define PPG_DECODE_H

#include <stdint.h>

#define PPG_DECODE_TABLE_SIZE 256

/* Constants of one model; ppg_card.h holds a generated one. Its numbers keep all intermediates within 64 bits. */
typedef struct {
  int32_t outputs;    /* codes a window; 1: the code is the heart rate */
  int32_t code_bytes; /* 1: int8 codes, 2: int16 codes */
  int32_t zero_point;
  int64_t scale_q32;      /* BPM a code, scalar output only */
  int32_t first_q16;      /* centre of bin 0 */
  int32_t width_q24;      /* BPM between two bins */
  int32_t radius;         /* bins on either side of the peak; 0: argmax */
  int32_t low_q16;        /* answers are limited to low .. high */
  int32_t high_q16;
  const uint32_t *fine;   /* exp(-d * scale) with 30 fraction bits, d = 0 .. 255 codes; NULL for radius 0 */
  const uint32_t *coarse; /* the same for d = 0, 256, 512, ... ; NULL for int8 */
} ppg_decoder_t;

/* Heart rate of one window in q16. `codes` holds decoder->outputs codes of decoder->code_bytes bytes each. */
int32_t ppg_decode_q16(const ppg_decoder_t *decoder, const void *codes);

/* Causal limiter: once `length` answers exist, each further one is limited to +-fraction of the mean of the last
   `length` limited answers. The caller owns the struct and the `history` array of `length` elements.
   */
typedef struct {
  int32_t *history;
  int32_t length;
  int32_t fraction_q24;
  int32_t count; /* answers in history */
  int32_t next;  /* where the next one goes; the oldest once history is full */
  int64_t sum;   /* of history */
} ppg_clip_filter_t;

void ppg_clip_filter_init(ppg_clip_filter_t *filter, int32_t *history, int32_t length, int32_t fraction_q24);

/* Forgets the past, as at the start of a recording. */
void ppg_clip_filter_restart(ppg_clip_filter_t *filter);

/* The limited answer; both in q16. */
int32_t ppg_clip_filter_next(ppg_clip_filter_t *filter, int32_t bpm_q16);

#endif
