/* ADD of two operands of the same shape, one of them by table. `out` may be an operand. */
#ifndef PPG_SUM_H
#define PPG_SUM_H

#include <stdint.h>

typedef struct {
  /* What a code of the second operand adds, everything constant included; for the codes 0 .. 127, then -128 .. -1; in
     2^-22 codes of the output. */
  const int32_t *table;
  int32_t slope; /* of the first operand, in 2^-22 */
  int32_t count;
  int32_t low, high;
} ppg_sum_t;

void ppg_sum(const ppg_sum_t *sum, const int8_t *first, const int8_t *second, int8_t *out);

#endif
