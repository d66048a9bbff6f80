#include "ppg_conv_trios.h"

#include "ppg_conv_rows.h"

#define POSITIONS PPG_TRIOS_POSITIONS

void ppg_conv_trios(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch, ppg_trios_t *trios) {
  int32_t values = 4 * conv->matrix.steps, pitch = conv->out_channels, distance = conv->stride_bytes;
  int32_t blocks = conv->out_columns / POSITIONS, rest = conv->out_columns % POSITIONS;
  int32_t out_row_bytes = conv->out_columns * pitch;
  int8_t *rows = scratch + 4 * (PPG_TRIOS_COLUMN_WORDS * values + 1);
  ppg_trios_row_t row;
  row.stream = conv->stream;
  row.columns = (int32_t *)(void *)scratch;
  row.channels = pitch;
  row.values = values;
  row.rows = conv->kernel_rows;
  row.runs = conv->runs;
  row.count = conv->run_bytes;
  row.gap = conv->run_step - conv->run_bytes;
  row.block_step = POSITIONS * distance;
  row.out_step = POSITIONS * pitch;
  for (int32_t number = 0; number < conv->out_rows; number++, out += out_row_bytes) {
    ppg_rows_t source = ppg_window_rows(conv, in, number, rows);
    row.row_gap = source.pitch - conv->runs * conv->run_step;
    row.first = source.data;
    row.out = out, row.end = out + pitch, row.blocks = blocks;
    row.second = pitch, row.third = 2 * pitch;
    row.distance = distance, row.distance_third = 2 * distance;
    if (blocks > 0) trios(&row);
    if (rest > 0) {
      /* The last position, or the last of two, is computed again in place of those that are missing. */
      row.first += blocks * row.block_step;
      row.out += blocks * row.out_step, row.end = row.out + pitch, row.blocks = 1;
      row.second = row.third = (rest - 1) * pitch;
      row.distance = row.distance_third = (rest - 1) * distance;
      trios(&row);
    }
    ppg_clamp_all(out, conv->low, conv->high, out_row_bytes);
  }
}
