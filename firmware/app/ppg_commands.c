#include "ppg_commands.h"

#include <stdbool.h>
#include <string.h>

#include "model.h"
#include "ppg_board_config.h"
#include "ppg_bsp.h"
#include "ppg_bytes.h"
#include "ppg_crc32.h"
#include "ppg_fault_message.h"
#include "ppg_power.h"
#include "ppg_protocol.h"

#define TICK_BYTES 4u
#define OUTPUT_ROOM (PPG_RUN_REPLY_MAX_BYTES - PPG_RUN_REPLY_OUTPUT_AT)
#define OUTPUT_FITS_RUN_REPLY (PPG_MODEL_OUTPUT_BYTES <= OUTPUT_ROOM)
#define PUSH_OUTPUT_ROOM (PPG_PUSH_REPLY_MAX_BYTES - PPG_PUSH_REPLY_OUTPUT_AT)
#define OUTPUT_FITS_PUSH_REPLY (PPG_MODEL_OUTPUT_BYTES <= PUSH_OUTPUT_ROOM)

_Static_assert(PPG_MODEL_INPUT_BYTES > 0 && PPG_MODEL_OUTPUT_BYTES > 0, "empty model");
_Static_assert(PPG_MODEL_OPERATORS > 0, "empty model");
_Static_assert(sizeof PPG_MODEL_SHA256 == 2u * PPG_HELLO_REPLY_MODEL_SHA256_BYTES + 1u, "64 hex digits");
_Static_assert(sizeof PPG_BUILD_ID == 2u * PPG_HELLO_REPLY_BUILD_ID_BYTES + 1u, "64 hex digits");
_Static_assert(sizeof PPG_MODEL_RUNTIME <= PPG_HELLO_REPLY_RUNTIME_BYTES + 1u, "runtime name too long");
_Static_assert(sizeof PPG_BOARD_ID <= PPG_HELLO_REPLY_BOARD_ID_BYTES + 1u, "board id too long");
_Static_assert(sizeof PPG_FIRMWARE_VERSION <= PPG_HELLO_REPLY_FIRMWARE_VERSION_BYTES + 1u, "too long");
_Static_assert(PPG_HELLO_REPLY_MAX_BYTES == PPG_BOOT_MAX_BYTES, "BOOT has the data of HELLO_REPLY");
_Static_assert((unsigned)PPG_COUNTER_NONE == PPG_WIRE_COUNTER_NONE, "counter sources as in ppg_bsp.h");
_Static_assert((unsigned)PPG_COUNTER_DWT == PPG_WIRE_COUNTER_DWT, "counter sources as in ppg_bsp.h");
_Static_assert((unsigned)PPG_COUNTER_SYSTICK == PPG_WIRE_COUNTER_SYSTICK, "counter sources as in ppg_bsp.h");
_Static_assert((unsigned)PPG_RESTART_UNKNOWN == PPG_WIRE_RESTART_UNKNOWN, "restart causes as in ppg_bsp.h");
_Static_assert((unsigned)PPG_RESTART_POWER == PPG_WIRE_RESTART_POWER, "restart causes as in ppg_bsp.h");
_Static_assert((unsigned)PPG_RESTART_PIN == PPG_WIRE_RESTART_PIN, "restart causes as in ppg_bsp.h");
_Static_assert((unsigned)PPG_RESTART_SOFTWARE == PPG_WIRE_RESTART_SOFTWARE, "restart causes as in ppg_bsp.h");
_Static_assert((unsigned)PPG_RESTART_WATCHDOG == PPG_WIRE_RESTART_WATCHDOG, "restart causes as in ppg_bsp.h");
_Static_assert((unsigned)PPG_RESTART_FAULT == PPG_WIRE_RESTART_FAULT, "restart causes as in ppg_bsp.h");
_Static_assert(PPG_BSP_CLOCK_FALLBACK == PPG_WIRE_STATUS_CLOCK_FALLBACK, "status bits as in ppg_bsp.h");
_Static_assert(PPG_BSP_NO_COUNTER == PPG_WIRE_STATUS_NO_COUNTER, "status bits as in ppg_bsp.h");

#ifdef PPG_MODEL_HOP
_Static_assert(PPG_MODEL_PUSH_BYTES <= PPG_MODEL_INPUT_BYTES, "samples are loaded into the input buffer");
#endif

typedef struct {
  uint8_t type;
  bool needs_model;
  uint16_t min_bytes;
  uint16_t max_bytes;
  ppg_answer_t (*execute)(const uint8_t *request, uint16_t length, uint8_t *reply);
} command_t;

