#include "shadow.h"

#include <string.h>

#include "fuzz.h"
#include "model.h"
#include "ppg_bsp.h"
#include "ppg_bytes.h"

#define KEPT_MAX (PPG_FRAME_BYTES_MAX + 2u)
#define FIRST_RUN_TICKS 1000u
#define FIRST_PUSH_TICKS 5000u
#define FIRST_OPERATOR_TICKS 10u
#define FAILING_CODE 127
#define CRASHING_CODE 126
#define RUN_FAILED (-7)

/* A reply as it must be. With `crashes` there is none. */
typedef struct {
  uint8_t status; /* PPG_STATUS_* of a refusal, else 0 */
  int32_t detail;
  size_t length;
  bool crashes;
  uint8_t data[PPG_MAX_DATA];
} answer_t;

static struct {
  bool open;
  uint32_t number;
  uint16_t sequence;
  uint8_t type;
  uint32_t crc;
  uint32_t duplicates;
  uint32_t stale;
  int32_t model_status;
  ppg_fault_t fault; /* the last one */
  uint8_t boot[PPG_BOOT_MAX_BYTES];
} device;

/* These outlive a restart, as they do in a program that only begins anew. */
static int8_t input[PPG_MODEL_INPUT_BYTES];
static uint8_t output[PPG_MODEL_OUTPUT_BYTES];
static uint32_t runs;
static uint32_t calls;
static bool has_profile;
static int32_t profile_status;
static uint32_t profile_crc;
static uint8_t kept[KEPT_MAX];
static size_t kept_length;
#ifdef PPG_MODEL_HOP
static int8_t stream[PPG_MODEL_INPUT_BYTES];
static uint32_t stream_length;
static uint32_t pushes;
#endif

uint32_t shadow_model_calls(void) { return calls; }
uint32_t shadow_new_session(void) { return device.number + 1u; }

void shadow_infer(const int8_t *codes, uint8_t *result) {
  uint32_t sum = 0;
  uint32_t weighted = 0;
  for (uint32_t j = 0; j < PPG_MODEL_INPUT_BYTES; j++) {
    const int32_t code = codes[j];
    sum += (uint32_t)code;
    weighted += (uint32_t)code * (j + 1u);
  }
  for (uint32_t i = 0; i < PPG_MODEL_OUTPUT_BYTES; i++) {
    result[i] = (uint8_t)(weighted + i * sum);
  }
}

static int32_t infer(const int8_t *codes, answer_t *answer) {
  runs++;
  answer->crashes = codes[0] == CRASHING_CODE;
  if (codes[0] == FAILING_CODE || answer->crashes) {
    return RUN_FAILED;
  }
  shadow_infer(codes, output);
  return PPG_MODEL_OK;
}

static uint32_t input_crc(size_t length) { return reference_crc32((const uint8_t *)input, length); }

static void put(answer_t *answer, uint32_t value) {
  ppg_put_u32(answer->data + answer->length, value);
  answer->length += 4;
}

static void put_output(answer_t *answer, bool complete) {
  put(answer, reference_crc32(output, sizeof output));
  if (complete && answer->length + sizeof output <= PPG_MAX_DATA) {
    for (size_t i = 0; i < sizeof output; i++) {
      answer->data[answer->length++] = output[i];
    }
  }
}

static void load_input(const reference_packet_t *request, answer_t *answer) {
  const uint64_t end = (uint64_t)ppg_get_u32(request->data) + (request->length - 4u);
  if (end > sizeof input) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  memcpy((uint8_t *)input + end - (request->length - 4u), request->data + 4, request->length - 4u);
  put(answer, (uint32_t)end);
}

static void run(answer_t *answer) {
  const uint32_t ticks = FIRST_RUN_TICKS + runs;
  calls++;
  const int32_t status = infer(input, answer);
  put(answer, (uint32_t)status);
  put(answer, input_crc(sizeof input));
  put(answer, ticks);
  put(answer, ticks / 2u);
  put_output(answer, status == PPG_MODEL_OK);
}

static void read_output(const reference_packet_t *request, answer_t *answer) {
  const uint32_t offset = ppg_get_u32(request->data);
  const uint32_t size = ppg_get_u32(request->data + 4);
  if ((uint64_t)offset + size > sizeof output || size > PPG_MAX_DATA - 4u) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  put(answer, offset);
  memcpy(answer->data + answer->length, output + offset, size);
  answer->length += size;
}

