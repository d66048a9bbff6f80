#include "ppg_conv16.h"

#include <stddef.h>

#include "ppg_memory.h"
#include "ppg_simd16.h"

#define POSITIONS PPG_MATRIX_POSITIONS
#define VALUE_BYTES 2

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

/* The 4 positions of a block: where their windows start. A row of fewer positions repeats its last one; those
   results are not stored. */
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

/* One output row, 4 positions at a time; the last 4 may overlap those before them. */
static void output_row(const ppg_conv16_t *conv, source_t source, uint32_t *columns, int16_t *out) {
  int32_t last = conv->out_columns < POSITIONS ? 0 : conv->out_columns - POSITIONS;
  int32_t positions = conv->out_columns - last;
  for (int32_t column = 0;; column = column + POSITIONS < last ? column + POSITIONS : last) {
    block_t block = block_at(conv, source.data + column * conv->stride_values);
    int16_t *to = out + column * conv->out_channels;
    for (int32_t group = 0; group < conv->groups; group++, to += conv->matrix.channels) {
      const int32_t *stream = conv->stream + group * conv->group_words;
      if (conv->offsets == NULL) {
        lay_pieces(conv, block, source.pitch, columns);
      } else {
        collect(block, conv->offsets, conv->matrix.steps, columns);
      }
      const int32_t *biases = conv->biases == NULL ? NULL : conv->biases + 2 * group * conv->matrix.channels;
      ppg_matrix16_block(&conv->matrix, stream, biases, columns, positions, to, conv->out_channels);
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
  int16_t *rows = (int16_t *)(void *)(columns + PPG_MATRIX_STEP_WORDS * conv->matrix.steps);
  int32_t out_row_values = conv->out_columns * conv->out_channels;
  for (int32_t row = 0; row < conv->out_rows; row++, to += out_row_values) {
    source_t source =
        conv->copies_rows ? copy_rows(conv, from, row, rows) : input_rows(conv, from, row);
    output_row(conv, source, columns, to);
  }
}
