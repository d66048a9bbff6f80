#include "ppg_kronecker.h"

#include "ppg_attributes.h"
#include "ppg_kronecker_simd.h"
#include "ppg_memory.h"

#define POSITIONS 4 /* per block */
#define KEPT_WORDS 8 /* of a pass */
#define BLOCK_WORDS 2 /* of a row of packs from one block to the next */

/* Where run_blocks begins a block, counted from its first code. */
#if PPG_USES_KRONECKER_HALVES
#define BLOCK_START (KRONECKER_HALVES_BYTES + KRONECKER_START_AT)
#define HALF_BLOCK_START (KRONECKER_HALVES_BYTES + KRONECKER_HALF_START_AT)
#else
#define BLOCK_START KRONECKER_START_AT
#define HALF_BLOCK_START BLOCK_START
#endif

#if PPG_SIMD

/* All channel pairs of the blocks whose packs are packs, packs + 2, ... packs_end - 2. `stream` is at the first
   pair's first jump. `carries` holds the last high words of each channel's accumulators, from the block before, per
   pair those of the last pass and then those of the others; it has `carry_bytes` a pair. `kept` has 8 words per pass
   but the last one. `start` is BLOCK_START, or HALF_BLOCK_START when the first two positions of a single block will do. */
__attribute__((naked)) PPG_KEEP_FUNCTION static void run_blocks(
    const int32_t *stream __attribute__((unused)), const uint32_t *packs __attribute__((unused)),
    const uint32_t *packs_end __attribute__((unused)), int32_t *carries __attribute__((unused)),
    int8_t *out __attribute__((unused)), int32_t pitch __attribute__((unused)),
    int32_t pairs __attribute__((unused)), int32_t back __attribute__((unused)),
    int32_t *kept __attribute__((unused)), int32_t carry_bytes __attribute__((unused)),
    int32_t start __attribute__((unused))) {
  __asm volatile(
      "push {r0-r11, lr}\n"
      "sub sp, #20\n"
      "str r0, [sp, #12]\n"
      "4:\n"
      "ldr r3, [sp, #32]\n"
      "ldm r3, {r10, r11}\n"
      "ldr r12, [sp, #72]\n"
      "ldr r1, [sp, #24]\n"
      "ldr r4, [sp, #96]\n"
      "stm sp, {r10, r11, r12}\n"
      ".p2align 2\n"
      "add pc, r4\n"
      "nop\n"
      "5:\n"
      HALVES
      "1:\n"
      GROUP(THREE, KRONECKER_THREES, JUMP)
      AT(KRONECKER_TWOS_AT)
      GROUP(TWO, KRONECKER_TWOS, JUMP)
      AT(KRONECKER_ONES_AT)
      GROUP(ONE, KRONECKER_ONES, JUMP)
      AT(KRONECKER_MOVE_AT)
      "ldr.w r10, [r0, #4]!\n"
      "add.w r1, r1, r10\n"
      JUMP
      AT(KRONECKER_FIXED_AT)
      END_FIXED
      AT(KRONECKER_START_AT)
      "2:\n"
      START
      AT(KRONECKER_SCALED_AT)
      END_SCALED
      AT(KRONECKER_PROVEN_AT)
      END_PROVEN
      PASSES
      "3:\n"
      "add r0, r0, #44\n"
      "str r0, [sp, #12]\n"
      "ldm sp, {r10, r11}\n"
      "ldr r3, [sp, #32]\n"
      "ldr r4, [sp, #92]\n"
      "stm r3, {r10, r11}\n"
      "add r3, r3, r4\n"
      "str r3, [sp, #32]\n"
      "ldr r4, [sp, #72]\n"
      "ldr r5, [sp, #80]\n"
      "add r4, r4, #2\n"
      "str r4, [sp, #72]\n"
      "subs r5, r5, #1\n"
      "str r5, [sp, #80]\n"
      "bne.w 4b\n"
      "add sp, #36\n"
      "pop {r4-r11, pc}\n");
}

#else

/* Rows of packs that a step covers, and words of taps per channel and row. */
typedef struct {
  int32_t rows, taps;
} step_t;

