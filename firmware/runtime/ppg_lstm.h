/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8 sequence, weights and hidden state, int16 gates and cell. Every call starts
   from zero state. */
#ifndef PPG_LSTM_H
#define PPG_LSTM_H

#include "ppg_requant.h"

#define PPG_LSTM_GATES 4 /* input, forget, cell, output */

typedef struct {
  const int8_t *weights;           /* [gate][unit][feature] */
  const int8_t *recurrent_weights; /* [gate][unit][unit] */
  const int32_t *biases;           /* [gate][unit] pairs: of the sequence, of the hidden state; zero points folded in */
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
