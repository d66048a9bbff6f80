/* ppg_conv for channels whose sums are proven to fit 24 bits: the windows of 2 positions are laid side by side as
   columns, then multiplied by a routine of ppg_quads.h, which `stream` is laid out for. `matrix.sixes_words`,
   `matrix.proven` and `matrix.output_zero` are not used. */
#ifndef PPG_CONV_QUADS_H
#define PPG_CONV_QUADS_H

#include "ppg_conv.h"
#include "ppg_quads.h"

/* Scratch as in ppg_conv.h, with 16 bytes of columns a step. */
void ppg_conv_quads(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch, ppg_quads_t *quads);

void ppg_conv_quads_11(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);
void ppg_conv_quads_14(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);
void ppg_conv_quads_short(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);
void ppg_conv_quads_any(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