typedef struct {
  const int32_t *stream; /* next word */
  const uint8_t *packs;
  uint64_t sums[2][2]; /* channel, pair of positions */
  uint32_t fields[2][POSITIONS];
} block_t;

static void run_step(block_t *block, step_t step) {
  for (int32_t row = 0; row < step.rows; row++, block->packs += 4 * KRONECKER_ROW_WORDS) {
    for (int32_t tap = 0; tap < step.taps; tap++) {
      for (int32_t channel = 0; channel < 2; channel++) {
        int64_t word = *block->stream++;
        for (int32_t pair = 0; pair < 2; pair++) {
          uint32_t pack;
          memcpy(&pack, block->packs + 4 * (tap + pair), sizeof pack);
          block->sums[channel][pair] += (uint64_t)(word * (int32_t)pack);
        }
      }
    }
  }
}

/* Steps from the one at `at` to the group's last one. */
static void run_group(block_t *block, int32_t at, int32_t begin, int32_t count, int32_t bytes, step_t step) {
  for (int32_t i = (at - begin) / bytes; i < count; i++) run_step(block, step);
}

/* Runs from a pass's first jump, taken at `at`, to the last one; returns where that one goes. */
static int32_t run_jumps(block_t *block, int32_t at) {
  for (;;) {
    at += (int16_t)(*block->stream++ & 0xFFFF);
    if (at < KRONECKER_TWOS_AT) {
      run_group(block, at, 0, KRONECKER_THREES, KRONECKER_THREE_BYTES, (step_t){1, 3});
      at = KRONECKER_TWOS_AT;
    } else if (at < KRONECKER_ONES_AT) {
      run_group(block, at, KRONECKER_TWOS_AT, KRONECKER_TWOS, KRONECKER_TWO_BYTES, (step_t){1, 2});
      at = KRONECKER_ONES_AT;
    } else if (at < KRONECKER_MOVE_AT) {
      run_group(block, at, KRONECKER_ONES_AT, KRONECKER_ONES, KRONECKER_ONE_BYTES, (step_t){2, 1});
      at = KRONECKER_MOVE_AT;
    } else if (at == KRONECKER_MOVE_AT) {
      block->packs += *block->stream++;
      at = KRONECKER_FIXED_AT;
    } else {
      return at;
    }
  }
}

static void start_pass(block_t *block, const int32_t *starts, const int32_t *carries) {
  for (int32_t channel = 0; channel < 2; channel++) {
    uint64_t first = (uint32_t)starts[2 * channel] | (uint64_t)(uint32_t)starts[2 * channel + 1] << 32;
    block->sums[channel][1] = first;
    block->sums[channel][0] = first + (uint64_t)(int64_t)(carries[channel] >> 10);
  }
}

static void end_pass(block_t *block, int32_t *carries) {
  for (int32_t channel = 0; channel < 2; channel++) {
    uint64_t first = block->sums[channel][0], second = block->sums[channel][1];
    uint32_t fields[POSITIONS] = {(uint32_t)first, (uint32_t)(first >> 21),
                                  (uint32_t)(first >> 42) + (uint32_t)second, (uint32_t)(second >> 21)};
    for (int32_t i = 0; i < POSITIONS; i++) block->fields[channel][i] += fields[i] & 0x1FFFFFu;
    carries[channel] = (int32_t)(uint32_t)(second >> 32);
  }
}

/* Runs all passes; returns where the last jump goes. */
static int32_t run_passes(block_t *block, int32_t *carries) {
  start_pass(block, block->stream - 4, carries);
  int32_t end = run_jumps(block, KRONECKER_SCALED_AT);
  for (int32_t *kept = carries + 2; end == KRONECKER_PASS_AT; kept += 2) {
    int32_t before[2] = {kept[0], kept[1]};
    end_pass(block, kept);
    start_pass(block, block->stream + 1, before);
    block->stream += 5;
    end = run_jumps(block, KRONECKER_SUMMED_AT);
  }
  end_pass(block, carries);
  if (end == KRONECKER_SUMMED_AT) block->stream++;
  return end;
}

