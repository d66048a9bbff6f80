/* Copies and fills of int8 rows. The C library's are not used because its size-optimised build moves single
   bytes. */
#ifndef PPG_MEMORY_H
#define PPG_MEMORY_H

#include <stdint.h>

/* `from` and `to` must not overlap. */
void ppg_copy(int8_t *to, const int8_t *from, int32_t count);

void ppg_fill(int8_t *to, int32_t value, int32_t count);

/* Limits `count` codes to low .. high, in place; does nothing when that is the whole int8 range. */
void ppg_clamp_all(int8_t *data, int32_t low, int32_t high, int32_t count);

#endif
