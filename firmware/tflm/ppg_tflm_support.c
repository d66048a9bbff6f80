/* What TFLM and the C++ library want from the platform: no heap, no standard error stream, no exit. */
#include "ppg_tflm.h"

/* linker script: after everything that is reserved, up to the end of the same memory */
extern uint8_t _spare_ram[], _spare_ram_end[];

uint8_t *ppg_tflm_spare_ram(size_t *bytes) {
  const uintptr_t start = ((uintptr_t)_spare_ram + PPG_TFLM_ALIGNMENT - 1u) / PPG_TFLM_ALIGNMENT * PPG_TFLM_ALIGNMENT;
  const uintptr_t end = (uintptr_t)_spare_ram_end;
  *bytes = start < end ? end - start : 0u;
  return (uint8_t *)start;
}

/* Whatever cannot go on ends in a fault: firmware/bsp reports where, and restarts. */
__attribute__((noreturn)) void abort(void) { __builtin_trap(); }
__attribute__((noreturn)) void __cxa_pure_virtual(void) { abort(); }

/* operator new(size_t), delete(void *), delete(void *, size_t) by their Itanium C++ ABI names: virtual destructors name
   them, nothing may call them. */
__attribute__((noreturn)) void *_Znwj(size_t bytes) { (void)bytes, abort(); }
__attribute__((noreturn)) void _ZdlPv(void *object) { (void)object, abort(); }
__attribute__((noreturn)) void _ZdlPvj(void *object, size_t bytes) { (void)object, (void)bytes, abort(); }

/* Static objects are never destroyed (run-time ABI for the Arm architecture). */
int __aeabi_atexit(void *object, void (*destroy)(void *), void *module) {
  return (void)object, (void)destroy, (void)module, 0;
}
void *__dso_handle;

/* TFLM's messages go nowhere. Older versions pass one argument, newer ones two: both are left unread. */
void DebugLog(const char *format) { (void)format; }