/* Words of a channel behind the last jump. */
static int32_t factor_words(int32_t end) { return end == KRONECKER_SUMMED_AT ? 4 : 3; }

static int8_t requantized(uint32_t field, const int32_t *words, int32_t end) {
  ppg_factor_t factor = {words[0], words[1], words[2] & 0xFF};
  if (end == KRONECKER_SUMMED_AT) {
    return (int8_t)ppg_saturate8(ppg_requantize_proven((int32_t)field + (words[3] >> 1), &factor));
  }
  int32_t scaled = (int32_t)((field << 11) + 0x80000000u);
  if (end == KRONECKER_PROVEN_AT) {
    return (int8_t)ppg_saturate8(ppg_requantize_proven((scaled >> 11) + (words[2] >> 9), &factor));
  }
  return (int8_t)ppg_saturate8(ppg_requantize_scaled(scaled, &factor));
}

static void run_blocks(const int32_t *stream, const uint32_t *packs, const uint32_t *packs_end,
                       int32_t *carries, int8_t *out, int32_t pitch, int32_t pairs, int32_t back,
                       int32_t *kept, int32_t carry_bytes, int32_t start) {
  (void)back;
  (void)kept;
  (void)start;
  for (; pairs > 0; pairs--, carries += carry_bytes / 4, out += 2) {
    const int32_t *next = stream;
    int8_t *to = out;
    for (const uint32_t *from = packs; from != packs_end; from += BLOCK_WORDS, to += POSITIONS * pitch) {
      block_t block = {stream, (const uint8_t *)from, {{0}}, {{0}}};
      int32_t end = run_passes(&block, carries);
      for (int32_t channel = 0; channel < 2; channel++, block.stream += factor_words(end)) {
        for (int32_t position = 0; position < POSITIONS; position++) {
          to[position * pitch + channel] = requantized(block.fields[channel][position], block.stream, end);
        }
      }
      next = block.stream;
    }
    stream = next + 4;
  }
}

#endif

/* Input u of a phase as one residue sees it: column first + j * step. */
typedef struct {
  const int8_t *row;
  const int8_t *padding; /* a column of zero points */
  int32_t columns, channels;
  int32_t first, step;
} inputs_t;

static const int8_t *column(const inputs_t *inputs, int32_t at) {
  return at >= 0 && at < inputs->columns ? inputs->row + at * inputs->channels : inputs->padding;
}

/* One pack of some channels, value by value. */
static void pack_values(const int8_t *left, const int8_t *right, int32_t channels, uint32_t *to) {
  for (; channels > 0; channels--, to += KRONECKER_ROW_WORDS) {
    *to = (uint32_t)(*left++ + 128) | (uint32_t)(*right++ + 128) << 21;
  }
}

/* `count` packs of 4 channels of columns that lie `step` bytes apart; code ^ 0x80 is code + 128. Right values
   are moved up by 5 bits first: to 21 in the upper half of a word, to 16 less in the lower one. */
