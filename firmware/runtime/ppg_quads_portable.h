/* The routines of ppg_quads.h in C, for cores without the DSP extension and for tests. */
#ifndef PPG_QUADS_PORTABLE_H
#define PPG_QUADS_PORTABLE_H

#include "ppg_attributes.h"
#include "ppg_quads.h"

/* The code of a sum times 256, given its channel's factor. */
typedef int32_t ppg_quads_code_t(int32_t scaled, const int32_t *factor);

PPG_INLINE void ppg_quads_widen(const ppg_quads_row_t *row) {
  const int8_t *from = row->first;
  uint32_t *columns = row->columns;
  for (int32_t window_row = 0; window_row < row->rows; window_row++, from += row->row_gap) {
    for (int32_t run = 0; run < row->runs; run++, from += row->gap) {
      for (int32_t left = row->count; left > 0; left -= 4, from += 4, columns += PPG_QUADS_STEP_WORDS) {
        uint32_t first = ppg_load4(from), second = ppg_load4(from + row->distance);
        columns[0] = ppg_even_bytes(first);
        columns[1] = ppg_even_bytes(second);
        columns[2] = ppg_odd_bytes(first);
        columns[3] = ppg_odd_bytes(second);
      }
    }
  }
  columns[-2] += PPG_QUADS_END;
  columns[-1] += PPG_QUADS_END;
}

/* Four channels at 2 positions; returns their factors. */
PPG_INLINE const int32_t *ppg_quads_sums(const int32_t *stream, const uint32_t *columns, int32_t pairs,
                                         uint32_t sums[PPG_QUADS_CHANNELS][PPG_QUADS_POSITIONS]) {
  for (int32_t channel = 0; channel < PPG_QUADS_CHANNELS; channel++, stream++) {
    sums[channel][0] = sums[channel][1] = (uint32_t)*stream;
  }
  for (int32_t word = 0; word < 2 * pairs; word++, stream++) {
    uint32_t both = (uint32_t)*stream, low = ppg_even_bytes(both);
    uint32_t *first = sums[word % 2 * 2], *second = sums[word % 2 * 2 + 1];
    for (int32_t position = 0; position < PPG_QUADS_POSITIONS; position++) {
      uint32_t values = columns[word / 2 * PPG_QUADS_POSITIONS + position];
      first[position] = (uint32_t)ppg_dot2(low, values, (int32_t)first[position]);
      second[position] = (uint32_t)ppg_dot2(both, values, (int32_t)second[position]);
    }
  }
  return stream;
}

PPG_INLINE void ppg_quads_in_c(const ppg_quads_row_t *blocks, int32_t factor_words, ppg_quads_code_t *code) {
  ppg_quads_row_t row = *blocks;
  for (; row.blocks > 0; row.blocks--) {
    if (row.rows > 0) ppg_quads_widen(&row);
    const int32_t *stream = row.stream;
    for (int32_t start = 0; start < row.channels; start += PPG_QUADS_CHANNELS) {
      uint32_t sums[PPG_QUADS_CHANNELS][PPG_QUADS_POSITIONS];
      stream = ppg_quads_sums(stream, row.columns, row.pairs, sums);
      for (int32_t channel = 0; channel < PPG_QUADS_CHANNELS; channel++, stream += factor_words) {
        for (int32_t position = 0; position < PPG_QUADS_POSITIONS; position++) {
          uint32_t scaled = channel % 2 ? sums[channel][position] - sums[channel - 1][position]
                                        : sums[channel][position] << 8;
          int32_t saturated = ppg_saturate8(code((int32_t)scaled, stream));
          row.out[position * row.pitch + start + channel] = (int8_t)saturated;
        }
      }
    }
    row.first += row.block_step;
    row.out += PPG_QUADS_POSITIONS * row.pitch;
  }
}

#define QUADS_ROUTINE(name, factor_words, code) \
  void name(const ppg_quads_row_t *row) { ppg_quads_in_c(row, factor_words, code); }

#endif
