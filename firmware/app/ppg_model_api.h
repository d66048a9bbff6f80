/* What every runtime (aot, tflm) offers to the application. model.h, generated beside the model, adds the sizes:
   PPG_MODEL_INPUT_BYTES, PPG_MODEL_OUTPUT_BYTES, PPG_MODEL_ARENA_BYTES, PPG_MODEL_OPERATORS. */
#ifndef PPG_MODEL_API_H
#define PPG_MODEL_API_H

#include <stddef.h>
#include <stdint.h>

#define PPG_MODEL_OK 0
#define PPG_MODEL_FILLING 1 /* not an error: the first window is not complete yet */

/* Prepares the runtime; call once before the first run. PPG_MODEL_OK, or a runtime's own error code. */
int ppg_model_init(void);

/* One inference. `input` holds PPG_MODEL_INPUT_BYTES bytes of codes, `output` receives PPG_MODEL_OUTPUT_BYTES; both
   belong to the caller and must not overlap. Codes are int8, or, for a model quantised with --int16x8, int16 with the
   low byte first; then both must be aligned to 4 bytes. PPG_MODEL_OK, or a runtime's own error code. */
int ppg_model_run(const int8_t *input, int8_t *output);

/* The same inference; ticks[i] receives `now()` after operator i minus `now()` before it, of an operator in pieces the
   sum over them. */
int ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void),
                           uint32_t ticks[]);

/* Sliding windows, in models built with --hop: moves the stream's window on by PPG_MODEL_HOP samples per channel and
   answers for it, with the same bytes as ppg_model_run of the whole window. `samples` holds PPG_MODEL_PUSH_BYTES bytes
   of codes: for each row of the input, PPG_MODEL_HOP columns with all channels. PPG_MODEL_FILLING, with `output`
   untouched, until the first window is complete. ppg_model_run may be called in between. */
int ppg_model_push(const int8_t *samples, int8_t *output);

/* Forgets the stream: call it after a gap in the samples. */
void ppg_model_restart_stream(void);

/* Bytes of the one static buffer that holds every intermediate result. */
size_t ppg_model_arena_bytes(void);

#endif
