/* STM32WB55 core clock: the 16 MHz internal oscillator through the PLL (RM0434, chapters FLASH and RCC). The radio core,
   which shares this clock, stays below its own limit of 32 MHz. After reset the regulator is in range 1 already. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_hardware.h"
#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_family.h"
#include "ppg_stm32_pll.h"

#define FLASH_CONTROL 0x58004000u
#define FLASH_WAIT_MASK 0x7u
#define FLASH_PREFETCH_AND_CACHES 0x700u

#define RCC_HSI_ON (1u << 8)
#define RCC_HSI_READY (1u << 10)
#define RCC_CONFIGURATION (PPG_RCC_BASE + 0x08u)
#define RCC_SWITCH_MASK 0x3u
#define RCC_SWITCH_PLL 0x3u
#define RCC_SWITCHED_MASK 0xCu
#define RCC_SWITCHED_PLL 0xCu
#define RCC_APB_MASK (0x3Fu << 8)
#define RCC_PLL_CONFIGURATION (PPG_RCC_BASE + 0x0Cu)
#define RCC_PLL_SOURCE_HSI 2u
#define RCC_PLL_R_ENABLE (1u << 28)
#define RCC_EXTENDED_CONFIGURATION (PPG_RCC_BASE + 0x108u)
#define RCC_RADIO_CORE_MASK (0xFu << 4) /* C2HPRE */
#define RCC_RADIO_CORE_HALF (0x8u << 4)
#define RCC_RADIO_CORE_APPLIED (1u << 17) /* C2HPREF */

static bool start_pll(void) {
  if (!ppg_stm32_prepare_pll(RCC_HSI_ON, RCC_HSI_READY)) {
    return false;
  }
  ppg_write32(RCC_PLL_CONFIGURATION, RCC_PLL_SOURCE_HSI | ((PPG_CLOCK_PLL_M - 1u) << 4) |
                                         (PPG_CLOCK_PLL_N << 8) | ((PPG_CLOCK_PLL_R - 1u) << 29) |
                                         RCC_PLL_R_ENABLE);
  return ppg_stm32_start_prepared_pll();
}

static bool slow_radio_core(void) {
  ppg_modify32(RCC_EXTENDED_CONFIGURATION, RCC_RADIO_CORE_MASK, RCC_RADIO_CORE_HALF);
  return ppg_wait32(RCC_EXTENDED_CONFIGURATION, RCC_RADIO_CORE_APPLIED, RCC_RADIO_CORE_APPLIED);
}

static bool set_flash_wait_states(void) {
  ppg_modify32(FLASH_CONTROL, FLASH_WAIT_MASK, PPG_CLOCK_FLASH_WAIT_STATES | FLASH_PREFETCH_AND_CACHES);
  return ppg_wait32(FLASH_CONTROL, FLASH_WAIT_MASK, PPG_CLOCK_FLASH_WAIT_STATES);
}

static bool switch_to_pll(void) {
  const uint32_t dividers = (ppg_stm32_apb_code(PPG_CLOCK_APB1_DIVIDER) << 8) |
                            (ppg_stm32_apb_code(PPG_CLOCK_APB2_DIVIDER) << 11);
  ppg_modify32(RCC_CONFIGURATION, RCC_APB_MASK, dividers);
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK, RCC_SWITCH_PLL);
  if (ppg_wait32(RCC_CONFIGURATION, RCC_SWITCHED_MASK, RCC_SWITCHED_PLL)) {
    return true;
  }
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK | RCC_APB_MASK, 0u);
  return false;
}

bool ppg_stm32_run_from_pll(void) {
  return start_pll() && slow_radio_core() && set_flash_wait_states() && switch_to_pll();
}