typedef struct {
  int status;
  uint32_t input_crc;
  uint32_t ticks;
  uint32_t timer_ticks;
} run_t;

typedef struct {
  uint32_t timer;
  uint32_t counter;
} start_t;

static _Alignas(16) int8_t input[PPG_MODEL_INPUT_BYTES];
static _Alignas(16) int8_t output[PPG_MODEL_OUTPUT_BYTES];
static uint32_t operator_ticks[PPG_MODEL_OPERATORS];
static run_t profiled;
static bool has_profile;
static int model_status;

void ppg_commands_init(void) { model_status = ppg_model_init(); }

static ppg_answer_t accept(uint32_t length) { return (ppg_answer_t){.length = (uint16_t)length}; }

static ppg_answer_t refuse(uint8_t status, int32_t detail) {
  return (ppg_answer_t){.refusal = status, .detail = detail};
}

static uint32_t cpuid(void) {
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
  return *(const volatile uint32_t *)0xE000ED00u;
#else
  return 0;
#endif
}

static unsigned hex_digit(char digit) {
  return (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

static void put_hex(uint8_t *at, const char *text, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) {
    at[i] = (uint8_t)(hex_digit(text[2u * i]) << 4 | hex_digit(text[2u * i + 1u]));
  }
}

static void put_text(uint8_t *at, const char *text, uint32_t text_bytes, uint32_t field_bytes) {
  memset(at, 0, field_bytes);
  memcpy(at, text, text_bytes);
}

uint16_t ppg_commands_info(uint8_t *reply) {
  ppg_put_u32(reply + PPG_HELLO_REPLY_SESSION_AT, 0);
  ppg_put_u32(reply + PPG_HELLO_REPLY_CLOCK_HZ_AT, ppg_bsp_clock_hz());
  ppg_put_u32(reply + PPG_HELLO_REPLY_BSP_STATUS_AT, ppg_bsp_status());
  ppg_put_u32(reply + PPG_HELLO_REPLY_INPUT_BYTES_AT, PPG_MODEL_INPUT_BYTES);
  ppg_put_u32(reply + PPG_HELLO_REPLY_OUTPUT_BYTES_AT, PPG_MODEL_OUTPUT_BYTES);
  ppg_put_u32(reply + PPG_HELLO_REPLY_ARENA_BYTES_AT, (uint32_t)ppg_model_arena_bytes());
  ppg_put_u32(reply + PPG_HELLO_REPLY_OPERATOR_COUNT_AT, PPG_MODEL_OPERATORS);
  ppg_put_s32(reply + PPG_HELLO_REPLY_MODEL_STATUS_AT, model_status);
  ppg_put_u32(reply + PPG_HELLO_REPLY_CPUID_AT, cpuid());
  reply[PPG_HELLO_REPLY_COUNTER_SOURCE_AT] = (uint8_t)ppg_bsp_counter_source();
  put_text(reply + PPG_HELLO_REPLY_RUNTIME_AT, PPG_MODEL_RUNTIME, sizeof PPG_MODEL_RUNTIME - 1u,
           PPG_HELLO_REPLY_RUNTIME_BYTES);
  put_text(reply + PPG_HELLO_REPLY_FIRMWARE_VERSION_AT, PPG_FIRMWARE_VERSION,
           sizeof PPG_FIRMWARE_VERSION - 1u, PPG_HELLO_REPLY_FIRMWARE_VERSION_BYTES);
  put_text(reply + PPG_HELLO_REPLY_BOARD_ID_AT, PPG_BOARD_ID, sizeof PPG_BOARD_ID - 1u,
           PPG_HELLO_REPLY_BOARD_ID_BYTES);
  put_hex(reply + PPG_HELLO_REPLY_MODEL_SHA256_AT, PPG_MODEL_SHA256, PPG_HELLO_REPLY_MODEL_SHA256_BYTES);
  put_hex(reply + PPG_HELLO_REPLY_BUILD_ID_AT, PPG_BUILD_ID, PPG_HELLO_REPLY_BUILD_ID_BYTES);
#ifdef PPG_MODEL_HOP
  ppg_put_u32(reply + PPG_HELLO_REPLY_HOP_AT, PPG_MODEL_HOP);
  ppg_put_u32(reply + PPG_HELLO_REPLY_PUSH_BYTES_AT, PPG_MODEL_PUSH_BYTES);
#else
  ppg_put_u32(reply + PPG_HELLO_REPLY_HOP_AT, 0);
  ppg_put_u32(reply + PPG_HELLO_REPLY_PUSH_BYTES_AT, 0);
#endif
  reply[PPG_HELLO_REPLY_RESTART_CAUSE_AT] = (uint8_t)ppg_bsp_restart_cause();
  ppg_put_u32(reply + PPG_HELLO_REPLY_RUN_LIMIT_MS_AT, ppg_bsp_run_limit_ms());
  return PPG_HELLO_REPLY_MAX_BYTES;
}

/* The counter is read last and first, next to the model: its ticks are the ones that are reported as latency. */
static start_t begin_run(void) {
  ppg_bsp_run_begin();
  const uint32_t timer = ppg_bsp_timer();
  return (start_t){.timer = timer, .counter = ppg_bsp_counter()};
}

static void end_run(start_t start, run_t *run) {
  run->ticks = ppg_bsp_counter() - start.counter;
  run->timer_ticks = ppg_bsp_timer() - start.timer;
  ppg_bsp_run_end();
}

static run_t run_model(void) {
  run_t run = {.input_crc = ppg_crc32(input, PPG_MODEL_INPUT_BYTES)};
  const start_t start = begin_run();
  run.status = ppg_model_run(input, output);
  end_run(start, &run);
  return run;
}

static ppg_answer_t hello(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)length;
  const uint16_t info_bytes = ppg_commands_info(reply);
  ppg_put_u32(reply + PPG_HELLO_REPLY_SESSION_AT, ppg_get_u32(request + PPG_HELLO_SESSION_AT));
  return accept(info_bytes);
}

