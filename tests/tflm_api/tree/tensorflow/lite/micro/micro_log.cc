// Written for the tests of ppg-deploy; see tests/tflm_api/README.md. MicroSnprintf is never called, and what it calls is
// nowhere defined: the linker has to drop it.
#include "tensorflow/lite/micro/micro_log.h"

#include <cstdarg>

#if defined(TF_LITE_STRIP_ERROR_STRINGS)
#error "the interpreter's loop is compiled with its messages, for the profiler: so must be what they call"
#endif

extern "C" void DebugLog(const char *format, va_list args);
extern "C" int DebugVsnprintf(char *buffer, unsigned size, const char *format, va_list args);

void MicroPrintf(const char *format, ...) {
  va_list args;
  va_start(args, format);
  DebugLog(format, args);
  va_end(args);
}

int MicroSnprintf(char *buffer, unsigned size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const int written = DebugVsnprintf(buffer, size, format, args);
  va_end(args);
  return written;
}
