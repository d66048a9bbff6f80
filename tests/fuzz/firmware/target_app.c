/* Fuzzes the bench application: whatever the line brings, every correct packet gets the answer that the protocol
   promises (shadow.c), nothing else is written, nothing runs twice, and a host that says HELLO afterwards gets a right
   inference. The linker's --wrap puts this file between the application and the fake board and model. */
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "model.h"
#include "ppg_app.h"
#include "ppg_bsp.h"
#include "ppg_bytes.h"
#include "program.h"
#include "reference.h"
#include "shadow.h"
#include "shadow_model.h"

#define INIT_FAILED (-3)
#define WRITTEN_MAX (2u * (PPG_FRAME_BYTES_MAX + 2u)) /* the reply, and a crash behind it */

static uint8_t written[WRITTEN_MAX];
static size_t written_length;
static bool reset_asked;
static int32_t model_status;
static uint32_t calls;
static reference_receiver_t line;
static jmp_buf crash_point;
static bool is_silent; /* the UART is off */
static bool is_gate_high;
static uint32_t silent_runs;
static ppg_fault_t last_fault;
static const ppg_fault_t no_fault = {.kind = PPG_FAULT_NONE};
static const ppg_fault_t crash = {.kind = PPG_FAULT_EXCEPTION,
                                  .exception = 3,
                                  .fault_status = 0x00008200u,
                                  .hard_fault_status = 0x40000000u,
                                  .bus_address = 0x00FF0100u,
                                  .program_counter = 0x08001234u,
                                  .link_register = 0xFFFFFFF9u,
                                  .stack_pointer = 0x20000FF0u,
                                  .runs = 7};

int __wrap_ppg_model_init(void);
int __wrap_ppg_model_run(const int8_t *input, int8_t *output);
int __real_ppg_model_run(const int8_t *input, int8_t *output);
int __wrap_ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void), uint32_t ticks[]);
int __real_ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void), uint32_t ticks[]);
int __wrap_ppg_model_push(const int8_t *samples, int8_t *output);
int __real_ppg_model_push(const int8_t *samples, int8_t *output);
void __wrap_ppg_bsp_uart_write(const uint8_t *data, uint32_t length);
void __wrap_ppg_bsp_reset(void);
ppg_restart_cause_t __wrap_ppg_bsp_restart_cause(void);
ppg_fault_t __wrap_ppg_bsp_last_fault(void);
_Noreturn void __wrap_fake_board_crash(void);

int __wrap_ppg_model_init(void) { return model_status; }

int __wrap_ppg_model_run(const int8_t *input, int8_t *output) {
  calls++;
  FUZZ_REQUIRE(is_gate_high == is_silent);
  if (is_silent && ++silent_runs > SHADOW_POWER_RUNS) {
    return SHADOW_TIRED;
  }
  return __real_ppg_model_run(input, output);
}

int __wrap_ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void), uint32_t ticks[]) {
  calls++;
  return __real_ppg_model_run_profiled(input, output, now, ticks);
}

#ifdef PPG_MODEL_HOP
int __wrap_ppg_model_push(const int8_t *samples, int8_t *output) {
  calls++;
  return __real_ppg_model_push(samples, output);
}
#endif

#ifdef PPG_POWER_RUN
void ppg_bsp_silence(void) {
  FUZZ_REQUIRE(!is_silent);
  is_silent = true;
  silent_runs = 0;
}

void ppg_bsp_speak(void) {
  FUZZ_REQUIRE(is_silent && !is_gate_high);
  is_silent = false;
}

void ppg_bsp_gate(bool high) {
  FUZZ_REQUIRE(is_silent);
  is_gate_high = high;
}

void ppg_bsp_pause(uint32_t milliseconds, bool asleep) {
  (void)asleep;
  FUZZ_REQUIRE(is_silent && !is_gate_high && milliseconds <= PPG_MAX_POWER_PAUSE_MS);
}
#endif

void __wrap_ppg_bsp_uart_write(const uint8_t *data, uint32_t length) {
  FUZZ_REQUIRE(!is_silent);
  FUZZ_REQUIRE(length <= WRITTEN_MAX - written_length);
  memcpy(written + written_length, data, length);
  written_length += length;
  fuzz_trace_record('O', data, length);
}

void __wrap_ppg_bsp_reset(void) {
  FUZZ_REQUIRE(!reset_asked);
  reset_asked = true;
}

ppg_restart_cause_t __wrap_ppg_bsp_restart_cause(void) {
  return last_fault.kind == PPG_FAULT_NONE ? PPG_RESTART_PIN : PPG_RESTART_FAULT;
}

ppg_fault_t __wrap_ppg_bsp_last_fault(void) { return last_fault; }

/* In the middle of an inference. The fake board would start the whole program anew. */
_Noreturn void __wrap_fake_board_crash(void) {
  last_fault = crash;
  is_silent = false; /* the handler's ppg_bsp_uart_write switches the UART on */
  is_gate_high = false;
  ppg_bsp_fault_hook(&crash);
  ppg_bsp_run_end();
  longjmp(crash_point, 1);
}

