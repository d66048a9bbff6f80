/* ADD of two operands of the same shape by a table each. `out` may be an operand. */
#ifndef PPG_SUM_TABLES_H
#define PPG_SUM_TABLES_H

#include <stdint.h>

typedef struct {
  /* What a code of the operand adds, everything constant included; for the codes 0 .. 127, then -128 .. -1; in 2^-21
     codes of the output. */
  const int32_t *first;
  const int32_t *second;
  int32_t count;
  int32_t low, high;
} ppg_sum_tables_t;

void ppg_sum_tables(const ppg_sum_tables_t *sum, const int8_t *first, const int8_t *second, int8_t *out);

#endif
