#include "ppg_winograd.h"

#include "ppg_attributes.h"
#include "ppg_features.h"
#include "ppg_memory.h"
#include "ppg_requant.h"
#include "ppg_simd.h"

#define TILES 2
#define OUTPUTS 4
#define POSITIONS 6

/* Two tiles at work. In scratch, below the sums, so that the assembler reaches it without a register of its own; it
   knows these offsets. */
typedef struct {
  int8_t *to[OUTPUTS][TILES]; /* where their results go */
  int32_t blocks;             /* still to come before the targets move back by `overlap` bytes */
  int32_t signed_form;
  int32_t later_blocks;       /* to come afterwards */
  int32_t overlap;
  const int8_t *from[TILES]; /* position 0 */
  int32_t step[TILES];       /* bytes from one position to the next */
} state_t;

#if PPG_SIMD

#include "ppg_winograd_simd.h"

#define TEXT(number) #number
#define NUMBER(macro) TEXT(macro)
#define RIGHT NUMBER(PPG_WINOGRAD_RIGHT)

_Static_assert(sizeof(state_t) == PPG_WINOGRAD_STATE_BYTES, "the assembler below knows the offsets");

/* All output channels of the two tiles of the state, which lies 256 bytes below `values`. */
__attribute__((naked)) PPG_KEEP_FUNCTION static void multiply_tiles(
    const int32_t *stream __attribute__((unused)), uint32_t *values __attribute__((unused)),
    int32_t groups __attribute__((unused))) {
  __asm volatile(
      "push {r0-r2, r4-r11, lr}\n"
      "mov r12, r2\n"
      "mov r2, r1\n"
      "mov r3, #0x00800080\n"
      "ldr r0, [r2, #-208]\n"
      "ldr r1, [r2, #-200]\n"
      "bl 6f\n"
      "ldr r2, [sp, #4]\n"
      "ldr r12, [sp, #8]\n"
      "ldr r0, [r2, #-204]\n"
      "ldr r1, [r2, #-196]\n"
      "add r2, r2, #4\n"
      "bl 6f\n"
      "pop {r0-r2}\n"
      "0:\n"
      "ldm r0, {r2, r6, r8, r10, r12}\n"
      "msr apsr_nzcvq, r2\n"
      "mov r7, r6\n mov r9, r8\n mov r11, r10\n mov lr, r12\n"
      "add.w r0, r0, #12\n"
      SLOT(0, PAIR(0, 0)) SLOT(1, PAIR(1, 0)) SLOT(2, FIRST_PAIR(2)) SLOT(3, PAIR(3, 0)) SLOT(4, PAIR(4, 0))
      SLOT(5, FIRST_PAIR(5))
      "bmi 3f\n" TILE(0, SATURATE) TILE(1, SATURATE) NEXT_BLOCK(8)
      "4:\n"
      "ldr r2, [r1, #-216]\n"
      "cbz r2, 5f\n"
      "str r2, [r1, #-224]\n"
      "mov.w r2, #0\n"
      "str r2, [r1, #-216]\n"
      "ldr r2, [r1, #-212]\n"
      "sub.w r3, r1, #256\n"
      "ldm r3, {r4-r11}\n"
      "sub.w r4, r4, r2\n sub.w r5, r5, r2\n sub.w r6, r6, r2\n sub.w r7, r7, r2\n"
      "sub.w r8, r8, r2\n sub.w r9, r9, r2\n sub.w r10, r10, r2\n sub.w r11, r11, r2\n"
      "stm r3, {r4-r11}\n"
      "b 0b\n"
      "5:\n"
      "pop {r4-r11, pc}\n"
      "6:\n"
      "push {lr}\n"
      "sub r2, r2, #24\n"
      "add lr, r0, r1\n"
      "7:\n" TRANSFORM_PARITY("", "0", "") TRANSFORM_PARITY(", ror #8", "48", "!")
      "add r0, r0, #4\n"
      "add lr, lr, #4\n"
      "subs r12, r12, #1\n"
      "bne 7b\n"
      "pop {pc}\n"
      "3:\n"
#if PPG_USES_WINOGRAD_SIGNED
      "ldr r2, [r1, #-28]\n"
      "cbnz r2, 9f\n"
      "b 7f\n"
      "9:\n" SIGNED_TILE(0) SIGNED_TILE(1) NEXT_BLOCK(12)
      "b 4b\n"
      "7:\n"
#endif
      TILE(0, SHIFT_AND_SATURATE) TILE(1, SHIFT_AND_SATURATE) NEXT_BLOCK(8)
      "b 4b\n"
#if PPG_USES_WINOGRAD_WIDE
      MORE(0) MORE(1) MORE(2) MORE(3) MORE(4) MORE(5)
#endif
  );
}

static void multiply(const ppg_winograd_t *conv, state_t *state, uint32_t *values) {
  (void)state;
  multiply_tiles(conv->stream, values, conv->groups);
}

