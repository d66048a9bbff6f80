/* ADD and MUL with numpy broadcasting: an axis of size 1 is repeated by a step of 0. `out` may be an operand
   of the output's own shape. */
#ifndef PPG_ELEMENTWISE_H
#define PPG_ELEMENTWISE_H

#include "ppg_requant.h"

#define PPG_ELEMENTWISE_AXES 4

typedef struct {
  int32_t size[PPG_ELEMENTWISE_AXES];      /* output, outermost axis first */
  int32_t left_step[PPG_ELEMENTWISE_AXES]; /* bytes from one index of the axis to the next */
  int32_t right_step[PPG_ELEMENTWISE_AXES];
  int32_t left_zero, right_zero, output_zero;
  int32_t low, high;
  int32_t proven; /* 1: factors are in the proven form */
} ppg_elementwise_t;

typedef struct {
  ppg_elementwise_t common;
  /* Of the operands scaled up by 2^20, and of their sum; general form, or, when proven:
     left: not used, its factor is exactly 1/2; right: proven form without zero point; output: proven form. */
  ppg_factor_t left, right, output;
} ppg_add_t;

typedef struct {
  ppg_elementwise_t common;
  ppg_factor_t factor;
} ppg_mul_t;

void ppg_add(const ppg_add_t *add, const int8_t *left, const int8_t *right, int8_t *out);
void ppg_mul(const ppg_mul_t *mul, const int8_t *left, const int8_t *right, int8_t *out);

#endif