static ppg_answer_t load_input(const uint8_t *request, uint16_t length, uint8_t *reply) {
  const uint32_t offset = ppg_get_u32(request + PPG_LOAD_INPUT_OFFSET_AT);
  const uint32_t chunk_bytes = length - PPG_LOAD_INPUT_CHUNK_AT;
  if (offset > PPG_MODEL_INPUT_BYTES || chunk_bytes > PPG_MODEL_INPUT_BYTES - offset) {
    return refuse(PPG_STATUS_BAD_ARGUMENT, 0);
  }
  memcpy(input + offset, request + PPG_LOAD_INPUT_CHUNK_AT, chunk_bytes);
  ppg_put_u32(reply + PPG_LOAD_INPUT_REPLY_END_AT, offset + chunk_bytes);
  return accept(PPG_LOAD_INPUT_REPLY_MAX_BYTES);
}

static ppg_answer_t run_once(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)request;
  (void)length;
  const run_t run = run_model();
  const uint32_t included = run.status == PPG_MODEL_OK && OUTPUT_FITS_RUN_REPLY ? PPG_MODEL_OUTPUT_BYTES : 0;
  ppg_put_s32(reply + PPG_RUN_REPLY_MODEL_STATUS_AT, run.status);
  ppg_put_u32(reply + PPG_RUN_REPLY_INPUT_CRC_AT, run.input_crc);
  ppg_put_u32(reply + PPG_RUN_REPLY_TICKS_AT, run.ticks);
  ppg_put_u32(reply + PPG_RUN_REPLY_TIMER_TICKS_AT, run.timer_ticks);
  ppg_put_u32(reply + PPG_RUN_REPLY_OUTPUT_CRC_AT, ppg_crc32(output, PPG_MODEL_OUTPUT_BYTES));
  memcpy(reply + PPG_RUN_REPLY_OUTPUT_AT, output, included);
  return accept(PPG_RUN_REPLY_OUTPUT_AT + included);
}

static ppg_answer_t read_output(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)length;
  const uint32_t offset = ppg_get_u32(request + PPG_READ_OUTPUT_OFFSET_AT);
  const uint32_t size = ppg_get_u32(request + PPG_READ_OUTPUT_SIZE_AT);
  if (offset > PPG_MODEL_OUTPUT_BYTES || size > PPG_MODEL_OUTPUT_BYTES - offset ||
      size > PPG_READ_OUTPUT_REPLY_MAX_BYTES - PPG_READ_OUTPUT_REPLY_CHUNK_AT) {
    return refuse(PPG_STATUS_BAD_ARGUMENT, 0);
  }
  ppg_put_u32(reply + PPG_READ_OUTPUT_REPLY_OFFSET_AT, offset);
  memcpy(reply + PPG_READ_OUTPUT_REPLY_CHUNK_AT, output + offset, size);
  return accept(PPG_READ_OUTPUT_REPLY_CHUNK_AT + size);
}

