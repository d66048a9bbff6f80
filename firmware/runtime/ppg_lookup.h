/* Any function of one code. `table` holds its values for the codes 0 .. 127, then -128 .. -1. `out` may be `in`. */
#ifndef PPG_LOOKUP_H
#define PPG_LOOKUP_H

#include <stdint.h>

void ppg_lookup(const int8_t *table, const int8_t *in, int8_t *out, int32_t count);

#endif
