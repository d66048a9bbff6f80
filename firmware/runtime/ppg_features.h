/* Which forms of the kernels a model uses. The code generator puts ppg_model_features.h beside the model; it lists the
   forms that at least one step needs, and all others are compiled out. Without that file every form is there. */
#ifndef PPG_FEATURES_H
#define PPG_FEATURES_H

#ifdef __has_include
#if __has_include("ppg_model_features.h")
#include "ppg_model_features.h"
#endif
#endif

#ifdef PPG_MODEL_FEATURES_LISTED
#define PPG_UNLISTED 0
#else
#define PPG_UNLISTED 1
#endif

/* A requantisation per channel that is not proven exact in its short form. */
#ifndef PPG_USES_GENERAL_FACTORS
#define PPG_USES_GENERAL_FACTORS PPG_UNLISTED
#endif

/* A clamp of the output to less than the whole int8 range. */
#ifndef PPG_USES_CLAMPS
#define PPG_USES_CLAMPS PPG_UNLISTED
#endif

/* ppg_matrix_block with fewer than 4 positions or an odd number of channels. */
#ifndef PPG_USES_PARTIAL_BLOCKS
#define PPG_USES_PARTIAL_BLOCKS PPG_UNLISTED
#endif

/* ppg_conv: windows in pieces that are a multiple of 4 bytes, and others. */
#ifndef PPG_USES_CONV_RUNS
#define PPG_USES_CONV_RUNS PPG_UNLISTED
#endif
#ifndef PPG_USES_CONV_OFFSETS
#define PPG_USES_CONV_OFFSETS PPG_UNLISTED
#endif

/* ppg_dense: a number of inputs that is no multiple of 4. */
#ifndef PPG_USES_DENSE_TAILS
#define PPG_USES_DENSE_TAILS PPG_UNLISTED
#endif

/* ppg_average_pool: windows of 2^1 .. 2^7 values, four channels at a time; other windows of up to 255 values, four
   channels at a time; one channel at a time. Without the first form, the second takes those windows, too. */
#ifndef PPG_USES_POOL_SHIFTS
#define PPG_USES_POOL_SHIFTS PPG_UNLISTED
#endif
#ifndef PPG_USES_POOL_DIVISIONS
#define PPG_USES_POOL_DIVISIONS PPG_UNLISTED
#endif
#ifndef PPG_USES_POOL_SINGLES
#define PPG_USES_POOL_SINGLES PPG_UNLISTED
#endif

/* ppg_winograd: more than 16 input channels; more than 32; outputs that are not those of a ReLU. */
#ifndef PPG_USES_WINOGRAD_WIDE
#define PPG_USES_WINOGRAD_WIDE PPG_UNLISTED
#endif
#ifndef PPG_USES_WINOGRAD_LONG
#define PPG_USES_WINOGRAD_LONG PPG_UNLISTED
#endif
#ifndef PPG_USES_WINOGRAD_SIGNED
#define PPG_USES_WINOGRAD_SIGNED PPG_UNLISTED
#endif

/* ppg_kronecker: several passes over the input channels. */
#ifndef PPG_USES_KRONECKER_PASSES
#define PPG_USES_KRONECKER_PASSES PPG_UNLISTED
#endif

/* ppg_kronecker: half blocks at the ends of rows. */
#ifndef PPG_USES_KRONECKER_HALVES
#define PPG_USES_KRONECKER_HALVES PPG_UNLISTED
#endif

#endif
