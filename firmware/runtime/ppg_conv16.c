#include "ppg_conv16.h"

#include <stddef.h>

#include "ppg_matrix.h"
#include "ppg_memory.h"
#include "ppg_requant16.h"

#define POSITIONS PPG_MATRIX_POSITIONS
#define VALUE_BYTES 2
#define FACTOR_WORDS 3

static void copy(int16_t *to, const int16_t *from, int32_t count) {
  ppg_copy((int8_t *)to, (const int8_t *)from, VALUE_BYTES * count);
}

static void fill(int16_t *to, int32_t count) { ppg_fill((int8_t *)to, 0, VALUE_BYTES * count); }

/* Where the windows of one output row are read from. */
typedef struct {
  const int16_t *data;
  int32_t pitch; /* between kernel rows */
} source_t;

/* Copies the input rows that output row `row` looks at, with margins, one behind the other. */
static source_t copy_rows(const ppg_conv16_t *conv, const int16_t *in, int32_t row, int16_t *rows) {
  int32_t pitch = conv->left_values + conv->row_values + conv->right_values;
  int16_t *to = rows;
  for (int32_t kernel_row = 0; kernel_row < conv->kernel_rows; kernel_row++, to += pitch) {
    int32_t from_row = row * conv->stride_rows - conv->pad_top + kernel_row * conv->kernel_row_step;
    if (from_row < 0 || from_row >= conv->rows) {
      fill(to, pitch);
    } else {
      fill(to, conv->left_values);
      copy(to + conv->left_values, in + from_row * conv->row_values, conv->row_values);
      fill(to + conv->left_values + conv->row_values, conv->right_values);
    }
  }
  return (source_t){rows, pitch};
}

static source_t input_rows(const ppg_conv16_t *conv, const int16_t *in, int32_t row) {
  return (source_t){in + row * conv->stride_rows * conv->row_values,
                    conv->kernel_row_step * conv->row_values};
}

/* The 4 positions of a block: where their windows start. A row of fewer positions repeats its last one; those results
   are not stored. */
typedef struct {
  const int16_t *starts[POSITIONS];
} block_t;

static block_t block_at(const ppg_conv16_t *conv, const int16_t *data) {
  block_t block;
  for (int32_t position = 0; position < POSITIONS; position++) {
    int32_t column = position < conv->out_columns ? position : conv->out_columns - 1;
    block.starts[position] = data + column * conv->stride_values;
  }
  return block;
}

/* Windows whose pieces are a multiple of 4 values. */
static void lay_pieces(const ppg_conv16_t *conv, block_t block, int32_t row_step, uint32_t *columns) {
  for (int32_t row = 0; row < conv->kernel_rows; row++) {
    const int16_t *first = block.starts[0] + row * row_step, *second = block.starts[1] + row * row_step;
    const int16_t *third = block.starts[2] + row * row_step, *fourth = block.starts[3] + row * row_step;
    int32_t gap = conv->run_step - conv->run_values;
    for (int32_t run = conv->runs; run > 0; run--) {
      const int16_t *end = first + conv->run_values;
      for (; first != end; first += 4, second += 4, third += 4, fourth += 4) {
        columns[0] = ppg_load2(first), columns[4] = ppg_load2(first + 2);
        columns[1] = ppg_load2(second), columns[5] = ppg_load2(second + 2);
        columns[2] = ppg_load2(third), columns[6] = ppg_load2(third + 2);
        columns[3] = ppg_load2(fourth), columns[7] = ppg_load2(fourth + 2);
        columns += PPG_MATRIX_STEP_WORDS;
      }
      first += gap, second += gap, third += gap, fourth += gap;
    }
  }
}

/* Windows whose pieces are no multiple of 4 values, value by value. */
static void collect(block_t block, const int32_t *offsets, int32_t steps, uint32_t *columns) {
  for (; steps > 0; steps--, offsets += 4, columns += PPG_MATRIX_STEP_WORDS) {
    int32_t first = offsets[0], second = offsets[1], third = offsets[2], fourth = offsets[3];
    for (int32_t position = 0; position < POSITIONS; position++) {
      const int16_t *from = block.starts[position];
      columns[position] = ppg_pair(from[first], from[second]);
      columns[POSITIONS + position] = ppg_pair(from[third], from[fourth]);
    }
  }
}

static ppg_factor16_t factor_at(const int32_t *words) {
  return (ppg_factor16_t){words[0], words[1], words[2]};
}

