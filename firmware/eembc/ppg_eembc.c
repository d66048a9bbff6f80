/* The application that answers the command set of EEMBC's monitor for MLPerf Tiny, so that the public runner can drive
   the board; see docs/eembc.md. It takes the place of ppg_app.c and knows nothing of our own protocol.

   Written from the commands' description; what is stricter here than there: nothing is stored beyond the model's input,
   a chunk with one wrong digit changes nothing, and there is no inference of an input that is not complete. */
#include <stdbool.h>

#include "model.h"
#include "ppg_app.h"
#include "ppg_bsp.h"
#include "ppg_eembc_clock.h"
#include "ppg_eembc_config.h"
#include "ppg_eembc_line.h"
#include "ppg_eembc_print.h"

#define DEFAULT_RUNS 1u
#define DEFAULT_WARM_UPS 10u
#define BYTES_PER_DUMP_LINE 8u
#define OUTPUTS (PPG_MODEL_OUTPUT_BYTES / sizeof(ppg_eembc_code_t))

_Static_assert(PPG_EEMBC_SCALE_MANTISSA < (1ull << 36), "see ppg_eembc_print_real");
_Static_assert(PPG_EEMBC_SCALE_SHIFT < 64u, "see ppg_eembc_print_real");

typedef struct {
  const char *name;
  void (*execute)(ppg_eembc_text_t arguments);
} command_t;

static _Alignas(16) int8_t input[PPG_MODEL_INPUT_BYTES];
static _Alignas(16) ppg_eembc_code_t output[OUTPUTS];
static ppg_eembc_line_t line;
static uint32_t loaded;   /* bytes of the input that have arrived */
static bool is_loading;   /* between `db load` and the last byte */
static bool has_results;
static int model_status;

static void name(ppg_eembc_text_t arguments) {
  (void)arguments;
  ppg_eembc_print("m-name-dut-[" PPG_EEMBC_VENDOR "]\r\n");
}

static void profile(ppg_eembc_text_t arguments) {
  (void)arguments;
  ppg_eembc_print("m-profile-[" PPG_EEMBC_PROFILE "]\r\nm-model-[" PPG_EEMBC_MODEL_ID "]\r\n");
}

static void timestamp(ppg_eembc_text_t arguments) {
  (void)arguments;
  ppg_eembc_timestamp();
}

static void help(ppg_eembc_text_t arguments) {
  (void)arguments;
  ppg_eembc_print(PPG_EEMBC_PROFILE
                  "\r\n\r\n"
                  "help            this text\r\n"
                  "name            name of the device\r\n"
                  "profile         version of the command set, and the model's id\r\n"
                  "timestamp       time in microseconds, or an edge on a pin in energy mode\r\n"
                  "db load N       expect the N bytes of the model's input\r\n"
                  "db HH[HH]*      the next bytes\r\n"
                  "db print        the input as it is\r\n"
                  "infer N [W=10]  W inferences, then N timed ones\r\n"
                  "results         the last output as real numbers\r\n");
}

static void load(ppg_eembc_text_t arguments) {
  uint32_t bytes = 0;
  const ppg_eembc_text_t word = ppg_eembc_word(&arguments);
  if (word.length == 0) {
    ppg_eembc_print("e-[Command 'db load' requires the # of bytes]\r\n");
  } else if (!ppg_eembc_number(word, &bytes) || bytes != PPG_MODEL_INPUT_BYTES) {
    ppg_eembc_print("e-[The model's input has ");
    ppg_eembc_print_u32(PPG_MODEL_INPUT_BYTES);
    ppg_eembc_print(" bytes]\r\n");
  } else {
    loaded = 0;
    is_loading = true;
    ppg_eembc_print("m-[Expecting ");
    ppg_eembc_print_u32(bytes);
    ppg_eembc_print(" bytes]\r\n");
  }
}

static void dump(void) {
  for (uint32_t i = 0; i < PPG_MODEL_INPUT_BYTES; i++) {
    const bool ends_line = (i + 1u) % BYTES_PER_DUMP_LINE == 0 || i + 1u == PPG_MODEL_INPUT_BYTES;
    ppg_eembc_print(i % BYTES_PER_DUMP_LINE == 0 ? "m-buffer-" : "-");
    ppg_eembc_print_hex((uint8_t)input[i]);
    if (ends_line) {
      ppg_eembc_print("\r\n");
    }
  }
}

static bool all_hex(ppg_eembc_text_t digits) {
  for (uint32_t i = 0; i < digits.length; i++) {
    if (ppg_eembc_hex_digit(digits.at[i]) < 0) {
      return false;
    }
  }
  return true;
}

static void fill(ppg_eembc_text_t digits) {
  if (!all_hex(digits)) {
    ppg_eembc_print("e-[Invalid hex digit in '");
    ppg_eembc_print_foreign(digits);
    ppg_eembc_print("']\r\n");
  } else if (digits.length % 2u != 0) {
    ppg_eembc_print("e-[Insufficient number of hex digits]\r\n");
  } else if (!is_loading) {
    ppg_eembc_print("e-[Command 'db load' must come first]\r\n");
  } else {
    for (uint32_t i = 0; i < digits.length && loaded < PPG_MODEL_INPUT_BYTES; i += 2u) {
      const int high = ppg_eembc_hex_digit(digits.at[i]);
      const int low = ppg_eembc_hex_digit(digits.at[i + 1u]);
      input[loaded++] = (int8_t)(uint8_t)(16 * high + low);
    }
    if (loaded == PPG_MODEL_INPUT_BYTES) { /* digits beyond it are disregarded, as EEMBC's monitor does */
      is_loading = false;
      ppg_eembc_print("m-load-done\r\n");
    }
  }
}

