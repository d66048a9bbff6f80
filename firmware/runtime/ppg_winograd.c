#include "ppg_winograd.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"
#include "ppg_requant.h"
#include "ppg_simd.h"

#define TILES 2
#define OUTPUTS 4

/* Where the results of two tiles go, how many blocks are to come, and (see APSR below) which form they have. In
   scratch, below the sums, so that the assembler reaches it without a register of its own. */
typedef struct {
  int8_t *to[OUTPUTS][TILES];
  int32_t blocks;
  uint32_t form;
} state_t;

#if PPG_SIMD

#include "ppg_winograd_simd.h"

#define TEXT(number) #number
#define NUMBER(macro) TEXT(macro)
#define RIGHT NUMBER(PPG_WINOGRAD_RIGHT)

/* The form is a set of condition flags, which nothing between MSR and the last use changes. */
#define FORM_SIGNED (1u << 31) /* N */
#define FORM_8_PAIRS (1u << 30) /* Z */
#define FORM_12_PAIRS (1u << 29) /* C */

__attribute__((naked)) PPG_KEEP_FUNCTION static void transform_tile(
    const int8_t *from __attribute__((unused)), int32_t step __attribute__((unused)),
    uint32_t *to __attribute__((unused)), int32_t groups __attribute__((unused))) {
  __asm volatile(
      "push {r4-r12, lr}\n"
      "mov r12, r3\n"
      "mov r3, #0x00800080\n"
      "add lr, r0, r1\n"
      "1:\n" TRANSFORM_PARITY("", "0") TRANSFORM_PARITY(", ror #8", "48")
      "add r0, r0, #4\n"
      "add lr, lr, #4\n"
      "add r2, r2, #96\n"
      "subs r12, r12, #1\n"
      "bne 1b\n"
      "pop {r4-r12, pc}\n");
}

__attribute__((naked)) PPG_KEEP_FUNCTION static void multiply_blocks(
    const int32_t *stream __attribute__((unused)), uint32_t *values __attribute__((unused))) {
  __asm volatile(
      "push {r4-r12, lr}\n"
      "0:\n"
      "ldr r2, [r1, #-220]\n"
      "msr apsr_nzcvq, r2\n"
      "ldm r0, {r6, r8, r10, r12}\n"
      "mov r7, r6\n mov r9, r8\n mov r11, r10\n mov lr, r12\n"
      "add.w r0, r0, #8\n"
      SLOT(0, PAIR(0, 0)) SLOT(1, PAIR(1, 0)) SLOT(2, FIRST_PAIR(2)) SLOT(3, PAIR(3, 0)) SLOT(4, PAIR(4, 0))
      SLOT(5, FIRST_PAIR(5))
      "bmi 3f\n" TILE(0) TILE(1) NEXT_BLOCK(8)
      "bne 0b\n"
      "pop {r4-r12, pc}\n"
      "3:\n" SIGNED_TILE(0) SIGNED_TILE(1) NEXT_BLOCK(12)
      "bne 0b\n"
      "pop {r4-r12, pc}\n"
      MORE(0) MORE(1) MORE(2) MORE(3) MORE(4) MORE(5));
}

static uint32_t form_of(const ppg_winograd_t *conv) {
  return (conv->signed_form ? FORM_SIGNED : 0) | (conv->pairs == 8 ? FORM_8_PAIRS : 0) |
         (conv->pairs == 12 ? FORM_12_PAIRS : 0);
}

static void blocks_of(const ppg_winograd_t *conv, const int32_t *stream, state_t *state, uint32_t *values) {
  (void)conv;
  (void)state;
  multiply_blocks(stream, values);
}

#else

