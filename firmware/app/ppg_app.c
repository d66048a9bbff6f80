/* Sessions and repetition; see docs/wire-protocol.md. RESET and STATISTICS are answered here because they are
   about the line, everything else by ppg_commands.c. */
#include "ppg_app.h"

#include <stdbool.h>

#include "ppg_bsp.h"
#include "ppg_bytes.h"
#include "ppg_commands.h"
#include "ppg_link.h"
#include "ppg_power.h"

typedef struct {
  bool open;
  uint32_t number;
  uint16_t sequence; /* of the last accepted request, as are type and crc */
  uint8_t type;
  uint32_t crc;
} session_t;

static ppg_link_t line;
static session_t session;
static uint32_t duplicates;
static uint32_t stale;

void ppg_app_start(void) {
  session = (session_t){.open = false};
  duplicates = 0;
  stale = 0;
  ppg_link_init(&line, ppg_bsp_uart_write);
  ppg_commands_init();
  ppg_link_send(&line, PPG_TYPE_BOOT, 0, ppg_commands_info(ppg_link_data(&line)));
}

static bool opens_session(const ppg_packet_t *request) {
  return request->type == PPG_TYPE_HELLO && request->length == PPG_HELLO_MAX_BYTES &&
         !(session.open && session.number == ppg_get_u32(request->data + PPG_HELLO_SESSION_AT));
}

static bool is_repetition(const ppg_packet_t *request) {
  return request->sequence == session.sequence && request->type == session.type &&
         request->crc == session.crc;
}

static bool is_stale(const ppg_packet_t *request) {
  const uint16_t ahead = (uint16_t)(request->sequence - session.sequence);
  return ahead == 0 || ahead > PPG_SEQUENCE_WINDOW;
}

static void refuse_without_keeping(const ppg_packet_t *request, uint8_t status, int32_t detail) {
  ppg_link_send_error(&line, request->sequence, status, request->type, detail);
}

/* True when `request` is to be executed now; otherwise it has been answered. */
static bool admit(const ppg_packet_t *request) {
  if (request->version != PPG_PROTOCOL_VERSION) {
    refuse_without_keeping(request, PPG_STATUS_UNSUPPORTED_VERSION, request->version);
    return false;
  }
  if (opens_session(request)) {
    session.open = true;
    session.number = ppg_get_u32(request->data + PPG_HELLO_SESSION_AT);
    return true;
  }
  if (!session.open) {
    refuse_without_keeping(request, PPG_STATUS_NO_SESSION, 0);
    return false;
  }
  if (is_repetition(request)) {
    duplicates++;
    ppg_link_repeat(&line);
    return false;
  }
  if (is_stale(request)) {
    stale++;
    refuse_without_keeping(request, PPG_STATUS_STALE_SEQUENCE, session.sequence);
    return false;
  }
  return true;
}

static ppg_answer_t statistics(uint8_t *reply) {
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_FRAMES_AT, line.frames);
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_CRC_ERRORS_AT, line.crc_errors);
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_COBS_ERRORS_AT, line.cobs_errors);
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_MALFORMED_AT, line.malformed);
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_OVERSIZE_AT, line.oversize);
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_UART_OVERRUNS_AT, ppg_bsp_uart_overruns());
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_DUPLICATES_AT, duplicates);
  ppg_put_u32(reply + PPG_STATISTICS_REPLY_STALE_AT, stale);
  return (ppg_answer_t){.length = PPG_STATISTICS_REPLY_MAX_BYTES};
}

static ppg_answer_t answer_to(const ppg_packet_t *request, uint8_t *reply) {
  if (request->type == PPG_TYPE_STATISTICS || request->type == PPG_TYPE_RESET) {
    if (request->length != 0) {
      return (ppg_answer_t){.refusal = PPG_STATUS_BAD_LENGTH};
    }
    return request->type == PPG_TYPE_RESET ? (ppg_answer_t){.length = 0} : statistics(reply);
  }
  return ppg_commands_execute(request->type, request->data, request->length, reply);
}

static void handle(const ppg_packet_t *request) {
  if (!admit(request)) {
    return;
  }
  session.sequence = request->sequence;
  session.type = request->type;
  session.crc = request->crc;

  uint8_t *reply = ppg_link_data(&line);
  const ppg_answer_t answer = answer_to(request, reply);
  if (answer.refusal != 0) {
    reply[PPG_ERROR_STATUS_AT] = answer.refusal;
    reply[PPG_ERROR_REQUEST_TYPE_AT] = request->type;
    ppg_put_s32(reply + PPG_ERROR_DETAIL_AT, answer.detail);
    ppg_link_send(&line, PPG_TYPE_ERROR, request->sequence, PPG_ERROR_MAX_BYTES);
    return;
  }
  ppg_link_send(&line, (uint8_t)(request->type | PPG_REPLY_BIT), request->sequence, answer.length);
  if (request->type == PPG_TYPE_RESET) { /* the reply is on its way: ppg_bsp_uart_write has handed it over */
    ppg_bsp_reset();
  }
  if (request->type == PPG_TYPE_POWER_RUN) { /* nothing unless the reply accepted it */
    ppg_power_perform(ppg_commands_run);
  }
}

void ppg_app_receive(uint8_t byte) {
  ppg_packet_t request;
  if (ppg_link_receive(&line, byte, &request)) {
    handle(&request);
  }
}
