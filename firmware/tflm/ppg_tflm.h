/* Status codes of a firmware with TFLM, reported as model_status. toolchain/ppg_deploy/tflm/status.py explains them.

   Sizes: ppg_model_init returns +N when AllocateTensors needs an arena of N bytes, and -N when it fails even with N
   bytes, all RAM that is left. Sizes are larger than PPG_TFLM_MOST_CODES. */
#ifndef PPG_TFLM_H
#define PPG_TFLM_H

#include <stddef.h>
#include <stdint.h>

#define PPG_TFLM_WRONG_SCHEMA (-1)
#define PPG_TFLM_NO_OPERATOR (-2)
#define PPG_TFLM_WRONG_TENSOR (-3)
#define PPG_TFLM_NOT_RESET (-4)
#define PPG_TFLM_NOT_RUN (-5)
#define PPG_TFLM_NOT_PROFILED (-6)
#define PPG_TFLM_MOST_CODES 16

#define PPG_TFLM_ALIGNMENT 16 /* of model and arena */

/* RAM that the image does not use, aligned to PPG_TFLM_ALIGNMENT. */
uint8_t *ppg_tflm_spare_ram(size_t *bytes);

#endif
