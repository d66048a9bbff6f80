/* Fuzzes the text commands of the EEMBC dialect. Promises: nothing is sent before a '%'; then whole lines of printable
   text, the last one m-ready; nothing is inferred but a complete input that was loaded; and whatever came before, the
   next commands are understood. */
#include <setjmp.h>
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
#define INIT_FAILED (-3)
#define CRASHING_CODE 126 /* the fake model's */
#define COMMAND_MAX 80u
#define READY "m-ready\r\n"
#define LOADED_AT_ONCE 32u /* bytes: as the public runner does, 64 digits */

static char reply[REPLY_MAX + 1u];
static size_t reply_length;
static uint32_t runs_of_command;
static int model_status;
static jmp_buf crash_point;

/* What the device must have: the command so far, and the input. */
static struct {
  char command[COMMAND_MAX];
  size_t length; /* one more than COMMAND_MAX when it is too long */
  uint8_t input[PPG_MODEL_INPUT_BYTES];
  uint32_t loaded;
  bool is_loading;
} shadow;

int __wrap_ppg_model_init(void);
int __wrap_ppg_model_run(const int8_t *input, int8_t *output);
int __real_ppg_model_run(const int8_t *input, int8_t *output);
void __wrap_ppg_bsp_uart_write(const uint8_t *data, uint32_t length);
_Noreturn void __wrap_fake_board_crash(void);

int __wrap_ppg_model_init(void) { return model_status; }

int __wrap_ppg_model_run(const int8_t *input, int8_t *output) {
  FUZZ_REQUIRE(model_status == PPG_MODEL_OK && shadow.loaded == PPG_MODEL_INPUT_BYTES);
  FUZZ_REQUIRE(memcmp(input, shadow.input, sizeof shadow.input) == 0);
  return ++runs_of_command > RUNS_PER_COMMAND ? TIRED : __real_ppg_model_run(input, output);
}

void __wrap_ppg_bsp_uart_write(const uint8_t *data, uint32_t length) {
  FUZZ_REQUIRE(length <= REPLY_MAX - reply_length);
  memcpy(reply + reply_length, data, length);
  reply_length += length;
}

/* In the middle of an inference. The fake board would start the whole program anew. */
_Noreturn void __wrap_fake_board_crash(void) {
  static const ppg_fault_t crash = {.kind = PPG_FAULT_EXCEPTION, .exception = 3, .program_counter = 0x08001234u};
  ppg_bsp_fault_hook(&crash);
  ppg_bsp_run_end();
  longjmp(crash_point, 1);
}

/* The reply is whole lines of printable text, and `last` is the end of it. */
static void require_lines(const char *last) {
  FUZZ_REQUIRE(reply_length >= strlen(last));
  FUZZ_REQUIRE(memcmp(reply + reply_length - strlen(last), last, strlen(last)) == 0);
  for (size_t i = 0; i < reply_length; i++) {
    const char byte = reply[i];
    const bool ends = byte == '\r' && reply[i + 1u] == '\n';
    FUZZ_REQUIRE((byte >= ' ' && byte <= '~') || ends || (byte == '\n' && i > 0 && reply[i - 1u] == '\r'));
  }
}

/* The length of the next word; `at` is moved to its start. */
static size_t next_word(size_t *at) {
  while (*at < shadow.length && shadow.command[*at] == ' ') {
    (*at)++;
  }
  const char *start = shadow.command + *at;
  const char *space = memchr(start, ' ', shadow.length - *at);
  return space != NULL ? (size_t)(space - start) : shadow.length - *at;
}

static int digit(char byte) {
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *found = byte != '\0' ? strchr(digits, byte) : NULL;
  return found != NULL ? (int)((found - digits) % 16) : -1;
}

/* `db load 64` with any zeros in front. */
static bool is_whole_input(const char *word, size_t length) {
  uint32_t value = 0;
  for (size_t i = 0; i < length; i++) {
    if (digit(word[i]) < 0 || digit(word[i]) > 9 || value > PPG_MODEL_INPUT_BYTES) {
      return false;
    }
    value = 10u * value + (uint32_t)digit(word[i]);
  }
  return value == PPG_MODEL_INPUT_BYTES;
}

