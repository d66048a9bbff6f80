/* CONV_2D with kernel (1, k) where 4 products fit into one multiplication: Kronecker substitution.

   With X = 2^21 and u = input + 128, two neighbouring positions of a channel make a pack u[j] + u[j + 1] X, two taps
   make a word w[t + 1] + w[t] X, and

     pack * word = u[j] w[t+1]  +  (u[j] w[t] + u[j+1] w[t+1]) X  +  u[j+1] w[t] X^2

   A 64-bit accumulator sums such products over taps and channels (SMLAL: one cycle). Its three fields are then a part
   of output j - 1 (bits 0-20), all of output j (21-41) and a part of output j + 1 (42-63), whose other part is the
   lowest field of the accumulator two positions on. compile/kernels/kronecker_packing.py proves per channel that no
   field overflows, and starts the accumulators so that none is ever negative.

   A block is 4 positions (2 packs side by side) x 2 output channels. Outputs of block i are 4 i - 1 to 4 i + 2.

   Dilation and stride: output columns f, f + phases, f + 2 phases, ... form phase f, which is computed by itself.
   Taps r, r + residues, ... see every residues-th of the phase's input columns; each residue has packs of its own:
   column first_column + phase * phase_step + r * residue_step + j * column_step is its input j.

   Packs lie in rows of 16, one row per residue and channel, for as many blocks as fit (a chunk).

   The stream has, for each pair of output channels A and B:
     start of A, start of B                      low word, high word
     a jump, then words of taps, A and B in turn, as the steps jumped to want them, with jumps between them
     ppg_factor_t of A, ppg_factor_t of B; in the proven form, twice the center (what is taken off the channel's
       accumulators so that they fit) stands above the right shift, 2 * center * 256 + right
   When the sums do not fit the fields, the words of taps come in several passes, each with sums that do. Behind each
   pass but the last one the stream has
     a jump to KRONECKER_PASS_AT, 32 * number of the pass, start of A, start of B, the jump to go on with
   and behind the last one a jump to KRONECKER_SUMMED_AT, a jump over the code of slots that are not used (taken from
   where the first one begins) and per channel ppg_factor_t and twice what the sum of the fields lacks.
   A jump is the distance from the place it is taken at to the code to go on with (KRONECKER_*_AT below), in the lower
   half of the word; in the upper one, the same for half a block, whose code has steps of its own. A step
   covers one row of packs and 3 or 2 words of taps, or two rows and 1 word each; the steps for rows stand side by
   side so that there is one jump for many rows. */
#ifndef PPG_KRONECKER_H
#define PPG_KRONECKER_H

#include "ppg_requant.h"

#define KRONECKER_ROW_WORDS 16

/* Bytes of machine code of a step, and how many stand side by side. kronecker_packing.py has the same numbers. */
#define KRONECKER_THREE_BYTES 88
#define KRONECKER_TWO_BYTES 60
#define KRONECKER_ONE_BYTES 64
#define KRONECKER_THREES 16
#define KRONECKER_TWOS 16
#define KRONECKER_ONES 8

/* Where code begins, counted from the first step. A jump behind a group of steps is taken from where the next group
   begins, a block's first jump from KRONECKER_SCALED_AT. */
#define KRONECKER_TWOS_AT (KRONECKER_THREES * KRONECKER_THREE_BYTES + 8)
#define KRONECKER_ONES_AT (KRONECKER_TWOS_AT + KRONECKER_TWOS * KRONECKER_TWO_BYTES + 8)
#define KRONECKER_MOVE_AT (KRONECKER_ONES_AT + KRONECKER_ONES * KRONECKER_ONE_BYTES + 8)
#define KRONECKER_FIXED_AT (KRONECKER_MOVE_AT + 16)     /* last jump: requantise, right shift KRONECKER_RIGHT */
#define KRONECKER_START_AT (KRONECKER_FIXED_AT + 256)
#define KRONECKER_SCALED_AT (KRONECKER_START_AT + 52)   /* last jump: requantise, any right shift */
#define KRONECKER_PROVEN_AT (KRONECKER_SCALED_AT + 300) /* last jump: requantise, proven form */
#define KRONECKER_PASS_AT (KRONECKER_PROVEN_AT + 356)   /* jump behind a pass */
#define KRONECKER_SUMMED_AT (KRONECKER_PASS_AT + 80)    /* last jump of several passes */
#define KRONECKER_SLOT_BYTES 120

/* The same for half a block, which has the first pair of positions only: the end of a row. Its last jump goes where that
   of a block goes. */
#define KRONECKER_HALF_THREE_BYTES 60
#define KRONECKER_HALF_TWO_BYTES 40
#define KRONECKER_HALF_ONE_BYTES 40
#define KRONECKER_HALF_START_AT (0 - 48)
#define KRONECKER_HALF_PASS_AT (KRONECKER_HALF_START_AT - 68)
#define KRONECKER_HALF_MOVE_AT (KRONECKER_HALF_PASS_AT - 20)
#define KRONECKER_HALF_ONES_AT (KRONECKER_HALF_MOVE_AT - KRONECKER_ONES * KRONECKER_HALF_ONE_BYTES - 12)
#define KRONECKER_HALF_TWOS_AT (KRONECKER_HALF_ONES_AT - KRONECKER_TWOS * KRONECKER_HALF_TWO_BYTES - 12)
#define KRONECKER_HALF_THREES_AT (KRONECKER_HALF_TWOS_AT - KRONECKER_THREES * KRONECKER_HALF_THREE_BYTES - 12)
#define KRONECKER_HALVES_BYTES (0 - KRONECKER_HALF_THREES_AT)

/* Right shift of the fixed form. */
#define KRONECKER_RIGHT 17

typedef struct {
  const int32_t *stream;
  int32_t pairs;  /* output channels / 2 */
  int32_t passes; /* 1 to 4 */

  int32_t rows;
  int32_t in_columns;
  int32_t in_channels;
  int32_t out_columns;

  int32_t phases;
  int32_t first_column; /* -padding */
  int32_t phase_step;
  int32_t residues;
  int32_t residue_step;
  int32_t column_step;
  int32_t residue_rows; /* rows of packs per residue */

  int32_t blocks; /* per chunk */
  int32_t packs;  /* per row in a chunk of `blocks` blocks, minus 2 * blocks */
  int32_t back;   /* from the packs behind a block's last step to the first ones of the next block, bytes */

  int32_t copies_row; /* 1: the output overwrites the input, whose rows are copied first */
  int32_t input_zero;
  int32_t low; /* clamp of the output */
  int32_t high;
} ppg_kronecker_t;

/* `scratch` is 4-byte aligned and holds residues * residue_rows rows of packs, 2 * pairs * passes words, 8 words per
   pass but the last one, 4 positions of output, one column of input rounded up to a word, and, if copies_row, one row of input. With copies_row, `out` may be `in`,
   provided an output row is no longer than an input row. */
void ppg_kronecker(const ppg_kronecker_t *convolution, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
