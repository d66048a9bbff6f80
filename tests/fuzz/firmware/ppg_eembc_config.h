/* What the project renderer would write for the fake model. */
#ifndef PPG_EEMBC_CONFIG_H
#define PPG_EEMBC_CONFIG_H

#include <stdint.h>

#define PPG_EEMBC_VENDOR "fuzz"
#define PPG_EEMBC_PROFILE "ULPMark for tinyML Firmware V0.0.1"
#define PPG_EEMBC_MODEL_ID "ic01"
#define PPG_EEMBC_MODE "performance"
#define PPG_EEMBC_ENERGY_MODE 0

/* real = 0.5 * (code + 1) */
typedef int8_t ppg_eembc_code_t;
#define PPG_EEMBC_SCALE_MANTISSA 1ull
#define PPG_EEMBC_SCALE_SHIFT 1u
#define PPG_EEMBC_ZERO_POINT (-1)

#endif