static void run_many(const reference_packet_t *request, answer_t *answer) {
  const uint32_t count = ppg_get_u32(request->data + 4);
  if (count < 1u || count > PPG_MAX_RUNS_PER_REQUEST) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  const uint32_t first_run = runs;
  calls++;
  const int32_t status = infer(input, answer);
  const uint32_t finished = status == PPG_MODEL_OK ? count : 0;
  uint32_t timer_ticks = 0;
  for (uint32_t i = 0; i < finished; i++) {
    timer_ticks += (FIRST_RUN_TICKS + first_run + i) / 2u;
  }
  put(answer, (uint32_t)status);
  put(answer, input_crc(sizeof input));
  put(answer, ppg_get_u32(request->data));
  put(answer, timer_ticks);
  for (uint32_t i = 0; i < finished; i++) {
    put(answer, FIRST_RUN_TICKS + first_run + i);
  }
  if (finished > 0) {
    runs += finished - 1u;
    calls += finished - 1u;
  }
}

static void profile(const reference_packet_t *request, answer_t *answer) {
  const uint32_t first = ppg_get_u32(request->data);
  if (first >= PPG_MODEL_OPERATORS) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  if (first == 0) {
    calls++;
    profile_crc = input_crc(sizeof input);
    const int32_t status = infer(input, answer);
    if (answer->crashes) {
      return;
    }
    profile_status = status;
    has_profile = true;
  } else if (!has_profile) {
    answer->status = PPG_STATUS_NO_PROFILE;
    return;
  }
  put(answer, (uint32_t)profile_status);
  put(answer, profile_crc);
  put(answer, first);
  for (uint32_t i = 0; profile_status == 0 && i < PPG_MAX_OPERATORS_PER_REPLY && first + i < PPG_MODEL_OPERATORS; i++) {
    put(answer, FIRST_OPERATOR_TICKS + first + i);
  }
}

static void push(const reference_packet_t *request, answer_t *answer) {
#ifdef PPG_MODEL_HOP
  if (request->data[0] > 1u) {
    answer->status = PPG_STATUS_BAD_ARGUMENT;
    return;
  }
  stream_length = (request->data[0] == 1u ? 0 : stream_length) + PPG_MODEL_HOP;
  memmove(stream, stream + PPG_MODEL_HOP, sizeof stream - PPG_MODEL_HOP);
  memcpy(stream + sizeof stream - PPG_MODEL_HOP, input, PPG_MODEL_HOP);
  calls++;
  const bool filling = stream_length < sizeof stream;
  const uint32_t ticks = FIRST_PUSH_TICKS + pushes;
  uint32_t timer_ticks = ticks / 2u;
  int32_t status = PPG_MODEL_OK;
  if (!filling) {
    const uint32_t run_ticks = FIRST_RUN_TICKS + runs;
    timer_ticks = run_ticks / 2u + (ticks - run_ticks) / 2u; /* modulo 2^32, in two steps, as fake_model.c does it */
    status = infer(stream, answer);
    if (answer->crashes) {
      return;
    }
    runs--; /* the fake model counts pushes apart */
  }
  pushes++;
  put(answer, (uint32_t)status);
  answer->data[answer->length++] = filling;
  put(answer, input_crc(PPG_MODEL_PUSH_BYTES));
  put(answer, ticks);
  put(answer, timer_ticks);
  put_output(answer, status == PPG_MODEL_OK && !filling);
#else
  (void)request;
  answer->status = PPG_STATUS_NO_SLIDING;
#endif
}

static void statistics(const reference_receiver_t *line, answer_t *answer) {
  put(answer, line->frames);
  put(answer, line->crc_errors);
  put(answer, line->cobs_errors);
  put(answer, line->malformed);
  put(answer, line->oversize);
  put(answer, ppg_bsp_uart_overruns());
  put(answer, device.duplicates);
  put(answer, device.stale);
}

static void put_fault(answer_t *answer) {
  const ppg_fault_t *fault = &device.fault;
  answer->data[answer->length++] = (uint8_t)fault->kind;
  put(answer, fault->exception);
  put(answer, fault->fault_status);
  put(answer, fault->hard_fault_status);
  put(answer, fault->bus_address);
  put(answer, fault->program_counter);
  put(answer, fault->link_register);
  put(answer, fault->stack_pointer);
  put(answer, fault->runs);
}

static void hello(const reference_packet_t *request, answer_t *answer) {
  memcpy(answer->data, device.boot, sizeof device.boot);
  memcpy(answer->data + PPG_HELLO_REPLY_SESSION_AT, request->data, 4);
  answer->length = sizeof device.boot;
}

