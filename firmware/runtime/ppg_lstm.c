#include "ppg_lstm.h"

#include <stddef.h>

/* The sigmoid at i / 24 in steps of 2^-16; graph/int16_gates.py says how it came about. */
static const uint16_t sigmoid_table[256] = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794, 41432, 42064, 42688,
    43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409,
    51865, 52311, 52745, 53169, 53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
    57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110,
    61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186,
    63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
    64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900,
    64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208,
    65221, 65234, 65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
    65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433, 65438, 65442, 65445, 65449,
    65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491,
    65493, 65495, 65497, 65498, 65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
    65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530,
    65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
    65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
};

#define FACTOR_WORDS 3
#define LAST_INDEX 255

enum { INPUT, FORGET, CELL, OUTPUT };

static int32_t saturate16(int32_t value) {
  return value < INT16_MIN ? INT16_MIN : (value > INT16_MAX ? INT16_MAX : value);
}

/* The table at size / 2^bits in steps of 2^-(16 + bits), `top` from the last entry on. */
static int32_t interpolate(int32_t size, int32_t bits, int32_t top) {
  int32_t index = size >> bits;
  if (index >= LAST_INDEX) return top;
  int32_t low = sigmoid_table[index], high = sigmoid_table[index + 1];
  return (low << bits) + (size & ((1 << bits) - 1)) * (high - low);
}

/* Steps of 2^-12 in, of 2^-15 out. */
static int32_t sigmoid(int32_t value) {
  int32_t scaled = 3 * value;
  int32_t curve = interpolate(scaled < 0 ? -scaled : scaled, 9, 0x7FFF << 10);
  return (scaled >= 0 ? curve + (1 << 9) : (1 << 25) - curve + (1 << 9) - 1) >> 10;
}

/* Steps of 2^(shift - 12) in, of 2^-15 out. */
static int32_t hyperbolic_tangent(int32_t value, int32_t shift) {
  int32_t scaled = value * (3 << shift);
  int32_t curve = interpolate(scaled < 0 ? -scaled : scaled, 8, 0xFFFF << 8);
  return (scaled >= 0 ? curve - (1 << 23) + (1 << 7) : -curve + (1 << 23) + (1 << 7) - 1) >> 8;
}

static int32_t requantize(const ppg_lstm_t *lstm, int32_t number, int32_t value) {
  const int32_t *words = lstm->factors + FACTOR_WORDS * number;
  return ppg_requantize(value, words[0], words[1], words[2]);
}

/* The last one to three values, the rest zero. */
static uint32_t load_tail(const int8_t *values, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = 0; i < count; i++) word |= (uint32_t)(uint8_t)values[i] << (8 * i);
  return word;
}

typedef struct {
  int32_t gate[PPG_LSTM_GATES];
} sums_t;

static inline int32_t add_products(int32_t sum, int32_t weights, uint32_t even, uint32_t odd) {
  sum = ppg_dot2(ppg_even_bytes((uint32_t)weights), even, sum);
  return ppg_dot2(ppg_odd_bytes((uint32_t)weights), odd, sum);
}

/* Four values times the weights of all gates: the word of values is widened once. */
static inline void add_word(sums_t *sums, const int32_t *weights, uint32_t word) {
  uint32_t even = ppg_even_bytes(word), odd = ppg_odd_bytes(word);
  sums->gate[INPUT] = add_products(sums->gate[INPUT], weights[INPUT], even, odd);
  sums->gate[FORGET] = add_products(sums->gate[FORGET], weights[FORGET], even, odd);
  sums->gate[CELL] = add_products(sums->gate[CELL], weights[CELL], even, odd);
  sums->gate[OUTPUT] = add_products(sums->gate[OUTPUT], weights[OUTPUT], even, odd);
}

static sums_t gate_sums(const int32_t *biases, const int32_t *weights, const int8_t *values, int32_t count) {
  sums_t sums = {{biases[0], biases[1], biases[2], biases[3]}};
  int32_t tail = count % 4;
  for (const int8_t *end = values + (count - tail); values != end; values += 4, weights += PPG_LSTM_GATES) {
    add_word(&sums, weights, ppg_load4(values));
  }
  if (tail != 0) add_word(&sums, weights, load_tail(values, tail));
  return sums;
}

/* What enters the gates of one unit, in steps of 2^-12. Zero state adds nothing: `hidden` is NULL then. */
static sums_t entering(const ppg_lstm_t *lstm, int32_t unit, const int8_t *in, const int8_t *hidden) {
  const int32_t *biases = lstm->biases + 2 * PPG_LSTM_GATES * unit;
  const int32_t *weights = lstm->weights + unit * PPG_LSTM_ROW_WORDS(lstm->features);
  sums_t sums = gate_sums(biases, weights, in, lstm->features);
  for (int32_t gate = 0; gate < PPG_LSTM_GATES; gate++) {
    sums.gate[gate] = saturate16(requantize(lstm, 2 * gate, sums.gate[gate]));
  }
  if (hidden == NULL) return sums;
  weights = lstm->recurrent_weights + unit * PPG_LSTM_ROW_WORDS(lstm->units);
  sums_t recurrent = gate_sums(biases + PPG_LSTM_GATES, weights, hidden, lstm->units);
  for (int32_t gate = 0; gate < PPG_LSTM_GATES; gate++) {
    int32_t added = saturate16(requantize(lstm, 2 * gate + 1, recurrent.gate[gate]));
    sums.gate[gate] = saturate16(sums.gate[gate] + added);
  }
  return sums;
}

void ppg_lstm(const ppg_lstm_t *lstm, const int8_t *in, int8_t *out, int8_t *scratch) {
  int16_t *cells = (int16_t *)(void *)scratch;
  const int8_t *hidden = NULL;
  for (int32_t unit = 0; unit < lstm->units; unit++) cells[unit] = 0;
  for (int32_t step = 0; step < lstm->steps; step++, in += lstm->features) {
    for (int32_t unit = 0; unit < lstm->units; unit++) {
      sums_t sums = entering(lstm, unit, in, hidden);
      int32_t kept = sigmoid(sums.gate[FORGET]) * cells[unit];
      kept = saturate16(requantize(lstm, 2 * PPG_LSTM_GATES, kept));
      int32_t added = sigmoid(sums.gate[INPUT]) * hyperbolic_tangent(sums.gate[CELL], 0);
      added = saturate16(requantize(lstm, 2 * PPG_LSTM_GATES + 1, added));
      int32_t cell = saturate16(kept + added);
      cells[unit] = (int16_t)cell;
      int32_t shown = sigmoid(sums.gate[OUTPUT]) * hyperbolic_tangent(cell, lstm->cell_shift);
      shown = requantize(lstm, 2 * PPG_LSTM_GATES + 2, shown);
      out[unit] = ppg_clamp(shown, lstm->hidden_zero, INT8_MIN, INT8_MAX);
    }
    hidden = out;
    out += lstm->units;
  }
}
