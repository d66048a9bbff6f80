/* ADD and MUL of int16, parameters as in ppg_elementwise.h: steps count values, ADD scales its operands up by
   2^15, and MUL's factor is in the general form. */
#ifndef PPG_ELEMENTWISE16_H
#define PPG_ELEMENTWISE16_H

#include "ppg_elementwise.h"

/* Operands and `out` hold int16 and are aligned to 2 bytes. */
void ppg_add16(const ppg_add_t *add, const void *left, const void *right, void *out);
void ppg_mul16(const ppg_mul_t *mul, const void *left, const void *right, void *out);

#endif
