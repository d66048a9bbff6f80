#include "ppg_conv_trios.h"
#include "ppg_trios_fused.h"

TRIOS_FUSED(ppg_trios_14, 14, 13)

void ppg_conv_trios_14(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  ppg_conv_trios(conv, in, out, scratch, ppg_trios_14);
}
