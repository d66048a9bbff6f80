/* CONV_2D by the blocks of ppg_trios.h: channels a multiple of 4, one group, windows in pieces of a multiple of 4 bytes. */
#ifndef PPG_CONV_TRIOS_H
#define PPG_CONV_TRIOS_H

#include "ppg_conv.h"
#include "ppg_trios.h"

/* `scratch` is 4-byte aligned and holds steps * 32 + 4 bytes of columns, then rows as for ppg_conv. `out` may be `in` where it
   may be for ppg_conv. */
void ppg_conv_trios_14(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);
void ppg_conv_trios_15(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);
void ppg_conv_trios_signed(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch);

void ppg_conv_trios(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch, ppg_trios_t *trios);

#endif
