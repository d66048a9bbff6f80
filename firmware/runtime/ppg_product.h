/* MUL of two operands of the same shape, with the proven factor of ppg_requant.h. `out` may be an operand. */
#ifndef PPG_PRODUCT_H
#define PPG_PRODUCT_H

#include "ppg_requant.h"

typedef struct {
  int32_t first_zero, second_zero;
  ppg_factor_t factor;
  int32_t count;
  int32_t low, high;
} ppg_product_t;

void ppg_product(const ppg_product_t *product, const int8_t *first, const int8_t *second, int8_t *out);

#endif