static ppg_answer_t run_many(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)length;
  const uint32_t count = ppg_get_u32(request + PPG_RUN_MANY_COUNT_AT);
  if (count == 0 || count > PPG_MAX_RUNS_PER_REQUEST) {
    return refuse(PPG_STATUS_BAD_ARGUMENT, 0);
  }
  uint8_t *ticks_at = reply + PPG_RUN_MANY_REPLY_TICKS_AT;
  run_t run = run_model();
  const uint32_t input_crc = run.input_crc;
  uint32_t timer_ticks = 0;
  uint32_t finished = 0;
  while (run.status == PPG_MODEL_OK) {
    ppg_put_u32(ticks_at + TICK_BYTES * finished, run.ticks);
    timer_ticks += run.timer_ticks;
    finished++;
    if (finished == count) {
      break;
    }
    run = run_model();
  }
  ppg_put_s32(reply + PPG_RUN_MANY_REPLY_MODEL_STATUS_AT, run.status);
  ppg_put_u32(reply + PPG_RUN_MANY_REPLY_INPUT_CRC_AT, input_crc);
  ppg_put_u32(reply + PPG_RUN_MANY_REPLY_FIRST_INDEX_AT, ppg_get_u32(request + PPG_RUN_MANY_FIRST_INDEX_AT));
  ppg_put_u32(reply + PPG_RUN_MANY_REPLY_TIMER_TICKS_AT, timer_ticks);
  return accept(PPG_RUN_MANY_REPLY_TICKS_AT + TICK_BYTES * finished);
}

static ppg_answer_t profile(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)length;
  const uint32_t first = ppg_get_u32(request + PPG_PROFILE_FIRST_OPERATOR_AT);
  if (first >= PPG_MODEL_OPERATORS) {
    return refuse(PPG_STATUS_BAD_ARGUMENT, 0);
  }
  if (first == 0) {
    profiled.input_crc = ppg_crc32(input, PPG_MODEL_INPUT_BYTES);
    ppg_bsp_run_begin();
    profiled.status = ppg_model_run_profiled(input, output, ppg_bsp_counter, operator_ticks);
    ppg_bsp_run_end();
    has_profile = true;
  } else if (!has_profile) {
    return refuse(PPG_STATUS_NO_PROFILE, 0);
  }
  const uint32_t left = profiled.status == PPG_MODEL_OK ? PPG_MODEL_OPERATORS - first : 0;
  const uint32_t count = left < PPG_MAX_OPERATORS_PER_REPLY ? left : PPG_MAX_OPERATORS_PER_REPLY;
  ppg_put_s32(reply + PPG_PROFILE_REPLY_MODEL_STATUS_AT, profiled.status);
  ppg_put_u32(reply + PPG_PROFILE_REPLY_INPUT_CRC_AT, profiled.input_crc);
  ppg_put_u32(reply + PPG_PROFILE_REPLY_FIRST_OPERATOR_AT, first);
  for (uint32_t i = 0; i < count; i++) {
    ppg_put_u32(reply + PPG_PROFILE_REPLY_TICKS_AT + TICK_BYTES * i, operator_ticks[first + i]);
  }
  return accept(PPG_PROFILE_REPLY_TICKS_AT + TICK_BYTES * count);
}

static ppg_answer_t memory(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)request;
  (void)length;
  ppg_put_u32(reply + PPG_MEMORY_REPLY_ARENA_BYTES_AT, (uint32_t)ppg_model_arena_bytes());
  ppg_put_u32(reply + PPG_MEMORY_REPLY_STACK_BYTES_AT, ppg_bsp_stack_bytes());
  ppg_put_u32(reply + PPG_MEMORY_REPLY_STACK_HIGH_WATER_AT, ppg_bsp_stack_high_water());
  return accept(PPG_MEMORY_REPLY_MAX_BYTES);
}

static ppg_answer_t echo(const uint8_t *request, uint16_t length, uint8_t *reply) {
  memcpy(reply, request, length);
  return accept(length);
}