/* What the finished command does to the input. */
static void follow(void) {
  size_t at = 0;
  size_t length = next_word(&at);
  if (length != 2 || memcmp(shadow.command + at, "db", 2) != 0) {
    return;
  }
  at += length;
  length = next_word(&at);
  const char *word = shadow.command + at;
  if (length == 4 && memcmp(word, "load", 4) == 0) {
    at += length;
    length = next_word(&at);
    if (is_whole_input(shadow.command + at, length)) {
      shadow.loaded = 0;
      shadow.is_loading = true;
    }
    return;
  }
  bool is_good = shadow.is_loading && length % 2 == 0;
  for (size_t i = 0; i < length; i++) {
    is_good = is_good && digit(word[i]) >= 0;
  }
  for (size_t i = 0; is_good && i < length && shadow.loaded < PPG_MODEL_INPUT_BYTES; i += 2) {
    shadow.input[shadow.loaded++] = (uint8_t)(16 * digit(word[i]) + digit(word[i + 1]));
  }
  shadow.is_loading = shadow.is_loading && shadow.loaded < PPG_MODEL_INPUT_BYTES;
}

static void collect(char byte) {
  if (byte == '%') {
    if (shadow.length <= COMMAND_MAX) {
      follow();
    }
    shadow.length = 0;
  } else if (byte != '\r' && byte != '\n') {
    if (shadow.length < COMMAND_MAX) {
      shadow.command[shadow.length] = byte;
    }
    shadow.length += shadow.length <= COMMAND_MAX;
  }
}

static void start(void) {
  reply_length = 0;
  shadow.length = 0;
  shadow.loaded = 0;
  shadow.is_loading = false;
  ppg_app_start();
  require_lines(READY);
}

/* False: the device has crashed meanwhile. */
static bool receives(uint8_t byte) {
  if (byte == '%' && setjmp(crash_point) != 0) { /* only the terminator makes the device do anything */
    return false;
  }
  ppg_app_receive(byte);
  return true;
}

static void to_device(const uint8_t *bytes, size_t length) {
  fuzz_trace_record('I', bytes, length);
  for (size_t i = 0; i < length; i++) {
    reply_length = 0;
    runs_of_command = 0;
    collect((char)bytes[i]);
    const bool survived = receives(bytes[i]);
    reply[reply_length] = '\0';
    if (!survived) {
      FUZZ_REQUIRE(shadow.input[0] == CRASHING_CODE);
      require_lines("\r\ne-[Fault 1: exception 3, CFSR 00000000, pc 08001234, lr 00000000]\r\n");
      start();
    } else if (bytes[i] == '%') {
      require_lines(READY);
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
  if (model_status == PPG_MODEL_OK) {
    FUZZ_REQUIRE(strcmp(answer_to("infer 1 0%"), "e-[No input loaded]\r\n" READY) == 0);
  }
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
  if (model_status != PPG_MODEL_OK) {
    FUZZ_REQUIRE(strcmp(answer_to("infer 1 0%"), "e-[Model not ready: -3]\r\n" READY) == 0);
    return;
  }
  const char *results = strstr(answer_to("infer 1 0%"), "m-results-[");
  FUZZ_REQUIRE(results != NULL && runs_of_command == 1u);
  const int32_t first = (int8_t)(uint8_t)sum; /* output[0]; its real value is half of it plus one half */
  const double real = strtod(results + sizeof "m-results-[" - 1u, NULL);
  FUZZ_REQUIRE((int32_t)(2.0 * real) == first + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  model_status = size > 0 && (data[0] & PROGRAM_MODEL_FAILS) != 0 ? INIT_FAILED : PPG_MODEL_OK;
  start();
  if (size > 0) {
    (void)program_play(data + 1, size - 1, 1, to_device);
  }
  recover((uint8_t)size);
  return 0;
}