static void start(void) {
  written_length = 0;
  reset_asked = false;
  memset(&line, 0, offsetof(reference_receiver_t, frame));
  ppg_app_start();
  shadow_start(written, written_length, model_status, &last_fault);
  FUZZ_REQUIRE(!reset_asked);
}

/* False: the device has crashed meanwhile. */
static bool receives(uint8_t byte) {
  if (byte == 0 && setjmp(crash_point) != 0) { /* only a delimiter makes the device do anything */
    return false;
  }
  ppg_app_receive(byte);
  return true;
}

static void to_device(const uint8_t *bytes, size_t length) {
  reference_packet_t packet;
  fuzz_trace_record('I', bytes, length);
  for (size_t i = 0; i < length; i++) {
    shadow_outcome_t outcome = SHADOW_GOES_ON;
    written_length = 0;
    const bool survived = receives(bytes[i]);
    if (reference_receive(&line, bytes[i], &packet)) {
      outcome = shadow_check(&packet, &line, &crash, written, written_length);
    } else {
      FUZZ_REQUIRE(written_length == 0);
    }
    FUZZ_REQUIRE(calls == shadow_model_calls() && !is_silent);
    FUZZ_REQUIRE(reset_asked == (outcome == SHADOW_RESETS));
    FUZZ_REQUIRE(survived == (outcome != SHADOW_CRASHES));
    if (outcome != SHADOW_GOES_ON) {
      start();
    }
  }
}

static void open_session(uint16_t sequence) {
  uint8_t session[4];
  ppg_put_u32(session, shadow_new_session());
  program_request(PPG_TYPE_HELLO, session, sizeof session, sequence, to_device);
}

/* The shadow checks every answer; what is asked here besides is that there is a good one, whatever came before. */
static void recover(uint16_t sequence) {
  uint8_t load[4 + PPG_MODEL_INPUT_BYTES] = {0};
  uint8_t expected[PPG_MODEL_OUTPUT_BYTES];
  const uint8_t nothing[1] = {0};
  const uint8_t from_the_start[4] = {0};
  const uint8_t one_burst[PPG_POWER_RUN_MAX_BYTES] = {1, 0, 0, 0, 1};
  for (uint32_t i = 0; i < PPG_MODEL_INPUT_BYTES; i++) {
    load[4 + i] = (uint8_t)(3u * i + sequence);
  }
  load[4] = 1; /* 127 would make the fake model fail, 126 crash */
  shadow_infer((const int8_t *)load + 4, expected);

  open_session(sequence);
  /* Shows an input buffer that nobody should have written, and may crash on it: hence the second session. */
  program_request(PPG_TYPE_RUN, nothing, 0, ++sequence, to_device);
  open_session(++sequence);
  program_request(PPG_TYPE_LOAD_INPUT, load, sizeof load, ++sequence, to_device);
  const uint32_t before = calls;
  program_request(PPG_TYPE_RUN, nothing, 0, ++sequence, to_device);
  program_request(PPG_TYPE_RUN, nothing, 0, sequence, to_device); /* a duplicate */
  FUZZ_REQUIRE(calls - before == (model_status == PPG_MODEL_OK ? 1u : 0u));
  if (model_status == PPG_MODEL_OK && sizeof expected <= PPG_MAX_DATA - PPG_RUN_REPLY_OUTPUT_AT) {
    uint8_t packet[PPG_FRAME_BYTES_MAX];
    const long length = reference_cobs_decode(written + 1, written_length - 2, packet);
    FUZZ_REQUIRE(length == (long)(PPG_PACKET_BYTES_MIN + PPG_RUN_REPLY_OUTPUT_AT + sizeof expected));
    FUZZ_REQUIRE(memcmp(packet + PPG_HEADER_BYTES + PPG_RUN_REPLY_OUTPUT_AT, expected, sizeof expected) == 0);
  }
  /* Leave the same state for the next program: a profile on record, the stream just begun, a POWER_RUN finished. */
  program_request(PPG_TYPE_PROFILE, from_the_start, sizeof from_the_start, ++sequence, to_device);
  program_request(PPG_TYPE_PUSH, (const uint8_t[]){1}, 1, ++sequence, to_device);
  program_request(PPG_TYPE_POWER_RUN, one_burst, sizeof one_burst, ++sequence, to_device);
}

static void first_time(void) {
  const uint8_t second_operator[4] = {1};
  model_status = PPG_MODEL_OK;
  start();
  open_session(1);
  program_request(PPG_TYPE_PROFILE, second_operator, sizeof second_operator, 2, to_device); /* none yet */
  recover(3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool begun;
  if (!begun) {
    begun = true;
    first_time();
  }
  const uint8_t flags = size > 0 ? data[0] : 0;
  uint16_t sequence = 1;
  model_status = (flags & PROGRAM_MODEL_FAILS) != 0 ? INIT_FAILED : PPG_MODEL_OK;
  last_fault = no_fault;
  start();
  if ((flags & PROGRAM_OPENS) != 0) {
    open_session(sequence++);
  }
  if (size > 0) {
    sequence = program_play(data + 1, size - 1, sequence, to_device);
  }
  recover(sequence);
  return 0;
}