static ppg_answer_t push(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)length;
#ifdef PPG_MODEL_HOP
  const uint8_t restart = request[PPG_PUSH_RESTART_AT];
  if (restart > 1u) {
    return refuse(PPG_STATUS_BAD_ARGUMENT, 0);
  }
  if (restart == 1u) {
    ppg_model_restart_stream();
  }
  run_t run = {.input_crc = ppg_crc32(input, PPG_MODEL_PUSH_BYTES)};
  const start_t start = begin_run();
  run.status = ppg_model_push(input, output);
  end_run(start, &run);
  const int status = run.status;
  const uint32_t included = status == PPG_MODEL_OK && OUTPUT_FITS_PUSH_REPLY ? PPG_MODEL_OUTPUT_BYTES : 0;
  ppg_put_s32(reply + PPG_PUSH_REPLY_MODEL_STATUS_AT, status == PPG_MODEL_FILLING ? PPG_MODEL_OK : status);
  reply[PPG_PUSH_REPLY_FILLING_AT] = status == PPG_MODEL_FILLING;
  ppg_put_u32(reply + PPG_PUSH_REPLY_SAMPLES_CRC_AT, run.input_crc);
  ppg_put_u32(reply + PPG_PUSH_REPLY_TICKS_AT, run.ticks);
  ppg_put_u32(reply + PPG_PUSH_REPLY_TIMER_TICKS_AT, run.timer_ticks);
  ppg_put_u32(reply + PPG_PUSH_REPLY_OUTPUT_CRC_AT, ppg_crc32(output, PPG_MODEL_OUTPUT_BYTES));
  memcpy(reply + PPG_PUSH_REPLY_OUTPUT_AT, output, included);
  return accept(PPG_PUSH_REPLY_OUTPUT_AT + included);
#else
  (void)request;
  (void)reply;
  return refuse(PPG_STATUS_NO_SLIDING, 0);
#endif
}

static ppg_answer_t last_fault(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)request;
  (void)length;
  const ppg_fault_t fault = ppg_bsp_last_fault();
  return accept(ppg_fault_message(&fault, reply));
}

int ppg_commands_run(void) { return ppg_model_run(input, output); }

static ppg_answer_t power_run(const uint8_t *request, uint16_t length, uint8_t *reply) {
  (void)length;
  return ppg_power_answer(request, reply);
}

static const command_t commands[] = {
    {PPG_TYPE_HELLO, false, PPG_HELLO_MIN_BYTES, PPG_HELLO_MAX_BYTES, hello},
    {PPG_TYPE_LOAD_INPUT, false, PPG_LOAD_INPUT_MIN_BYTES, PPG_LOAD_INPUT_MAX_BYTES, load_input},
    {PPG_TYPE_RUN, true, PPG_RUN_MIN_BYTES, PPG_RUN_MAX_BYTES, run_once},
    {PPG_TYPE_READ_OUTPUT, true, PPG_READ_OUTPUT_MIN_BYTES, PPG_READ_OUTPUT_MAX_BYTES, read_output},
    {PPG_TYPE_RUN_MANY, true, PPG_RUN_MANY_MIN_BYTES, PPG_RUN_MANY_MAX_BYTES, run_many},
    {PPG_TYPE_PROFILE, true, PPG_PROFILE_MIN_BYTES, PPG_PROFILE_MAX_BYTES, profile},
    {PPG_TYPE_MEMORY, false, PPG_MEMORY_MIN_BYTES, PPG_MEMORY_MAX_BYTES, memory},
    {PPG_TYPE_ECHO, false, PPG_ECHO_MIN_BYTES, PPG_ECHO_MAX_BYTES, echo},
    {PPG_TYPE_PUSH, true, PPG_PUSH_MIN_BYTES, PPG_PUSH_MAX_BYTES, push},
    {PPG_TYPE_LAST_FAULT, false, PPG_LAST_FAULT_MIN_BYTES, PPG_LAST_FAULT_MAX_BYTES, last_fault},
    {PPG_TYPE_POWER_RUN, true, PPG_POWER_RUN_MIN_BYTES, PPG_POWER_RUN_MAX_BYTES, power_run},
};

ppg_answer_t ppg_commands_execute(uint8_t type, const uint8_t *request, uint16_t length, uint8_t *reply) {
  for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    const command_t *command = &commands[i];
    if (command->type != type) {
      continue;
    }
    if (length < command->min_bytes || length > command->max_bytes) {
      return refuse(PPG_STATUS_BAD_LENGTH, 0);
    }
    if (command->needs_model && model_status != PPG_MODEL_OK) {
      return refuse(PPG_STATUS_MODEL_NOT_READY, model_status);
    }
    return command->execute(request, length, reply);
  }
  return refuse(PPG_STATUS_UNKNOWN_COMMAND, 0);
}
