#include "ppg_conv_quads.h"

#include <stddef.h>

#include "ppg_attributes.h"
#include "ppg_conv_rows.h"

#define POSITIONS PPG_QUADS_POSITIONS
#define CHANNELS PPG_QUADS_CHANNELS

/* Windows whose pieces are no multiple of 4 bytes, value by value. */
PPG_KEEP_FUNCTION static void collect(const int8_t *first, const int8_t *second, const int32_t *offsets,
                                      const int32_t *end, uint32_t *columns) {
  for (; offsets != end; offsets += 4, columns += PPG_QUADS_STEP_WORDS) {
    int32_t a = offsets[0], b = offsets[1], c = offsets[2], d = offsets[3];
    columns[0] = ppg_pair(first[a], first[c]);
    columns[1] = ppg_pair(second[a], second[c]);
    columns[2] = ppg_pair(first[b], first[d]);
    columns[3] = ppg_pair(second[b], second[d]);
  }
  columns[-2] += PPG_QUADS_END;
  columns[-1] += PPG_QUADS_END;
}

/* The last channels of a group, fewer than 4, at one block. */
static void last_channels(ppg_quads_row_t *row, int8_t *out, int32_t channels, ppg_quads_t *quads) {
  int8_t codes[POSITIONS * CHANNELS] = {0};
  int32_t pitch = row->pitch, whole = row->channels;
  row->out = codes, row->pitch = CHANNELS, row->channels = CHANNELS, row->end = codes + CHANNELS;
  quads(row);
  row->pitch = pitch, row->channels = whole;
  for (int32_t channel = 0; channel < channels; channel++) {
    out[channel] = codes[channel];
    out[channel + pitch] = codes[CHANNELS + channel];
  }
}

/* Blocks one by one, because columns are collected here or channels are left over. */
PPG_KEEP_FUNCTION static void single_blocks(const ppg_conv_t *conv, ppg_quads_row_t *row, ppg_quads_t *quads) {
  int32_t fours = conv->matrix.channels / CHANNELS, rest = conv->matrix.channels % CHANNELS;
  const int32_t *stream = row->stream, *last = stream;
  if (rest > 0) last += conv->group_words / (fours + 1) * fours;
  int8_t *out = row->out;
  int32_t blocks = row->blocks;
  for (row->blocks = 1; blocks > 0; blocks--) {
    row->rows = conv->kernel_rows;
    if (conv->offsets != NULL) {
      const int32_t *end = conv->offsets + 2 * row->pairs;
      collect(row->first, row->first + row->distance, conv->offsets, end, row->columns);
      row->rows = 0;
    }
    if (row->channels > 0) {
      row->out = out, row->end = out + row->channels, row->stream = stream;
      quads(row);
      row->rows = 0;
    }
    if (rest > 0) {
      row->stream = last;
      last_channels(row, out + row->channels, rest, quads);
    }
    row->first += row->block_step;
    out += POSITIONS * row->pitch;
  }
}

/* Blocks of one output row of all groups. */
static void output_blocks(const ppg_conv_t *conv, ppg_quads_row_t *row, const int8_t *first, int8_t *out,
                          ppg_quads_t *quads) {
  int32_t blocks = row->blocks;
  const int32_t *stream = conv->stream;
  for (int32_t group = conv->groups; group > 0; group--) {
    row->stream = stream;
    row->first = first;
    row->out = out;
    row->end = out + row->channels;
    row->blocks = blocks;
    if (row->channels == conv->matrix.channels && conv->offsets == NULL) {
      quads(row);
    } else {
      single_blocks(conv, row, quads);
    }
    stream += conv->group_words;
    first += conv->group_bytes;
    out += conv->matrix.channels;
  }
}

void ppg_conv_quads(const ppg_conv_t *conv, const int8_t *in, int8_t *out, int8_t *scratch, ppg_quads_t *quads) {
  int32_t steps = conv->matrix.steps, out_row_bytes = conv->out_columns * conv->out_channels;
  int32_t blocks = conv->out_columns / POSITIONS, odd = conv->out_columns % POSITIONS;
  int32_t block_step = POSITIONS * conv->stride_bytes, block_pitch = POSITIONS * conv->out_channels;
  int8_t *rows = scratch + 4 * PPG_QUADS_STEP_WORDS * steps;
  ppg_quads_row_t row;
  row.columns = (uint32_t *)(void *)scratch;
  row.channels = conv->matrix.channels / CHANNELS * CHANNELS;
  row.pairs = 2 * steps;
  row.spare = 0;
  row.rows = conv->kernel_rows;
  row.runs = conv->runs;
  row.count = conv->run_bytes;
  row.gap = conv->run_step - conv->run_bytes;
  row.block_step = block_step;
  for (int32_t number = 0; number < conv->out_rows; number++, out += out_row_bytes) {
    ppg_rows_t source = ppg_window_rows(conv, in, number, rows);
    row.row_gap = source.pitch - conv->runs * conv->run_step;
    row.blocks = blocks, row.pitch = conv->out_channels, row.distance = conv->stride_bytes;
    if (blocks > 0) output_blocks(conv, &row, source.data, out, quads);
    /* An odd last position is computed twice. */
    row.blocks = 1, row.pitch = 0, row.distance = 0;
    if (odd) output_blocks(conv, &row, source.data + blocks * block_step, out + blocks * block_pitch, quads);
    ppg_clamp_all(out, conv->low, conv->high, out_row_bytes);
  }
}
