/* BATCH_MATMUL of two activations. Both operands are read with the summed axis innermost; an operand that lies
   the other way round is turned into scratch first. */
#ifndef PPG_BATCH_MATMUL_H
#define PPG_BATCH_MATMUL_H

#include "ppg_requant.h"

typedef struct {
  int32_t batches;
  int32_t rows, columns;           /* output */
  int32_t summed;                  /* length of each sum */
  int32_t turn_first, turn_second; /* 1: the operand's summed axis is the outer one */
  int32_t first_zero, second_zero, output_zero;
  ppg_factor_t factor; /* general form */
} ppg_batch_matmul_t;

/* `scratch`: 4 bytes per column for the columns' sums, then the turned second and first operand of one batch. */
void ppg_batch_matmul(const ppg_batch_matmul_t *product, const int8_t *first, const int8_t *second, int8_t *out,
                      int8_t *scratch);

#endif