/* Output channels of a group at up to 4 positions, 32-bit accumulators. */
static void multiply_narrow(const ppg_conv16_t *conv, const int32_t *stream, const uint32_t *columns,
                            int32_t positions, int16_t *out) {
  const uint32_t *sixes_end = columns + conv->sixes_words;
  const uint32_t *end = columns + PPG_MATRIX_STEP_WORDS * conv->steps;
  int32_t pair_words = PPG_MATRIX_PAIR_WORDS(conv->steps), pitch = conv->out_channels;
  int32_t low = conv->low, high = conv->high;
  for (int32_t channel = 0; channel < conv->group_channels; channel += 2, stream += pair_words) {
    int32_t accumulators[PPG_MATRIX_ACCUMULATORS];
    ppg_matrix_accumulate(stream, columns, sixes_end, end, accumulators);
    const int32_t *words = stream + pair_words - 2 * FACTOR_WORDS;
    for (int32_t which = 0; which < 2 && channel + which < conv->group_channels; which++) {
      const ppg_factor16_t factor = factor_at(words + FACTOR_WORDS * which);
      const int32_t *sums = accumulators + POSITIONS * which;
      int16_t *to = out + channel + which;
      for (int32_t position = 0; position < positions; position++, to += pitch) {
        *to = ppg_clamp16(ppg_requantize_narrow(sums[position], &factor), low, high);
      }
    }
  }
}

/* One output channel at one position, 64-bit accumulator. `odd`: the second channel of its pair. */
static int64_t wide_sum(const int32_t *weights, int32_t odd, const uint32_t *values, int32_t steps,
                        int64_t sum) {
  for (; steps > 0; steps--, weights += 2, values += PPG_MATRIX_STEP_WORDS) {
    uint32_t first = (uint32_t)weights[0], second = (uint32_t)weights[1];
    sum = ppg_dot2_wide(odd ? ppg_odd_bytes(first) : ppg_even_bytes(first), values[0], sum);
    sum = ppg_dot2_wide(odd ? ppg_odd_bytes(second) : ppg_even_bytes(second), values[POSITIONS], sum);
  }
  return sum;
}

/* As multiply_narrow, with 64-bit accumulators; `biases` are those of the group. */
static void multiply_wide(const ppg_conv16_t *conv, const int32_t *stream, const int32_t *biases,
                          const uint32_t *columns, int32_t positions, int16_t *out) {
  int32_t pair_words = PPG_MATRIX_PAIR_WORDS(conv->steps);
  for (int32_t channel = 0; channel < conv->group_channels; channel++) {
    int32_t odd = channel % 2;
    const int32_t *pair = stream + channel / 2 * pair_words;
    const ppg_factor16_t factor = factor_at(pair + pair_words - (2 - odd) * FACTOR_WORDS);
    int64_t bias = ppg_wide_bias(biases + 2 * channel);
    for (int32_t position = 0; position < positions; position++) {
      int64_t sum = wide_sum(pair + 2, odd, columns + position, conv->steps, bias);
      int32_t scaled = ppg_requantize_wide(sum, &factor);
      out[position * conv->out_channels + channel] = ppg_clamp16(scaled, conv->low, conv->high);
    }
  }
}

/* One output row, 4 positions at a time; the last 4 may overlap those before them. */
static void output_row(const ppg_conv16_t *conv, source_t source, uint32_t *columns, int16_t *out) {
  int32_t last = conv->out_columns < POSITIONS ? 0 : conv->out_columns - POSITIONS;
  int32_t positions = conv->out_columns - last;
  for (int32_t column = 0;; column = column + POSITIONS < last ? column + POSITIONS : last) {
    block_t block = block_at(conv, source.data + column * conv->stride_values);
    int16_t *to = out + column * conv->out_channels;
    for (int32_t group = 0; group < conv->groups; group++, to += conv->group_channels) {
      const int32_t *stream = conv->stream + group * conv->group_words;
      if (conv->offsets == NULL) {
        lay_pieces(conv, block, source.pitch, columns);
      } else {
        collect(block, conv->offsets, conv->steps, columns);
      }
      if (conv->biases == NULL) {
        multiply_narrow(conv, stream, columns, positions, to);
      } else {
        const int32_t *biases = conv->biases + 2 * group * conv->group_channels;
        multiply_wide(conv, stream, biases, columns, positions, to);
      }
      for (int32_t position = 0; position < POSITIONS; position++) {
        block.starts[position] += conv->group_values;
      }
    }
    if (column == last) return;
  }
}

void ppg_conv16(const ppg_conv16_t *conv, const void *in, void *out, void *scratch) {
  const int16_t *from = in;
  int16_t *to = out;
  uint32_t *columns = scratch;
  int16_t *rows = (int16_t *)(void *)(columns + PPG_MATRIX_STEP_WORDS * conv->steps);
  int32_t out_row_values = conv->out_columns * conv->out_channels;
  for (int32_t row = 0; row < conv->out_rows; row++, to += out_row_values) {
    source_t source =
        conv->copies_rows ? copy_rows(conv, from, row, rows) : input_rows(conv, from, row);
    output_row(conv, source, columns, to);
  }
}
