#include "ppg_pool16.h"

#include "ppg_attributes.h"
#include "ppg_requant16.h"

/* The part of a window that lies inside the input; steps count values. */
typedef struct {
  int32_t rows, columns;
  int32_t column_step, row_step;
} window_t;

static inline int32_t average(const window_t *window, const int16_t *from) {
  int32_t sum = 0;
  for (int32_t row = window->rows; row > 0; row--, from += window->row_step) {
    const int16_t *value = from;
    for (int32_t column = window->columns; column > 0; column--, value += window->column_step) sum += *value;
  }
  /* Rounded half away from zero. */
  int32_t count = window->rows * window->columns, half = count / 2;
  return sum > 0 ? (sum + half) / count : (sum - half) / count;
}

static inline int32_t largest(const window_t *window, const int16_t *from) {
  int32_t found = *from;
  for (int32_t row = window->rows; row > 0; row--, from += window->row_step) {
    const int16_t *value = from;
    for (int32_t column = window->columns; column > 0; column--, value += window->column_step) {
      if (*value > found) found = *value;
    }
  }
  return found;
}

/* Inlined, so that there is no call per value. */
PPG_INLINE void pool_all(const ppg_pool16_t *pool, const int16_t *in, int16_t *out,
                         int32_t (*of_window)(const window_t *, const int16_t *)) {
  int32_t row_step = pool->columns * pool->channels;
  for (int32_t row = 0; row < pool->out_rows; row++) {
    for (int32_t column = 0; column < pool->out_columns; column++) {
      int32_t top = row * pool->stride_rows - pool->pad_top, bottom = top + pool->kernel_rows;
      int32_t left = column * pool->stride_columns - pool->pad_left, right = left + pool->kernel_columns;
      if (top < 0) top = 0;
      if (left < 0) left = 0;
      if (bottom > pool->rows) bottom = pool->rows;
      if (right > pool->columns) right = pool->columns;
      const window_t window = {bottom - top, right - left, pool->channels, row_step};
      const int16_t *from = in + top * row_step + left * pool->channels;
      for (int32_t channel = 0; channel < pool->channels; channel++) {
        *out++ = ppg_clamp16(of_window(&window, from + channel), pool->low, pool->high);
      }
    }
  }
}

void ppg_average_pool16(const ppg_pool16_t *pool, const void *in, void *out) {
  pool_all(pool, in, out, average);
}

void ppg_max_pool16(const ppg_pool16_t *pool, const void *in, void *out) {
  pool_all(pool, in, out, largest);
}