/* Least and most bytes of data and whether the model must be ready; false for a type that is no request. */
static bool rules_of(uint8_t type, uint32_t *least, uint32_t *most, bool *needs_model) {
#define REQUEST(name, model)           \
  case PPG_TYPE_##name:                \
    *least = PPG_##name##_MIN_BYTES;   \
    *most = PPG_##name##_MAX_BYTES;    \
    *needs_model = model;              \
    return true
  switch (type) {
    REQUEST(HELLO, false);
    REQUEST(LOAD_INPUT, false);
    REQUEST(RUN, true);
    REQUEST(READ_OUTPUT, true);
    REQUEST(RUN_MANY, true);
    REQUEST(PROFILE, true);
    REQUEST(MEMORY, false);
    REQUEST(ECHO, false);
    REQUEST(RESET, false);
    REQUEST(STATISTICS, false);
    REQUEST(PUSH, true);
    REQUEST(LAST_FAULT, false);
    default:
      return false;
  }
#undef REQUEST
}

static void execute(const reference_packet_t *request, const reference_receiver_t *line, answer_t *answer) {
  uint32_t least;
  uint32_t most;
  bool needs_model;
  if (!rules_of(request->type, &least, &most, &needs_model)) {
    answer->status = PPG_STATUS_UNKNOWN_COMMAND;
  } else if (request->length < least || request->length > most) {
    answer->status = PPG_STATUS_BAD_LENGTH;
  } else if (needs_model && device.model_status != PPG_MODEL_OK) {
    answer->status = PPG_STATUS_MODEL_NOT_READY;
    answer->detail = device.model_status;
  } else {
    switch (request->type) {
      case PPG_TYPE_HELLO: hello(request, answer); break;
      case PPG_TYPE_LOAD_INPUT: load_input(request, answer); break;
      case PPG_TYPE_RUN: run(answer); break;
      case PPG_TYPE_READ_OUTPUT: read_output(request, answer); break;
      case PPG_TYPE_RUN_MANY: run_many(request, answer); break;
      case PPG_TYPE_PROFILE: profile(request, answer); break;
      case PPG_TYPE_MEMORY:
        put(answer, PPG_MODEL_ARENA_BYTES);
        put(answer, ppg_bsp_stack_bytes());
        put(answer, ppg_bsp_stack_high_water());
        break;
      case PPG_TYPE_ECHO:
        memcpy(answer->data, request->data, request->length);
        answer->length = request->length;
        break;
      case PPG_TYPE_STATISTICS: statistics(line, answer); break;
      case PPG_TYPE_PUSH: push(request, answer); break;
      case PPG_TYPE_LAST_FAULT: put_fault(answer); break;
      default: break; /* RESET: an empty reply */
    }
  }
}

/* Exactly one correct frame, with nothing before, between or behind; the packet in it. */
static reference_packet_t only_packet(const uint8_t *written, size_t length) {
  static reference_receiver_t host;
  reference_packet_t packet = {0};
  FUZZ_REQUIRE(length >= 2 && length <= KEPT_MAX);
  FUZZ_REQUIRE(written[0] == 0 && written[length - 1] == 0);
  memset(&host, 0, offsetof(reference_receiver_t, frame));
  for (size_t i = 0; i < length; i++) {
    FUZZ_REQUIRE(reference_receive(&host, written[i], &packet) == (i == length - 1));
  }
  FUZZ_REQUIRE(packet.version == PPG_PROTOCOL_VERSION);
  return packet;
}

static void require_answer(const reference_packet_t *request, const answer_t *answer, const uint8_t *written,
                           size_t length) {
  const reference_packet_t reply = only_packet(written, length);
  FUZZ_REQUIRE(reply.sequence == request->sequence);
  if (answer->status != 0) {
    FUZZ_REQUIRE(reply.type == PPG_TYPE_ERROR && reply.length == PPG_ERROR_MAX_BYTES);
    FUZZ_REQUIRE(reply.data[PPG_ERROR_STATUS_AT] == answer->status);
    FUZZ_REQUIRE(reply.data[PPG_ERROR_REQUEST_TYPE_AT] == request->type);
    FUZZ_REQUIRE(ppg_get_u32(reply.data + PPG_ERROR_DETAIL_AT) == (uint32_t)answer->detail);
    return;
  }
  FUZZ_REQUIRE(reply.type == (request->type | PPG_REPLY_BIT));
  FUZZ_REQUIRE(reply.length == answer->length && memcmp(reply.data, answer->data, answer->length) == 0);
}

