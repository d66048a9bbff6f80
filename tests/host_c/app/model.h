/* Sizes of the fake model; each test program is compiled with its own. */
#ifndef MODEL_H
#define MODEL_H

#include "ppg_model_api.h"

#define PPG_MODEL_INPUT_BYTES FAKE_INPUT_BYTES
#define PPG_MODEL_OUTPUT_BYTES FAKE_OUTPUT_BYTES
#define PPG_MODEL_ARENA_BYTES 4321
#define PPG_MODEL_OPERATORS FAKE_OPERATORS
#define PPG_MODEL_SHA256 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define PPG_MODEL_RUNTIME "aot"
#ifdef FAKE_HOP
#define PPG_MODEL_HOP FAKE_HOP
#define PPG_MODEL_PUSH_BYTES FAKE_HOP
#endif

#endif
