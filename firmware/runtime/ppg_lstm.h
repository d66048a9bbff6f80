/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8 sequence, weights and hidden state, int16 gates and cell. Every call starts
   from zero state. */
#ifndef PPG_LSTM_H
#define PPG_LSTM_H

#include "ppg_requant.h"

#define PPG_LSTM_GATES 4 /* input, forget, cell, output */

/* Words of one unit's weights for `count` values: per 4 values one word of int8 weights for each gate, lowest byte
   first; zeros behind the last value. */
#define PPG_LSTM_ROW_WORDS(count) (PPG_LSTM_GATES * (((count) + 3) / 4))

typedef struct {
  const int32_t *weights;           /* of the sequence: a row per unit */
  const int32_t *recurrent_weights; /* of the hidden state: a row per unit */
  const int32_t *biases; /* [unit][2][gate]: of the sequence, of the hidden state; zero points folded in */
  /* Three words each, general form: per gate of the sequence and of the hidden state, to steps of 2^-12; then
     forget gate x cell, input gate x candidate, output gate x tanh of the cell. */
  const int32_t *factors;
  int32_t steps, features, units;
  int32_t hidden_zero;
  int32_t cell_shift; /* the cell is in steps of 2^(cell_shift - 12) */
} ppg_lstm_t;

/* `out` takes the hidden state of every step; `scratch`, aligned to 2 bytes, holds the cell: 2 bytes a unit. */
void ppg_lstm(const ppg_lstm_t *lstm, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
