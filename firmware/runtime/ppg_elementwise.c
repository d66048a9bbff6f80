#include "ppg_elementwise.h"

#include "ppg_memory.h"

#define ADD_LEFT_SHIFT 20

/* The lines of each kernel run along the innermost axis. They copy their parameters first: a store to int8_t
   might alias the parameters, so the compiler would load them again for every element. */
typedef struct {
  const int8_t *left, *right;
  int8_t *out;
} line_t;

static int32_t general(const ppg_factor_t *factor, int32_t value) {
  return ppg_requantize(value, factor->multiplier, factor->first, factor->right);
}

static void add_general(const void *parameters, line_t line) {
  const ppg_add_t *add = parameters;
  const ppg_elementwise_t *common = &add->common;
  for (int32_t i = 0; i < common->size[3]; i++) {
    int32_t left = (line.left[i * common->left_step[3]] - common->left_zero) * (1 << ADD_LEFT_SHIFT);
    int32_t right = (line.right[i * common->right_step[3]] - common->right_zero) * (1 << ADD_LEFT_SHIFT);
    int32_t sum = general(&add->left, left) + general(&add->right, right);
    line.out[i] = ppg_clamp(general(&add->output, sum), common->output_zero, INT8_MIN, INT8_MAX);
  }
}

static void add_proven(const void *parameters, line_t line) {
  const ppg_add_t *add = parameters;
  const ppg_factor_t right_factor = add->right, output_factor = add->output;
  const int8_t *left = line.left, *right = line.right;
  int8_t *out = line.out, *end = out + add->common.size[3];
  int32_t left_step = add->common.left_step[3], right_step = add->common.right_step[3];
  int32_t left_zero = add->common.left_zero * (1 << (ADD_LEFT_SHIFT - 1));
  int32_t right_zero = add->common.right_zero * (1 << ADD_LEFT_SHIFT);
  for (; out != end; left += left_step, right += right_step) {
    int32_t scaled = ppg_requantize_proven(*right * (1 << ADD_LEFT_SHIFT) - right_zero, &right_factor);
    int32_t sum = *left * (1 << (ADD_LEFT_SHIFT - 1)) - left_zero + scaled;
    *out++ = (int8_t)ppg_saturate8(ppg_requantize_proven(sum, &output_factor));
  }
}

static void mul_general(const void *parameters, line_t line) {
  const ppg_mul_t *mul = parameters;
  const ppg_elementwise_t *common = &mul->common;
  for (int32_t i = 0; i < common->size[3]; i++) {
    int32_t left = line.left[i * common->left_step[3]] - common->left_zero;
    int32_t right = line.right[i * common->right_step[3]] - common->right_zero;
    line.out[i] = ppg_clamp(general(&mul->factor, left * right), common->output_zero, INT8_MIN, INT8_MAX);
  }
}

static void mul_proven(const void *parameters, line_t line) {
  const ppg_mul_t *mul = parameters;
  const ppg_factor_t factor = mul->factor;
  const int8_t *left = line.left, *right = line.right;
  int8_t *out = line.out, *end = out + mul->common.size[3];
  int32_t left_step = mul->common.left_step[3], right_step = mul->common.right_step[3];
  int32_t left_zero = mul->common.left_zero, right_zero = mul->common.right_zero;
  for (; out != end; left += left_step, right += right_step) {
    int32_t product = (*left - left_zero) * (*right - right_zero);
    *out++ = (int8_t)ppg_saturate8(ppg_requantize_proven(product, &factor));
  }
}

static void for_each_line(const ppg_elementwise_t *common, line_t line, void (*each)(const void *, line_t),
                          const void *parameters) {
  const int32_t *size = common->size, *left_step = common->left_step, *right_step = common->right_step;
  int8_t *out = line.out;
  for (int32_t i = 0; i < size[0]; i++) {
    for (int32_t j = 0; j < size[1]; j++) {
      for (int32_t k = 0; k < size[2]; k++, out += size[3]) {
        const int8_t *left = line.left + i * left_step[0] + j * left_step[1] + k * left_step[2];
        const int8_t *right = line.right + i * right_step[0] + j * right_step[1] + k * right_step[2];
        each(parameters, (line_t){left, right, out});
      }
    }
  }
  ppg_clamp_all(line.out, common->low, common->high, size[0] * size[1] * size[2] * size[3]);
}

void ppg_add(const ppg_add_t *add, const int8_t *left, const int8_t *right, int8_t *out) {
  for_each_line(&add->common, (line_t){left, right, out}, add->common.proven ? add_proven : add_general, add);
}

void ppg_mul(const ppg_mul_t *mul, const int8_t *left, const int8_t *right, int8_t *out) {
  for_each_line(&mul->common, (line_t){left, right, out}, mul->common.proven ? mul_proven : mul_general, mul);
}
