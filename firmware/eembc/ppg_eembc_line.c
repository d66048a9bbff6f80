#include "ppg_eembc_line.h"

#include <string.h>

#define DISCARDING (PPG_EEMBC_COMMAND_BYTES + 1u)

ppg_eembc_progress_t ppg_eembc_collect(ppg_eembc_line_t *line, uint8_t byte, ppg_eembc_text_t *command) {
  if (byte == PPG_EEMBC_TERMINATOR) {
    const uint32_t length = line->length;
    line->length = 0;
    if (length == DISCARDING) {
      return PPG_EEMBC_TOO_LONG;
    }
    *command = (ppg_eembc_text_t){.at = line->bytes, .length = length};
    return PPG_EEMBC_COMPLETE;
  }
  if (byte == '\r' || byte == '\n') { /* a person at a terminal; the runner sends none */
    return PPG_EEMBC_INCOMPLETE;
  }
  if (line->length < PPG_EEMBC_COMMAND_BYTES) {
    line->bytes[line->length++] = (char)byte;
  } else {
    line->length = DISCARDING;
  }
  return PPG_EEMBC_INCOMPLETE;
}

ppg_eembc_text_t ppg_eembc_word(ppg_eembc_text_t *text) {
  while (text->length > 0 && *text->at == ' ') {
    text->at++;
    text->length--;
  }
  ppg_eembc_text_t word = {.at = text->at, .length = 0};
  while (text->length > 0 && *text->at != ' ') {
    text->at++;
    text->length--;
    word.length++;
  }
  return word;
}

bool ppg_eembc_is(ppg_eembc_text_t word, const char *wanted) {
  return word.length == strlen(wanted) && memcmp(word.at, wanted, word.length) == 0;
}

bool ppg_eembc_number(ppg_eembc_text_t word, uint32_t *number) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < word.length; i++) {
    if (word.at[i] < '0' || word.at[i] > '9') {
      return false;
    }
    value = 10u * value + (uint64_t)(word.at[i] - '0');
    if (value > UINT32_MAX) {
      return false;
    }
  }
  *number = (uint32_t)value;
  return word.length > 0;
}

int ppg_eembc_hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  const char lower = (char)(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