static inline void pack_four(const int8_t *left, const int8_t *right, int32_t step, int32_t count,
                             uint32_t *to) {
#if PPG_SIMD
  uint32_t even, odd, even_right, odd_right, pack;
  __asm volatile(
      "1:\n"
      "ldr.w %[even], [%[left]]\n"
      "ldr.w %[even_right], [%[left], %[gap]]\n"
      "add %[left], %[left], %[step]\n"
      "eor %[even], %[even], #0x80808080\n"
      "eor %[even_right], %[even_right], #0x80808080\n"
      "uxtb16 %[odd], %[even], ror #8\n"
      "uxtb16 %[even], %[even]\n"
      "and %[odd_right], %[mask], %[even_right], lsr #3\n"
      "and %[even_right], %[mask], %[even_right], lsl #5\n"
      "pkhbt %[pack], %[odd], %[odd_right], lsl #16\n"
      "str %[pack], [%[to], #%c[row]]\n"
      "pkhtb %[pack], %[even_right], %[even], asr #16\n"
      "str %[pack], [%[to], #2 * %c[row]]\n"
      "pkhtb %[pack], %[odd_right], %[odd], asr #16\n"
      "str %[pack], [%[to], #3 * %c[row]]\n"
      "pkhbt %[pack], %[even], %[even_right], lsl #16\n"
      "str %[pack], [%[to]], #4\n"
      "subs %[count], %[count], #1\n"
      "bne 1b\n"
      : [left] "+r"(left), [to] "+r"(to), [count] "+r"(count), [even] "=&r"(even), [odd] "=&r"(odd),
        [even_right] "=&r"(even_right), [odd_right] "=&r"(odd_right), [pack] "=&r"(pack)
      : [gap] "r"((uintptr_t)right - (uintptr_t)left), [step] "r"(step), [mask] "r"(0x1FE01FE0u),
        [row] "i"(4 * KRONECKER_ROW_WORDS)
      : "cc", "memory");
#else
  for (; count > 0; count--, left += step, right += step, to++) {
    uint32_t first = ppg_load4(left) ^ 0x80808080u, second = ppg_load4(right) ^ 0x80808080u;
    uint32_t even = first & 0x00FF00FFu, odd = (first >> 8) & 0x00FF00FFu;
    uint32_t even_right = (second << 5) & 0x1FE01FE0u, odd_right = (second >> 3) & 0x1FE01FE0u;
    to[0] = even_right << 16 | (even & 0xFFFFu);
    to[KRONECKER_ROW_WORDS] = odd_right << 16 | (odd & 0xFFFFu);
    to[2 * KRONECKER_ROW_WORDS] = (even_right & 0xFFFF0000u) | even >> 16;
    to[3 * KRONECKER_ROW_WORDS] = (odd_right & 0xFFFF0000u) | odd >> 16;
  }
#endif
}

/* `count` packs of all channels. */
PPG_KEEP_FUNCTION static void pack_columns(const int8_t *left, const int8_t *right, int32_t step, int32_t count,
                         int32_t channels, uint32_t *to) {
  for (; channels >= 4; channels -= 4, left += 4, right += 4, to += 4 * KRONECKER_ROW_WORDS) {
    pack_four(left, right, step, count, to);
  }
  if (channels == 0) return;
  for (; count > 0; count--, left += step, right += step) pack_values(left, right, channels, to++);
}

/* Packs of inputs j and j + 1, j + 2 and j + 3, ... in the rows of all channels. */
static void pack_rows(const inputs_t *inputs, int32_t j, int32_t count, uint32_t *to) {
  int32_t step = inputs->step, channels = inputs->channels;
  int32_t left = inputs->first + j * step;
  int32_t inner = 0, end = count; /* packs whose columns both exist */
  while (inner < end && left + 2 * inner * step < 0) inner++;
  while (end > inner && left + (2 * end - 1) * step >= inputs->columns) end--;
  for (int32_t pack = 0; pack < count; pack++) {
    int32_t at = left + 2 * pack * step;
    int32_t together = pack == inner && end > inner ? end - inner : 1;
    const int8_t *first = column(inputs, at), *second = column(inputs, at + step);
    pack_columns(first, second, 2 * step * channels, together, channels, to + pack);
    pack += together - 1;
  }
}

/* One phase of one row. */
typedef struct {
  const ppg_kronecker_t *convolution;
  const int8_t *row; /* input */
  const int8_t *padding;
  uint32_t *packs;
  int32_t *carries;
  int32_t *kept;
  int8_t *tile; /* outputs of a block at the border */
  int8_t *out;
  int32_t pitch;
  int32_t outputs;
  int32_t first_column;
} phase_t;

static void pack_chunk(const phase_t *phase, int32_t block, int32_t blocks) {
  const ppg_kronecker_t *convolution = phase->convolution;
  inputs_t inputs = {phase->row, phase->padding, convolution->in_columns, convolution->in_channels,
                     phase->first_column, convolution->column_step};
  uint32_t *to = phase->packs;
  for (int32_t residue = 0; residue < convolution->residues; residue++) {
    pack_rows(&inputs, POSITIONS * block, 2 * blocks + convolution->packs, to);
    inputs.first += convolution->residue_step;
    to += KRONECKER_ROW_WORDS * convolution->residue_rows;
  }
}

