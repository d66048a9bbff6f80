#include "ppg_eembc_print.h"

#include <string.h>

#include "ppg_bsp.h"

#define DIGITS_MAX 20u /* of 2^64 - 1 */
#define DECIMALS 3u
#define THOUSAND 1000u

static void put(const char *text, uint32_t length) { ppg_bsp_uart_write((const uint8_t *)text, length); }

void ppg_eembc_print(const char *text) { put(text, (uint32_t)strlen(text)); }

/* With zeros in front, when it has fewer than `least` digits. */
static void print_digits(uint64_t value, uint32_t least) {
  char digits[DIGITS_MAX];
  uint32_t count = 0;
  do {
    digits[DIGITS_MAX - ++count] = (char)('0' + (int)(value % 10u));
    value /= 10u;
  } while (value > 0 || count < least);
  put(digits + DIGITS_MAX - count, count);
}

void ppg_eembc_print_u32(uint32_t value) { print_digits(value, 1); }

void ppg_eembc_print_s32(int32_t value) {
  if (value < 0) {
    put("-", 1);
  }
  print_digits(value < 0 ? 0u - (uint32_t)value : (uint32_t)value, 1);
}

void ppg_eembc_print_hex(uint8_t byte) {
  static const char digits[] = "0123456789abcdef";
  const char pair[2] = {digits[byte >> 4], digits[byte & 0xFu]};
  put(pair, sizeof pair);
}

void ppg_eembc_print_hex32(uint32_t value) {
  for (uint32_t shift = 32; shift > 0; shift -= 8u) {
    ppg_eembc_print_hex((uint8_t)(value >> (shift - 8u)));
  }
}

void ppg_eembc_print_foreign(ppg_eembc_text_t text) {
  for (uint32_t i = 0; i < text.length; i++) {
    const char byte = text.at[i];
    put(byte >= ' ' && byte <= '~' ? &byte : "?", 1);
  }
}

void ppg_eembc_print_real(uint64_t mantissa, uint32_t shift, int32_t steps) {
  /* mantissa < 2^36, steps <= 2^17 (differences of int16 codes), 1000 < 2^10: the product is below 2^63. */
  const uint64_t magnitude = steps < 0 ? 0u - (uint32_t)steps : (uint32_t)steps;
  const uint64_t product = mantissa * magnitude * THOUSAND;
  uint64_t thousandths = product >> shift;
  if (shift > 0) {
    const uint64_t half = 1ull << (shift - 1u);
    const uint64_t rest = product & (half | (half - 1u));
    if (rest > half || (rest == half && (thousandths & 1u) != 0)) {
      thousandths++;
    }
  }
  if (steps < 0 && thousandths > 0) {
    put("-", 1);
  }
  print_digits(thousandths / THOUSAND, 1);
  put(".", 1);
  print_digits(thousandths % THOUSAND, DECIMALS);
}