#else

static void transform_tile(const int8_t *from, int32_t step, uint32_t *to, int32_t groups) {
  for (; groups > 0; groups--, from += 4, to += 4 * PPG_WINOGRAD_SLOTS) {
    int32_t t[4][PPG_WINOGRAD_SLOTS];
    for (int32_t channel = 0; channel < 4; channel++) {
      int32_t d[POSITIONS];
      for (int32_t position = 0; position < POSITIONS; position++) d[position] = from[position * step + channel];
      t[channel][0] = d[3] + d[4] - 4 * (d[1] + d[2]) - 1024;
      t[channel][1] = (d[4] - 4 * d[2]) - (d[3] - 4 * d[1]);
      t[channel][2] = (d[4] - d[2]) + 2 * (d[3] - d[1]);
      t[channel][3] = (d[4] - d[2]) - 2 * (d[3] - d[1]);
      t[channel][4] = 4 * d[0] - 5 * d[2] + d[4];
      t[channel][5] = 4 * d[1] - 5 * d[3] + d[5];
    }
    for (int32_t slot = 0; slot < PPG_WINOGRAD_SLOTS; slot++) {
      to[2 * slot] = ppg_pair(t[0][slot], t[2][slot]);
      to[2 * PPG_WINOGRAD_SLOTS + 2 * slot] = ppg_pair(t[1][slot], t[3][slot]);
    }
  }
}

/* `flags` are the block's first word. */
static int8_t requantized(uint32_t sum, const int32_t *factor, int32_t flags, int32_t signed_form) {
  int32_t scaled = (int32_t)sum;
  int32_t high = ppg_high_accumulate(scaled, factor[0], factor[1]);
  if (signed_form && scaled < 0) high -= factor[2];
  return (int8_t)ppg_saturate8(high >> (flags < 0 ? factor[1] & 0xFF : PPG_WINOGRAD_RIGHT));
}

/* Channel `channel` of a block at one tile. */
static void multiply_channel(const ppg_winograd_t *conv, const int32_t *block, int32_t channel, const uint32_t *values,
                       int8_t *const outputs[OUTPUTS]) {
  uint32_t m[PPG_WINOGRAD_SLOTS] = {(uint32_t)block[1 + channel]};
  const int32_t *weights = block + 1 + PPG_WINOGRAD_CHANNELS + channel;
  for (int32_t slot = 0; slot < PPG_WINOGRAD_SLOTS; slot++) {
    for (int32_t pair = 0; pair < conv->pairs; pair++, weights += PPG_WINOGRAD_CHANNELS) {
      uint32_t value = values[TILES * (PPG_WINOGRAD_SLOTS * pair + slot)];
      m[slot] = (uint32_t)ppg_dot2((uint32_t)*weights, value, (int32_t)m[slot]);
      if (conv->pairs > 16 && pair % 8 == 7 && pair > 8) weights++; /* what the assembler moves by */
    }
  }
  const int32_t *factor = weights - channel + channel * (2 + conv->signed_form);
  uint32_t sum = m[0] + m[1], difference = m[0] - m[1], sum2 = m[2] + m[3], difference2 = m[2] - m[3];
  *outputs[2] = requantized(sum + 4 * sum2, factor, *block, conv->signed_form);
  *outputs[1] = requantized(difference + 2 * difference2, factor, *block, conv->signed_form);
  *outputs[3] = requantized(difference + 8 * difference2 + m[5], factor, *block, conv->signed_form);
  *outputs[0] = requantized(sum + sum2 + m[4], factor, *block, conv->signed_form);
}

static void multiply_block(const ppg_winograd_t *conv, const int32_t *block, state_t *state, const uint32_t *values) {
  for (int32_t tile = 0; tile < TILES; tile++) {
    for (int32_t channel = 0; channel < PPG_WINOGRAD_CHANNELS; channel++) {
      int8_t *outputs[OUTPUTS];
      for (int32_t output = 0; output < OUTPUTS; output++) outputs[output] = state->to[output][tile]++;
      multiply_channel(conv, block, channel, values + tile, outputs);
    }
  }
}

static void multiply(const ppg_winograd_t *conv, state_t *state, uint32_t *values) {
  const int32_t *block = conv->stream;
  for (int32_t tile = 0; tile < TILES; tile++) {
    transform_tile(state->from[tile], state->step[tile], values + tile, conv->groups);
  }
  for (; state->blocks > 0; state->blocks = state->later_blocks, state->later_blocks = 0) {
    for (; state->blocks > 0; state->blocks--, block += conv->block_words) multiply_block(conv, block, state, values);
    for (int32_t target = 0; target < OUTPUTS * TILES; target++) {
      state->to[target / TILES][target % TILES] -= state->overlap;
    }
  }
}

#endif