void shadow_start(const uint8_t *boot, size_t length, int32_t model_status, const ppg_fault_t *fault) {
  const reference_packet_t packet = only_packet(boot, length);
  FUZZ_REQUIRE(packet.type == PPG_TYPE_BOOT && packet.sequence == 0 && packet.length == PPG_BOOT_MAX_BYTES);
  FUZZ_REQUIRE(ppg_get_u32(packet.data + PPG_BOOT_SESSION_AT) == 0);
  FUZZ_REQUIRE(ppg_get_u32(packet.data + PPG_BOOT_INPUT_BYTES_AT) == sizeof input);
  FUZZ_REQUIRE(ppg_get_u32(packet.data + PPG_BOOT_OUTPUT_BYTES_AT) == sizeof output);
  FUZZ_REQUIRE(ppg_get_u32(packet.data + PPG_BOOT_MODEL_STATUS_AT) == (uint32_t)model_status);
  FUZZ_REQUIRE(packet.data[PPG_BOOT_RESTART_CAUSE_AT] == (uint8_t)ppg_bsp_restart_cause());
  FUZZ_REQUIRE(ppg_get_u32(packet.data + PPG_BOOT_RUN_LIMIT_MS_AT) == ppg_bsp_run_limit_ms());
  memset(&device, 0, sizeof device);
  memcpy(device.boot, packet.data, sizeof device.boot);
  device.model_status = model_status;
  device.fault = *fault;
}

/* The frame of FAULT and nothing else. */
static void require_fault(const ppg_fault_t *fault, const uint8_t *written, size_t length) {
  answer_t answer = {.length = 0};
  const reference_packet_t packet = only_packet(written, length);
  device.fault = *fault;
  put_fault(&answer);
  FUZZ_REQUIRE(packet.type == PPG_TYPE_FAULT && packet.sequence == 0);
  FUZZ_REQUIRE(packet.length == answer.length && memcmp(packet.data, answer.data, answer.length) == 0);
}

typedef enum { EXECUTE, REPEAT, REFUSE } verdict_t;

/* What the session says about `request`; a refusal is written to `answer`. */
static verdict_t admit(const reference_packet_t *request, answer_t *answer) {
  const bool is_hello = request->type == PPG_TYPE_HELLO && request->length == PPG_HELLO_MAX_BYTES;
  const uint16_t ahead = (uint16_t)(request->sequence - device.sequence);
  if (request->version != PPG_PROTOCOL_VERSION) {
    answer->status = PPG_STATUS_UNSUPPORTED_VERSION;
    answer->detail = request->version;
    return REFUSE;
  }
  if (is_hello && !(device.open && ppg_get_u32(request->data) == device.number)) {
    device.open = true;
    device.number = ppg_get_u32(request->data);
    return EXECUTE;
  }
  if (!device.open) {
    answer->status = PPG_STATUS_NO_SESSION;
    return REFUSE;
  }
  if (ahead == 0 && request->type == device.type && request->crc == device.crc) {
    device.duplicates++;
    return REPEAT;
  }
  if (ahead == 0 || ahead > PPG_SEQUENCE_WINDOW) {
    device.stale++;
    answer->status = PPG_STATUS_STALE_SEQUENCE;
    answer->detail = device.sequence;
    return REFUSE;
  }
  return EXECUTE;
}

shadow_outcome_t shadow_check(const reference_packet_t *request, const reference_receiver_t *line,
                              const ppg_fault_t *fault, const uint8_t *written, size_t length) {
  answer_t answer; /* not cleared: its data is long, and only `length` bytes of it count */
  answer.status = 0;
  answer.detail = 0;
  answer.length = 0;
  answer.crashes = false;
  switch (admit(request, &answer)) {
    case REPEAT:
      FUZZ_REQUIRE(length == kept_length && memcmp(written, kept, length) == 0);
      return SHADOW_GOES_ON;
    case REFUSE:
      require_answer(request, &answer, written, length);
      return SHADOW_GOES_ON;
    default:
      break;
  }
  device.sequence = request->sequence;
  device.type = request->type;
  device.crc = request->crc;
  execute(request, line, &answer);
  if (answer.crashes) {
    require_fault(fault, written, length);
    return SHADOW_CRASHES;
  }
  require_answer(request, &answer, written, length);
  memcpy(kept, written, length);
  kept_length = length;
  return request->type == PPG_TYPE_RESET && answer.status == 0 ? SHADOW_RESETS : SHADOW_GOES_ON;
}