/* `blocks` blocks whose packs begin at `packs`. */
static void run(const phase_t *phase, const uint32_t *packs, int32_t blocks, int8_t *out, int32_t pitch,
                int32_t start) {
  const ppg_kronecker_t *convolution = phase->convolution;
  run_blocks(convolution->stream + 4, packs, packs + BLOCK_WORDS * blocks, phase->carries, out, pitch,
             convolution->pairs, convolution->back, phase->kept, 8 * convolution->passes,
             start);
}

/* A block that has outputs before the first or behind the last one. */
static void run_border(const phase_t *phase, const uint32_t *packs, int32_t block) {
  int32_t channels = 2 * phase->convolution->pairs;
  int32_t needed = phase->outputs + 1 - POSITIONS * block;
  run(phase, packs, 1, phase->tile, channels, needed <= POSITIONS / 2 ? HALF_BLOCK_START : BLOCK_START);
  for (int32_t i = 0; i < POSITIONS; i++) {
    int32_t position = POSITIONS * block - 1 + i;
    if (position < 0 || position >= phase->outputs) continue;
    ppg_copy(phase->out + position * phase->pitch, phase->tile + i * channels, channels);
  }
}

static void run_phase(const phase_t *phase) {
  int32_t last = phase->outputs / POSITIONS; /* block */
  int32_t inner_end = (phase->outputs + 1) / POSITIONS;
  int32_t chunk = phase->convolution->blocks;
  int32_t carries = 2 * phase->convolution->pairs * phase->convolution->passes;
  for (int32_t i = 0; i < carries; i++) phase->carries[i] = 0;
  for (int32_t first = 0; first <= last; first += chunk) {
    int32_t end = first + chunk <= last ? first + chunk : last + 1;
    const uint32_t *packs = phase->packs;
    pack_chunk(phase, first, end - first);
    int32_t block = first;
    if (block == 0) run_border(phase, packs, block++);
    int32_t inner = (inner_end < end ? inner_end : end) - block;
    if (inner > 0) {
      int8_t *out = phase->out + (POSITIONS * block - 1) * phase->pitch;
      run(phase, packs + BLOCK_WORDS * (block - first), inner, out, phase->pitch, BLOCK_START);
      block += inner;
    }
    if (block < end) run_border(phase, packs + BLOCK_WORDS * (block - first), block);
  }
}

void ppg_kronecker(const ppg_kronecker_t *convolution, const int8_t *in, int8_t *out, int8_t *scratch) {
  int32_t channels = 2 * convolution->pairs, phases = convolution->phases;
  int32_t row_bytes = convolution->in_columns * convolution->in_channels;
  int32_t out_row_bytes = convolution->out_columns * channels;
  phase_t phase = {.convolution = convolution, .packs = (uint32_t *)(void *)scratch};
  scratch += 4 * KRONECKER_ROW_WORDS * convolution->residues * convolution->residue_rows;
  phase.carries = (int32_t *)(void *)scratch;
  phase.kept = phase.carries + channels * convolution->passes;
  phase.tile = (int8_t *)(phase.kept + KEPT_WORDS * (convolution->passes - 1));
  int8_t *padding = phase.tile + POSITIONS * channels;
  int8_t *copy = padding + ((convolution->in_channels + 3) & ~3);
  phase.padding = padding;
  phase.pitch = phases * channels;
  ppg_fill(padding, convolution->input_zero, convolution->in_channels);
  for (int32_t row = 0; row < convolution->rows; row++, in += row_bytes, out += out_row_bytes) {
    phase.row = in;
    if (convolution->copies_row) {
      ppg_copy(copy, in, row_bytes);
      phase.row = copy;
    }
    for (int32_t number = 0; number < phases && number < convolution->out_columns; number++) {
      phase.out = out + number * channels;
      phase.outputs = (convolution->out_columns - number + phases - 1) / phases;
      phase.first_column = convolution->first_column + number * convolution->phase_step;
      run_phase(&phase);
    }
    ppg_clamp_all(out, convolution->low, convolution->high, out_row_bytes);
  }
}
