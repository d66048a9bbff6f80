/* What each request does. The model's input and output buffers live behind this, the protocol's bookkeeping
   does not. */
#ifndef PPG_COMMANDS_H
#define PPG_COMMANDS_H

#include <stdint.h>

/* What became of a request: `length` bytes of reply, or why it was refused. */
typedef struct {
  uint16_t length;
  uint8_t refusal; /* PPG_STATUS_*, 0 when accepted */
  int32_t detail;
} ppg_answer_t;

/* Initialises the model. */
void ppg_commands_init(void);

/* Executes the request `type` with `length` bytes of data. `reply` has room for PPG_MAX_DATA bytes. */
ppg_answer_t ppg_commands_execute(uint8_t type, const uint8_t *request, uint16_t length, uint8_t *reply);

/* Writes the data of HELLO_REPLY and BOOT, without the session; returns its length. */
uint16_t ppg_commands_info(uint8_t *reply);

/* One inference on the loaded input, and nothing else; 0, or the runtime's error code. */
int ppg_commands_run(void);

#endif
