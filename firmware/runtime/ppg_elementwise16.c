#include "ppg_elementwise16.h"

#include "ppg_requant16.h"

#define ADD_LEFT_SHIFT 15

/* A line runs along the innermost axis. */
typedef struct {
  const int16_t *left, *right;
  int16_t *out;
} line_t;

static int32_t general(const ppg_factor_t *factor, int32_t value) {
  return ppg_requantize(value, factor->multiplier, factor->first, factor->right);
}

static void add_general(const void *parameters, line_t line) {
  const ppg_add_t *add = parameters;
  const ppg_elementwise_t *common = &add->common;
  for (int32_t i = 0; i < common->size[3]; i++) {
    int32_t left = line.left[i * common->left_step[3]] * (1 << ADD_LEFT_SHIFT);
    int32_t right = line.right[i * common->right_step[3]] * (1 << ADD_LEFT_SHIFT);
    int32_t sum = general(&add->left, left) + general(&add->right, right);
    line.out[i] = ppg_clamp16(general(&add->output, sum), common->low, common->high);
  }
}

static void add_proven(const void *parameters, line_t line) {
  const ppg_add_t *add = parameters;
  const ppg_factor_t right_factor = add->right, output_factor = add->output;
  const int16_t *left = line.left, *right = line.right;
  int16_t *out = line.out, *end = out + add->common.size[3];
  int32_t left_step = add->common.left_step[3], right_step = add->common.right_step[3];
  int32_t low = add->common.low, high = add->common.high;
  for (; out != end; left += left_step, right += right_step) {
    int32_t scaled = ppg_requantize_proven(*right * (1 << ADD_LEFT_SHIFT), &right_factor);
    int32_t sum = *left * (1 << (ADD_LEFT_SHIFT - 1)) + scaled;
    *out++ = ppg_clamp16(ppg_requantize_proven(sum, &output_factor), low, high);
  }
}

static void mul_general(const void *parameters, line_t line) {
  const ppg_mul_t *mul = parameters;
  const ppg_factor_t factor = mul->factor;
  const int16_t *left = line.left, *right = line.right;
  int16_t *out = line.out, *end = out + mul->common.size[3];
  int32_t left_step = mul->common.left_step[3], right_step = mul->common.right_step[3];
  int32_t low = mul->common.low, high = mul->common.high;
  for (; out != end; left += left_step, right += right_step) {
    *out++ = ppg_clamp16(general(&factor, *left * *right), low, high);
  }
}

static void for_each_line(const ppg_elementwise_t *common, line_t line, void (*each)(const void *, line_t),
                          const void *parameters) {
  const int32_t *size = common->size, *left_step = common->left_step, *right_step = common->right_step;
  int16_t *out = line.out;
  for (int32_t i = 0; i < size[0]; i++) {
    for (int32_t j = 0; j < size[1]; j++) {
      for (int32_t k = 0; k < size[2]; k++, out += size[3]) {
        const int16_t *left = line.left + i * left_step[0] + j * left_step[1] + k * left_step[2];
        const int16_t *right = line.right + i * right_step[0] + j * right_step[1] + k * right_step[2];
        each(parameters, (line_t){left, right, out});
      }
    }
  }
}

void ppg_add16(const ppg_add_t *add, const void *left, const void *right, void *out) {
  for_each_line(&add->common, (line_t){left, right, out}, add->common.proven ? add_proven : add_general, add);
}

void ppg_mul16(const ppg_mul_t *mul, const void *left, const void *right, void *out) {
  for_each_line(&mul->common, (line_t){left, right, out}, mul_general, mul);
}