static void transform_tile(const int8_t *from, int32_t step, uint32_t *to, int32_t groups) {
  for (; groups > 0; groups--, from += 4, to += 4 * PPG_WINOGRAD_SLOTS) {
    int32_t t[4][PPG_WINOGRAD_SLOTS];
    for (int32_t channel = 0; channel < 4; channel++) {
      int32_t d[6];
      for (int32_t position = 0; position < 6; position++) d[position] = from[position * step + channel];
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

static uint32_t form_of(const ppg_winograd_t *conv) {
  (void)conv;
  return 0;
}

static int8_t requantized(uint32_t sum, const int32_t *factor, int32_t signed_form) {
  int32_t scaled = (int32_t)sum;
  int32_t high = ppg_high_accumulate(scaled, factor[0], factor[1]);
  if (signed_form && scaled < 0) high -= factor[2];
  return (int8_t)ppg_saturate8(high >> PPG_WINOGRAD_RIGHT);
}

/* Channel `channel` of a block at one tile. */
static void channel_of(const ppg_winograd_t *conv, const int32_t *block, int32_t channel, const uint32_t *values,
                       int8_t *const outputs[OUTPUTS]) {
  uint32_t m[PPG_WINOGRAD_SLOTS] = {(uint32_t)block[channel]};
  const int32_t *weights = block + PPG_WINOGRAD_CHANNELS + channel;
  for (int32_t slot = 0; slot < PPG_WINOGRAD_SLOTS; slot++) {
    for (int32_t pair = 0; pair < conv->pairs; pair++, weights += PPG_WINOGRAD_CHANNELS) {
      uint32_t value = values[TILES * (PPG_WINOGRAD_SLOTS * pair + slot)];
      m[slot] = (uint32_t)ppg_dot2((uint32_t)*weights, value, (int32_t)m[slot]);
    }
  }
  const int32_t *factor = block + PPG_WINOGRAD_CHANNELS * (1 + PPG_WINOGRAD_SLOTS * conv->pairs) +
                          channel * (2 + conv->signed_form);
  uint32_t sum = m[0] + m[1], difference = m[0] - m[1], sum2 = m[2] + m[3], difference2 = m[2] - m[3];
  *outputs[2] = requantized(sum + 4 * sum2, factor, conv->signed_form);
  *outputs[1] = requantized(difference + 2 * difference2, factor, conv->signed_form);
  *outputs[3] = requantized(difference + 8 * difference2 + m[5], factor, conv->signed_form);
  *outputs[0] = requantized(sum + sum2 + m[4], factor, conv->signed_form);
}

static void blocks_of(const ppg_winograd_t *conv, const int32_t *stream, state_t *state, uint32_t *values) {
  for (; state->blocks > 0; state->blocks--, stream += conv->block_words) {
    for (int32_t tile = 0; tile < TILES; tile++) {
      for (int32_t channel = 0; channel < PPG_WINOGRAD_CHANNELS; channel++) {
        int8_t *outputs[OUTPUTS];
        for (int32_t output = 0; output < OUTPUTS; output++) outputs[output] = state->to[output][tile]++;
        channel_of(conv, stream, channel, values + tile, outputs);
      }
    }
  }
}

#endif

/* All output channels of two tiles whose transformed inputs and targets are ready. Where the number of channels is no
   multiple of 4, the second block computes some of the first one's again. */
static void multiply_tiles(const ppg_winograd_t *conv, state_t *state, uint32_t *values) {
  const int32_t *stream = conv->stream;
  state->form = form_of(conv);
  state->blocks = conv->blocks;
  if (conv->overlap > 0) {
    state->blocks = 1;
    blocks_of(conv, stream, state, values);
    stream += conv->block_words;
    state->blocks = conv->blocks - 1;
    for (int32_t target = 0; target < OUTPUTS * TILES; target++) {
      state->to[target / TILES][target % TILES] -= conv->overlap;
    }
  }
  blocks_of(conv, stream, state, values);
}

/* The tile that starts at output `column`. Results beyond the row go where output 0 goes, which is stored last. */
static void start_tile(const ppg_winograd_t *conv, const int8_t *row, int8_t *out, int32_t column, int32_t tile,
                       state_t *state, uint32_t *values) {
  int32_t step = conv->dilation * conv->channels;
  int8_t *first = out + column * conv->channels, *end = out + conv->columns * conv->channels;
  for (int32_t output = 0; output < OUTPUTS; output++) {
    int32_t distance = output * step;
    state->to[output][tile] = distance < end - first ? first + distance : first;
  }
  transform_tile(row + column * conv->in_channels, conv->dilation * conv->in_channels, values + tile,
                 conv->groups);
}

/* One output row: the tiles of phase 0, 1, ... two at a time; a single last one is computed twice. */
static void output_row(const ppg_winograd_t *conv, const int8_t *row, int8_t *out, state_t *state,
                       uint32_t *values) {
  int32_t phases = conv->dilation < conv->columns ? conv->dilation : conv->columns, tile = 0;
  for (int32_t phase = 0; phase < phases; phase++) {
    for (int32_t column = phase; column < conv->columns; column += OUTPUTS * conv->dilation) {
      start_tile(conv, row, out, column, tile, state, values);
      tile ^= 1;
      if (tile == 0) multiply_tiles(conv, state, values);
    }
  }
  if (tile == 0) return;
  start_tile(conv, row, out, phases - 1, tile, state, values);
  multiply_tiles(conv, state, values);
}

static const int8_t *copy_row(const ppg_winograd_t *conv, const int8_t *in, int8_t *to) {
  ppg_fill(to, conv->input_zero, conv->left_bytes);
  ppg_copy(to + conv->left_bytes, in, conv->row_bytes);
  ppg_fill(to + conv->left_bytes + conv->row_bytes, conv->input_zero, conv->right_bytes);
  return to;
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
  int32_t out_bytes = conv->columns * conv->channels;
  for (int32_t row = 0; row < conv->rows; row++, in += conv->row_bytes, out += out_bytes) {
    output_row(conv, conv->copies_rows ? copy_row(conv, in, copy) : in, out, state, values);
    ppg_clamp_all(out, conv->low, conv->high, out_bytes);
  }
}
