/* The two ends of a line of text: collecting a command up to its '%', and taking words and numbers out of it. A command
   is bytes with a length and is never taken for a string: the line may carry anything. */
#ifndef PPG_EEMBC_LINE_H
#define PPG_EEMBC_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* EEMBC's monitor: commands end with '%' and are at most 80 characters without it. */
#define PPG_EEMBC_TERMINATOR '%'
#define PPG_EEMBC_COMMAND_BYTES 80u

/* A piece of a command. */
typedef struct {
  const char *at;
  uint32_t length;
} ppg_eembc_text_t;

typedef struct {
  char bytes[PPG_EEMBC_COMMAND_BYTES];
  uint32_t length; /* one more than fits while a too long command is discarded */
} ppg_eembc_line_t;

typedef enum {
  PPG_EEMBC_INCOMPLETE = 0,
  PPG_EEMBC_COMPLETE,
  PPG_EEMBC_TOO_LONG /* and has now ended: the next byte begins a command */
} ppg_eembc_progress_t;

/* Takes one byte from the line. `command` is set when it completes one, and valid until the next byte. */
ppg_eembc_progress_t ppg_eembc_collect(ppg_eembc_line_t *line, uint8_t byte, ppg_eembc_text_t *command);

/* Takes the next word, which ends before a space, off the front of `text`; empty when there is none. */
ppg_eembc_text_t ppg_eembc_word(ppg_eembc_text_t *text);

bool ppg_eembc_is(ppg_eembc_text_t word, const char *wanted);

/* A number of decimal digits and nothing else; false when it is no such number or exceeds 32 bits. */
bool ppg_eembc_number(ppg_eembc_text_t word, uint32_t *number);

/* Value of a hexadecimal digit in either case, -1 of anything else. */
int ppg_eembc_hex_digit(char digit);

#endif
