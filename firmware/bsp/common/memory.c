/* memcpy and memset for the smallest image: the C library's fast ones take 470 bytes. */
#include <stddef.h>

#ifdef PPG_SMALL_IMAGE

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);

/* Keeps the compiler from turning the loops back into calls of these very functions. */
#define KEEP_LOOP() __asm volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  for (size_t index = 0u; index < count; index++) {
    ((char *)to)[index] = ((const char *)from)[index];
    KEEP_LOOP();
  }
  return to;
}

void *memset(void *to, int value, size_t count) {
  for (size_t index = 0u; index < count; index++) {
    ((char *)to)[index] = (char)value;
    KEEP_LOOP();
  }
  return to;
}

#endif
