// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#if !defined(TF_LITE_STRIP_ERROR_STRINGS)
void MicroPrintf(const char *format, ...);
int MicroSnprintf(char *buffer, unsigned size, const char *format, ...);
#else
#define MicroPrintf(...) ((void)0)
#endif