static void buffer(ppg_eembc_text_t arguments) {
  const ppg_eembc_text_t word = ppg_eembc_word(&arguments);
  if (word.length == 0) {
    ppg_eembc_print("e-[Command 'db' requires a subcommand]\r\n");
  } else if (ppg_eembc_is(word, "load")) {
    load(arguments);
  } else if (ppg_eembc_is(word, "print")) {
    dump();
  } else {
    fill(word);
  }
}

static void results(ppg_eembc_text_t arguments) {
  (void)arguments;
  if (!has_results) {
    ppg_eembc_print("e-[No inference yet]\r\n");
    return;
  }
  ppg_eembc_print("m-results-[");
  for (uint32_t i = 0; i < OUTPUTS; i++) {
    if (i > 0) {
      ppg_eembc_print(",");
    }
    ppg_eembc_print_real(PPG_EEMBC_SCALE_MANTISSA, PPG_EEMBC_SCALE_SHIFT,
                         (int32_t)output[i] - PPG_EEMBC_ZERO_POINT);
  }
  ppg_eembc_print("]\r\n");
}

static bool run(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    ppg_bsp_run_begin();
    ppg_eembc_clock_go_on();
    const int status = ppg_model_run(input, (int8_t *)output);
    ppg_bsp_run_end();
    ppg_eembc_clock_follow();
    if (status != PPG_MODEL_OK) {
      ppg_eembc_print("e-[Inference failed: ");
      ppg_eembc_print_s32(status);
      ppg_eembc_print("]\r\n");
      return false;
    }
  }
  return true;
}

static void say_count(const char *what, uint32_t count) {
  ppg_eembc_print(what);
  ppg_eembc_print_u32(count);
  ppg_eembc_print("\r\n");
}

static void run_timed(uint32_t runs, uint32_t warm_ups) {
  has_results = false;
  say_count("m-warmup-start-", warm_ups);
  if (!run(warm_ups)) {
    return;
  }
  ppg_eembc_print("m-warmup-done\r\n");
  say_count("m-infer-start-", runs);
  ppg_eembc_timestamp();
  if (!run(runs)) {
    return;
  }
  ppg_eembc_timestamp();
  ppg_eembc_print("m-infer-done\r\n");
  has_results = true;
  results((ppg_eembc_text_t){.length = 0});
}

static void infer(ppg_eembc_text_t arguments) {
  uint32_t runs = DEFAULT_RUNS;
  uint32_t warm_ups = DEFAULT_WARM_UPS;
  const ppg_eembc_text_t first = ppg_eembc_word(&arguments);
  const ppg_eembc_text_t second = ppg_eembc_word(&arguments);
  if (first.length > 0 && (!ppg_eembc_number(first, &runs) || runs == 0)) {
    ppg_eembc_print("e-[Inference iterations must be >0]\r\n");
  } else if (second.length > 0 && !ppg_eembc_number(second, &warm_ups)) {
    ppg_eembc_print("e-[Inference warmup must be >=0]\r\n");
  } else if (model_status != PPG_MODEL_OK) {
    ppg_eembc_print("e-[Model not ready: ");
    ppg_eembc_print_s32(model_status);
    ppg_eembc_print("]\r\n");
  } else if (loaded != PPG_MODEL_INPUT_BYTES) {
    ppg_eembc_print("e-[No input loaded]\r\n");
  } else {
    run_timed(runs, warm_ups);
  }
}

static const command_t commands[] = {
    {"name", name}, {"profile", profile}, {"timestamp", timestamp}, {"db", buffer},
    {"infer", infer}, {"results", results}, {"help", help},
};

static void execute(ppg_eembc_text_t command) {
  const ppg_eembc_text_t word = ppg_eembc_word(&command);
  for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (ppg_eembc_is(word, commands[i].name)) {
      commands[i].execute(command);
      return;
    }
  }
  ppg_eembc_print("e-[Unknown command: ");
  ppg_eembc_print_foreign(word);
  ppg_eembc_print("]\r\n");
}

void ppg_app_start(void) {
  line.length = 0;
  loaded = 0;
  is_loading = false;
  has_results = false;
  model_status = ppg_model_init();
  ppg_eembc_clock_start();
  ppg_eembc_print("m-timestamp-mode-" PPG_EEMBC_MODE "\r\n");
  ppg_eembc_timestamp();
  ppg_eembc_print("m-init-done\r\nm-ready\r\n");
}

void ppg_app_receive(uint8_t byte) {
  ppg_eembc_text_t command;
  ppg_eembc_clock_follow();
  const ppg_eembc_progress_t progress = ppg_eembc_collect(&line, byte, &command);
  if (progress == PPG_EEMBC_INCOMPLETE) {
    return;
  }
  if (progress == PPG_EEMBC_TOO_LONG) {
    ppg_eembc_print("e-[Command longer than 80 characters]\r\n");
  } else {
    execute(command);
  }
  ppg_eembc_print("m-ready\r\n");
}

/* The line may have been left in the middle of one, hence the empty one in front. */
void ppg_bsp_fault_hook(const ppg_fault_t *fault) {
  ppg_eembc_print("\r\ne-[Fault ");
  ppg_eembc_print_u32(fault->kind);
  ppg_eembc_print(": exception ");
  ppg_eembc_print_u32(fault->exception);
  ppg_eembc_print(", CFSR ");
  ppg_eembc_print_hex32(fault->fault_status);
  ppg_eembc_print(", pc ");
  ppg_eembc_print_hex32(fault->program_counter);
  ppg_eembc_print(", lr ");
  ppg_eembc_print_hex32(fault->link_register);
  ppg_eembc_print("]\r\n");
}
