#include "ppg_conv_quads.h"
#include "ppg_quads_fused.h"

QUADS_FUSED(ppg_quads_14, 14)

void ppg_conv_quads_14(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  ppg_conv_quads(conv, in, out, scratch, ppg_quads_14);
}
