/* The routines of ppg_trios.h in C, for cores without the DSP extension and for tests. */
#ifndef PPG_TRIOS_PORTABLE_H
#define PPG_TRIOS_PORTABLE_H

#include "ppg_attributes.h"
#include "ppg_trios.h"

/* What a sum times 2^11 (channels A, C) or 2^10 (B, D) is before SSAT; `right` is the channel's shift. */
typedef int32_t ppg_trios_code_t(int32_t scaled, const int32_t *factor, int32_t right);

static int32_t ppg_trios_word(int32_t low, int32_t high) {
  return (int32_t)((uint32_t)low + ((uint32_t)high << PPG_TRIOS_FIELD));
}

PPG_INLINE void ppg_trios_widen(const ppg_trios_row_t *row) {
  const int8_t *from = row->first;
  int32_t *columns = row->columns;
  for (int32_t window_row = 0; window_row < row->rows; window_row++, from += row->row_gap) {
    for (int32_t run = 0; run < row->runs; run++, from += row->gap) {
      for (const int8_t *end = from + row->count; from != end; from++, columns += PPG_TRIOS_COLUMN_WORDS) {
        columns[0] = ppg_trios_word(from[0], from[row->distance]);
        columns[1] = ppg_trios_word(from[row->distance], from[row->distance_third]);
      }
    }
  }
}

/* The field that begins at bit `from` of an accumulator, less 2^20, times 2^11. */
static int32_t ppg_trios_field(uint64_t sum, int32_t from) {
  return (int32_t)(((uint32_t)(sum >> from) << 11) ^ 0x80000000u);
}

static uint64_t ppg_trios_product(int32_t a, int32_t b) { return (uint64_t)((int64_t)a * b); }

/* Sums of two channels at three positions, times 2^11 and 2^10. */
PPG_INLINE void ppg_trios_sums(const int32_t *start, const int32_t *weights, const ppg_trios_row_t *row,
                               int32_t sums[2][PPG_TRIOS_POSITIONS]) {
  uint64_t first = (uint64_t)(uint32_t)start[1] << 32 | (uint32_t)start[0], second = first;
  for (int32_t value = 0; value < row->values; value++) {
    first += ppg_trios_product(weights[2 * value], row->columns[2 * value]);
    second += ppg_trios_product(weights[2 * value], row->columns[2 * value + 1]);
  }
  sums[0][0] = ppg_trios_field(first, 0);
  sums[0][1] = ppg_trios_field(second, 0);
  first -= (uint64_t)(int64_t)(sums[0][1] >> 11) << PPG_TRIOS_FIELD;
  sums[1][0] = ppg_trios_field(first, PPG_TRIOS_FIELD) >> 1;
  sums[1][1] = (int32_t)((uint32_t)(first >> 32) & ~1023u);
  second -= (uint64_t)(int64_t)(sums[1][1] >> 10) << PPG_TRIOS_FIELD;
  sums[0][2] = ppg_trios_field(second, PPG_TRIOS_FIELD);
  sums[1][2] = (int32_t)((uint32_t)(second >> 32) & ~1023u);
}

PPG_INLINE void ppg_trios_in_c(const ppg_trios_row_t *blocks, int32_t factor_words, int32_t right,
                               ppg_trios_code_t *code) {
  ppg_trios_row_t row = *blocks;
  const int32_t places[PPG_TRIOS_POSITIONS] = {0, row.second, row.third};
  for (; row.blocks > 0; row.blocks--) {
    ppg_trios_widen(&row);
    const int32_t *stream = row.stream;
    for (int32_t start = 0; start < row.channels; start += PPG_TRIOS_CHANNELS) {
      const int32_t *factors = stream + 4 + 2 * row.values;
      for (int32_t channel = 0; channel < PPG_TRIOS_CHANNELS; channel++, factors += factor_words) {
        int32_t sums[2][PPG_TRIOS_POSITIONS];
        int32_t pair = channel / 2, odd = channel % 2;
        ppg_trios_sums(stream + 2 * pair, stream + 4 + pair, &row, sums);
        for (int32_t position = 0; position < PPG_TRIOS_POSITIONS; position++) {
          int32_t saturated = ppg_saturate8(code(sums[odd][position], factors, right - odd));
          row.out[places[position] + start + channel] = (int8_t)saturated;
        }
      }
      stream = factors;
    }
    row.first += row.block_step;
    row.out += row.out_step;
  }
}

#define TRIOS_ROUTINE(name, factor_words, right, code) \
  void name(const ppg_trios_row_t *row) { ppg_trios_in_c(row, factor_words, right, code); }

#endif
