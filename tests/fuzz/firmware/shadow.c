#include "shadow.h"

#include <string.h>

#include "fuzz.h"
#include "model.h"
#include "ppg_bsp.h"
#include "ppg_bytes.h"
#include "shadow_model.h"

#define KEPT_MAX (PPG_FRAME_BYTES_MAX + 2u)
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
static uint8_t kept[KEPT_MAX];
static size_t kept_length;

uint32_t shadow_new_session(void) { return device.number + 1u; }


static void statistics(const reference_receiver_t *line, answer_t *answer) {
  shadow_put(answer, line->frames);
  shadow_put(answer, line->crc_errors);
  shadow_put(answer, line->cobs_errors);
  shadow_put(answer, line->malformed);
  shadow_put(answer, line->oversize);
  shadow_put(answer, ppg_bsp_uart_overruns());
  shadow_put(answer, device.duplicates);
  shadow_put(answer, device.stale);
}

static void put_fault(answer_t *answer) {
  const ppg_fault_t *fault = &device.fault;
  answer->data[answer->length++] = (uint8_t)fault->kind;
  shadow_put(answer, fault->exception);
  shadow_put(answer, fault->fault_status);
  shadow_put(answer, fault->hard_fault_status);
  shadow_put(answer, fault->bus_address);
  shadow_put(answer, fault->program_counter);
  shadow_put(answer, fault->link_register);
  shadow_put(answer, fault->stack_pointer);
  shadow_put(answer, fault->runs);
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
    REQUEST(POWER_RUN, true);
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
      case PPG_TYPE_MEMORY:
        shadow_put(answer, PPG_MODEL_ARENA_BYTES);
        shadow_put(answer, ppg_bsp_stack_bytes());
        shadow_put(answer, ppg_bsp_stack_high_water());
        break;
      case PPG_TYPE_ECHO:
        memcpy(answer->data, request->data, request->length);
        answer->length = request->length;
        break;
      case PPG_TYPE_STATISTICS: statistics(line, answer); break;
      case PPG_TYPE_LAST_FAULT: put_fault(answer); break;
      case PPG_TYPE_RESET: break;
      default: shadow_model_execute(request, answer); break;
    }
  }
}

/* Bytes of the first frame: up to its second delimiter. */
static size_t first_frame(const uint8_t *written, size_t length) {
  const uint8_t *end = length > 1 ? memchr(written + 1, 0, length - 1) : NULL;
  FUZZ_REQUIRE(end != NULL);
  return (size_t)(end - written) + 1u;
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
  FUZZ_REQUIRE(ppg_get_u32(packet.data + PPG_BOOT_INPUT_BYTES_AT) == PPG_MODEL_INPUT_BYTES);
  FUZZ_REQUIRE(ppg_get_u32(packet.data + PPG_BOOT_OUTPUT_BYTES_AT) == PPG_MODEL_OUTPUT_BYTES);
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
  const size_t reply_length = first_frame(written, length);
  require_answer(request, &answer, written, reply_length);
  memcpy(kept, written, reply_length);
  kept_length = reply_length;
  if (request->type == PPG_TYPE_POWER_RUN && answer.status == 0 && !shadow_power_perform()) {
    require_fault(fault, written + reply_length, length - reply_length);
    return SHADOW_CRASHES;
  }
  FUZZ_REQUIRE(reply_length == length);
  return request->type == PPG_TYPE_RESET && answer.status == 0 ? SHADOW_RESETS : SHADOW_GOES_ON;
}
