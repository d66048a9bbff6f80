/* The last fault, in memory that start-up does not clear: it is still there after the restart that follows, and after
   every other one until power is lost. Magic number and CRC tell it from what RAM holds at power-on. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_common.h"

#define MAGIC 0x50504721u
#define CRC_POLYNOMIAL 0xEDB88320u /* CRC-32 as in ISO-HDLC, reflected */

typedef struct {
  uint32_t magic;
  uint32_t is_restarting; /* 1 from the report until the start that follows */
  ppg_fault_t fault;
  uint32_t crc; /* of everything before it */
} record_t;

__attribute__((section(".noinit"))) static volatile record_t record;

static uint32_t crc_of_record(void) {
  const volatile uint32_t *words = (const volatile uint32_t *)&record;
  uint32_t crc = 0xFFFFFFFFu;
  for (uint32_t index = 0u; index < offsetof(record_t, crc) / 4u; index++) {
    crc ^= words[index];
    for (uint32_t bit = 0u; bit < 32u; bit++) {
      crc = (crc >> 1) ^ ((crc & 1u) != 0u ? CRC_POLYNOMIAL : 0u);
    }
  }
  return ~crc;
}

static bool is_valid(void) {
  return record.magic == MAGIC && record.crc == crc_of_record();
}

void ppg_fault_remember(const ppg_fault_t *fault) {
  record.magic = MAGIC;
  record.is_restarting = 1u;
  record.fault = *fault;
  record.crc = crc_of_record();
}

bool ppg_fault_caused_restart(void) {
  if (!is_valid() || record.is_restarting == 0u) {
    return false;
  }
  record.is_restarting = 0u;
  record.crc = crc_of_record();
  return true;
}

ppg_fault_t ppg_bsp_last_fault(void) {
  if (is_valid()) {
    return record.fault;
  }
  return (ppg_fault_t){.kind = PPG_FAULT_NONE};
}