/* A row of input: column 0, and the first and last column from which a tile may be read where it lies. */
typedef struct {
  const int8_t *data;
  int32_t first, last;
} row_t;

/* The positions of a tile that reads beyond the row, side by side. */
static void gather(const ppg_winograd_t *conv, const int8_t *row, int32_t column, int8_t *to) {
  int32_t bytes = conv->in_channels;
  for (int32_t position = 0; position < POSITIONS; position++, column += conv->dilation, to += bytes) {
    if (column >= 0 && column < conv->in_columns) {
      ppg_copy(to, row + column * bytes, bytes);
    } else {
      ppg_fill(to, conv->input_zero, bytes);
    }
  }
}

static inline void read_tile(const ppg_winograd_t *conv, row_t row, int32_t column, int32_t tile, int8_t *edge,
                             state_t *state) {
  if (column >= row.first && column <= row.last) {
    state->from[tile] = row.data + column * conv->in_channels;
    state->step[tile] = conv->dilation * conv->in_channels;
  } else {
    edge += tile * POSITIONS * conv->in_channels;
    gather(conv, row.data, column, edge);
    state->from[tile] = edge;
    state->step[tile] = conv->in_channels;
  }
}

/* Results beyond the row go where output 0 goes, which is stored last. */
static inline void write_tile(int8_t *to, int32_t step, int32_t outputs, int32_t tile, state_t *state) {
  state->to[0][tile] = to;
  state->to[1][tile] = outputs > 1 ? to + step : to;
  state->to[2][tile] = outputs > 2 ? to + 2 * step : to;
  state->to[3][tile] = outputs > 3 ? to + 3 * step : to;
}

static void run_tiles(const ppg_winograd_t *conv, state_t *state, uint32_t *values) {
  state->blocks = conv->first_blocks;
  state->later_blocks = conv->later_blocks;
  multiply(conv, state, values);
}

/* One output row: the tiles of phase 0, 1, ... two at a time; a single last one is computed twice. */
static void output_row(const ppg_winograd_t *conv, row_t row, int8_t *out, int8_t *edge, state_t *state,
                       uint32_t *values) {
  int32_t dilation = conv->dilation, step = dilation * conv->channels, tile = 0;
  int32_t phases = dilation < conv->columns ? dilation : conv->columns;
  int32_t long_phases = conv->columns - phases * conv->outputs;
  for (int32_t phase = 0; phase < phases; phase++, out += conv->channels) {
    int8_t *to = out;
    int32_t column = phase - conv->left_columns;
    for (int32_t left = conv->outputs + (phase < long_phases); left > 0; left -= OUTPUTS) {
      read_tile(conv, row, column, tile, edge, state);
      write_tile(to, step, left, tile, state);
      if (tile != 0) run_tiles(conv, state, values);
      tile ^= 1;
      to += OUTPUTS * step;
      column += OUTPUTS * dilation;
    }
  }
  if (tile == 0) return;
  state->from[1] = state->from[0];
  state->step[1] = state->step[0];
  for (int32_t output = 0; output < OUTPUTS; output++) state->to[output][1] = state->to[output][0];
  run_tiles(conv, state, values);
}

static row_t copy_row(const ppg_winograd_t *conv, const int8_t *in, int8_t *to) {
  int32_t left = conv->left_columns * conv->in_channels, bytes = conv->in_columns * conv->in_channels;
  ppg_fill(to, conv->input_zero, left);
  ppg_copy(to + left, in, bytes);
  ppg_fill(to + left + bytes, conv->input_zero, conv->right_columns * conv->in_channels);
  return (row_t){to + left, INT32_MIN, INT32_MAX};
}

void ppg_winograd(const ppg_winograd_t *conv, const int8_t *in, int8_t *out, int8_t *scratch) {
  int8_t *after_sums = scratch + PPG_WINOGRAD_STATE_BYTES + PPG_WINOGRAD_SUMS_BYTES;
  uint32_t *values = (uint32_t *)(void *)after_sums;
  int8_t *copy = after_sums + PPG_WINOGRAD_PAIR_BYTES * conv->pairs;
#if PPG_SIMD
  state_t *state = (state_t *)(void *)scratch;
#else
  state_t on_stack, *state = &on_stack;
#endif
  state->signed_form = conv->signed_form;
  state->overlap = conv->overlap;
  int32_t out_bytes = conv->columns * conv->channels, row_bytes = conv->in_columns * conv->in_channels;
  int32_t last = conv->in_columns - 1 - (POSITIONS - 1) * conv->dilation;
  for (int32_t left = conv->rows; left > 0; left--, in += row_bytes, out += out_bytes) {
    row_t row = conv->copies_rows ? copy_row(conv, in, copy) : (row_t){in, 0, last};
    output_row(conv, row, out, copy, state, values);
    ppg_clamp_all(out, conv->low, conv->high, out_bytes);
  }
}
