/* Cortex-M7: both caches on, whatever clock runs (Armv7-M Architecture Reference Manual: CCR, CCSIDR, CSSELR, ICIALLU,
   DCISW).

   A board gets this by naming the folder in bsp_folders: it runs as a constructor, before main. After reset the caches
   hold rubbish, so each is invalidated before it is enabled. Nothing here uses DMA, so no later maintenance is
   needed; tightly coupled memory, where data, arena and stack lie, is never cached. */
#include <stdint.h>

#include "ppg_registers.h"

#define SCB_CONFIGURATION 0xE000ED14u
#define SCB_DATA_CACHE_ENABLE (1u << 16)
#define SCB_INSTRUCTION_CACHE_ENABLE (1u << 17)
#define SCB_CACHE_SIZE 0xE000ED80u
#define SCB_CACHE_SELECT 0xE000ED84u
#define SCB_SELECT_DATA_CACHE 0u
#define SCB_INVALIDATE_INSTRUCTION_CACHE 0xE000EF50u
#define SCB_INVALIDATE_DATA_BY_SET_AND_WAY 0xE000EF60u

/* Where the M7 wants set and way: lines of 32 bytes, 4 ways (Cortex-M7 Technical Reference Manual, data cache). */
#define SET_SHIFT 5u
#define WAY_SHIFT 30u

static void finish_cache_operation(void) {
  __asm volatile("dsb\n\tisb" ::: "memory");
}

static void enable_instruction_cache(void) {
  finish_cache_operation();
  ppg_write32(SCB_INVALIDATE_INSTRUCTION_CACHE, 0u);
  finish_cache_operation();
  ppg_modify32(SCB_CONFIGURATION, 0u, SCB_INSTRUCTION_CACHE_ENABLE);
  finish_cache_operation();
}

static void enable_data_cache(void) {
  ppg_write32(SCB_CACHE_SELECT, SCB_SELECT_DATA_CACHE);
  finish_cache_operation();
  const uint32_t size = ppg_read32(SCB_CACHE_SIZE);
  const uint32_t last_set = (size >> 13) & 0x7FFFu;
  const uint32_t last_way = (size >> 3) & 0x3FFu;
  for (uint32_t set = 0u; set <= last_set; set++) {
    for (uint32_t way = 0u; way <= last_way; way++) {
      ppg_write32(SCB_INVALIDATE_DATA_BY_SET_AND_WAY, (set << SET_SHIFT) | (way << WAY_SHIFT));
    }
  }
  finish_cache_operation();
  ppg_modify32(SCB_CONFIGURATION, 0u, SCB_DATA_CACHE_ENABLE);
  finish_cache_operation();
}

/* A debugger's restart may come here with the caches on: invalidating then would lose written data. */
__attribute__((constructor)) static void enable_caches(void) {
  const uint32_t configuration = ppg_read32(SCB_CONFIGURATION);
  if ((configuration & SCB_INSTRUCTION_CACHE_ENABLE) == 0u) {
    enable_instruction_cache();
  }
  if ((configuration & SCB_DATA_CACHE_ENABLE) == 0u) {
    enable_data_cache();
  }
}
