#include "ppg_fault_message.h"

#include "ppg_bytes.h"
#include "ppg_link.h"
#include "ppg_protocol.h"

#define FRAME_BYTES (PPG_LINK_PACKET_AT + PPG_PACKET_BYTES_MIN + PPG_FAULT_MAX_BYTES + 1u)

_Static_assert(PPG_LAST_FAULT_REPLY_MAX_BYTES == PPG_FAULT_MAX_BYTES, "LAST_FAULT_REPLY has the data of FAULT");
_Static_assert((unsigned)PPG_FAULT_NONE == PPG_WIRE_FAULT_NONE, "fault kinds as in ppg_bsp.h");
_Static_assert((unsigned)PPG_FAULT_EXCEPTION == PPG_WIRE_FAULT_EXCEPTION, "fault kinds as in ppg_bsp.h");
_Static_assert((unsigned)PPG_FAULT_STACK_OVERFLOW == PPG_WIRE_FAULT_STACK_OVERFLOW, "fault kinds as in ppg_bsp.h");
_Static_assert((unsigned)PPG_FAULT_HANG == PPG_WIRE_FAULT_HANG, "fault kinds as in ppg_bsp.h");

uint16_t ppg_fault_message(const ppg_fault_t *fault, uint8_t *data) {
  data[PPG_FAULT_KIND_AT] = (uint8_t)fault->kind;
  ppg_put_u32(data + PPG_FAULT_EXCEPTION_AT, fault->exception);
  ppg_put_u32(data + PPG_FAULT_FAULT_STATUS_AT, fault->fault_status);
  ppg_put_u32(data + PPG_FAULT_HARD_FAULT_STATUS_AT, fault->hard_fault_status);
  ppg_put_u32(data + PPG_FAULT_BUS_ADDRESS_AT, fault->bus_address);
  ppg_put_u32(data + PPG_FAULT_PROGRAM_COUNTER_AT, fault->program_counter);
  ppg_put_u32(data + PPG_FAULT_LINK_REGISTER_AT, fault->link_register);
  ppg_put_u32(data + PPG_FAULT_STACK_POINTER_AT, fault->stack_pointer);
  ppg_put_u32(data + PPG_FAULT_RUNS_AT, fault->runs);
  return PPG_FAULT_MAX_BYTES;
}

/* With a buffer and nothing else of its own: the line's state may be what the fault has destroyed. */
void ppg_bsp_fault_hook(const ppg_fault_t *fault) {
  uint8_t frame[FRAME_BYTES];
  const uint16_t length = ppg_fault_message(fault, frame + PPG_LINK_PACKET_AT + PPG_HEADER_BYTES);
  ppg_bsp_uart_write(frame, ppg_link_frame(frame, PPG_TYPE_FAULT, 0, length));
}
