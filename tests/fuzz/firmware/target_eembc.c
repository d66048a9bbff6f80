/* Fuzzes the text commands of the EEMBC dialect. Promises: nothing is sent before a '%'; then whole lines of printable
   text, the last one m-ready; nothing is inferred but a complete input that was loaded; and whatever came before, the
   next commands are understood. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "model.h"
#include "ppg_app.h"
#include "ppg_bsp.h"
#include "program.h"

#define REPLY_MAX 8192u
/* `infer` takes counts up to 2^32 - 1; after this many runs of one command the model fails and ends it. */
#define RUNS_PER_COMMAND 50u
#define TIRED (-9)
#define READY "m-ready\r\n"
#define LOADED_AT_ONCE 32u /* bytes: as the public runner does, 64 digits */

static char reply[REPLY_MAX + 1u];
static size_t reply_length;
static uint32_t runs_of_command;
static const int8_t *wanted_input;
static bool may_run;

int __wrap_ppg_model_run(const int8_t *input, int8_t *output);
int __real_ppg_model_run(const int8_t *input, int8_t *output);
void __wrap_ppg_bsp_uart_write(const uint8_t *data, uint32_t length);

int __wrap_ppg_model_run(const int8_t *input, int8_t *output) {
  FUZZ_REQUIRE(may_run);
  FUZZ_REQUIRE(wanted_input == NULL || memcmp(input, wanted_input, PPG_MODEL_INPUT_BYTES) == 0);
  return ++runs_of_command > RUNS_PER_COMMAND ? TIRED : __real_ppg_model_run(input, output);
}

void __wrap_ppg_bsp_uart_write(const uint8_t *data, uint32_t length) {
  FUZZ_REQUIRE(length <= REPLY_MAX - reply_length);
  memcpy(reply + reply_length, data, length);
  reply_length += length;
}

static void require_lines(void) {
  FUZZ_REQUIRE(reply_length >= sizeof READY - 1u);
  FUZZ_REQUIRE(memcmp(reply + reply_length - (sizeof READY - 1u), READY, sizeof READY - 1u) == 0);
  for (size_t i = 0; i < reply_length; i++) {
    const char byte = reply[i];
    const bool ends = byte == '\r' && reply[i + 1u] == '\n';
    FUZZ_REQUIRE((byte >= ' ' && byte <= '~') || ends || (byte == '\n' && i > 0 && reply[i - 1u] == '\r'));
  }
}

static void to_device(const uint8_t *bytes, size_t length) {
  fuzz_trace_record('I', bytes, length);
  for (size_t i = 0; i < length; i++) {
    reply_length = 0;
    runs_of_command = 0;
    ppg_app_receive(bytes[i]);
    reply[reply_length] = '\0';
    if (bytes[i] == '%') {
      require_lines();
      may_run = may_run || strstr(reply, "m-load-done\r\n") != NULL;
      may_run = may_run && strstr(reply, "m-[Expecting ") == NULL;
    } else {
      FUZZ_REQUIRE(reply_length == 0);
    }
  }
}

static const char *answer_to(const char *command) {
  to_device((const uint8_t *)command, strlen(command));
  return reply;
}

static void load(const uint8_t input[PPG_MODEL_INPUT_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  FUZZ_REQUIRE(strcmp(answer_to("db load 64%"), "m-[Expecting 64 bytes]\r\n" READY) == 0);
  FUZZ_REQUIRE(strcmp(answer_to("infer 1 0%"), "e-[No input loaded]\r\n" READY) == 0);
  for (uint32_t at = 0; at < PPG_MODEL_INPUT_BYTES; at += LOADED_AT_ONCE) {
    char command[3u + 2u * LOADED_AT_ONCE + 2u] = "db ";
    for (uint32_t i = 0; i < LOADED_AT_ONCE; i++) {
      command[3u + 2u * i] = digits[input[at + i] >> 4];
      command[4u + 2u * i] = digits[input[at + i] & 15u];
    }
    command[3u + 2u * LOADED_AT_ONCE] = '%';
    const bool last = at + LOADED_AT_ONCE == PPG_MODEL_INPUT_BYTES;
    FUZZ_REQUIRE(strcmp(answer_to(command), last ? "m-load-done\r\n" READY : READY) == 0);
  }
}

static void recover(uint8_t salt) {
  uint8_t input[PPG_MODEL_INPUT_BYTES];
  uint32_t sum = 0;
  for (uint32_t i = 0; i < PPG_MODEL_INPUT_BYTES; i++) {
    input[i] = (uint8_t)(5u * i + salt);
  }
  input[0] = 1; /* 127 would make the fake model fail */
  for (uint32_t i = 0; i < PPG_MODEL_INPUT_BYTES; i++) {
    sum += (uint32_t)(int32_t)(int8_t)input[i] * (i + 1u);
  }
  (void)answer_to("%"); /* ends whatever has been begun */
  FUZZ_REQUIRE(strcmp(answer_to("name%"), "m-name-dut-[fuzz]\r\n" READY) == 0);
  load(input);
  wanted_input = (const int8_t *)input;
  const char *results = strstr(answer_to("infer 1 0%"), "m-results-[");
  wanted_input = NULL;
  FUZZ_REQUIRE(results != NULL && runs_of_command == 1u);
  const int32_t first = (int8_t)(uint8_t)sum; /* output[0]; its real value is half of it plus one half */
  const double real = strtod(results + sizeof "m-results-[" - 1u, NULL);
  FUZZ_REQUIRE((int32_t)(2.0 * real) == first + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  reply_length = 0;
  may_run = false;
  ppg_app_start();
  require_lines();
  if (size > 0) {
    (void)program_play(data + 1, size - 1, 1, to_device);
  }
  recover((uint8_t)size);
  return 0;
}
