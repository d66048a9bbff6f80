/* SUB and SQUARED_DIFFERENCE with numpy broadcasting; the walk is that of ppg_elementwise.h, with the factors in
   the general form. `out` may be an operand of the output's own shape. */
#ifndef PPG_DIFFERENCE_H
#define PPG_DIFFERENCE_H

#include "ppg_elementwise.h"

/* As ppg_add_t: factors of the operands, scaled up by 2^20 (SUB) or 2^7 (SQUARED_DIFFERENCE), and of the result. */
typedef struct {
  ppg_elementwise_t common;
  ppg_factor_t left, right, output;
} ppg_difference_t;

void ppg_sub(const ppg_difference_t *sub, const int8_t *left, const int8_t *right, int8_t *out);
void ppg_squared_difference(const ppg_difference_t *squared, const int8_t *left, const int8_t *right, int8_t *out);

#endif
