/* STM32L4 and L4+ core clock: the 16 MHz internal oscillator through the PLL (RM0351, sections 5.1.8, 3.3.3 and 6.2;
   RM0432, dynamic voltage scaling management, for the L4+, which needs the regulator's boost above 80 MHz). */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_hardware.h"
#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_family.h"
#include "ppg_stm32_pll.h"

#define RCC_HSI_ON (1u << 8)
#define RCC_HSI_READY (1u << 10)
#define RCC_CONFIGURATION (PPG_RCC_BASE + 0x08u)
#define RCC_SWITCH_MASK 0x3u
#define RCC_SWITCH_PLL 0x3u
#define RCC_SWITCHED_MASK 0xCu
#define RCC_SWITCHED_PLL 0xCu
#define RCC_AHB_MASK (0xFu << 4)
#define RCC_AHB_HALF (0x8u << 4)
#define RCC_APB_MASK (0x3Fu << 8)
#define RCC_PLL_CONFIGURATION (PPG_RCC_BASE + 0x0Cu)
#define RCC_PLL_SOURCE_HSI 2u
#define RCC_PLL_R_ENABLE (1u << 24)
#define RCC_APB1_ENABLE (PPG_RCC_BASE + 0x58u)
#define RCC_POWER_ENABLE (1u << 28)

#define PWR_CONTROL 0x40007000u
#define PWR_RANGE_MASK (3u << 9)
#define PWR_RANGE_1 (1u << 9)
#define PWR_STATUS_2 (PWR_CONTROL + 0x14u)
#define PWR_VOLTAGE_CHANGING (1u << 10) /* VOSF */
#define PWR_CONTROL_5 (PWR_CONTROL + 0x80u)
#define PWR_RANGE_1_NORMAL (1u << 8) /* R1MODE; 0 is boost */

#define FLASH_CONTROL 0x40022000u
#define FLASH_WAIT_MASK 0xFu
#define FLASH_PREFETCH_AND_CACHES 0x700u

/* An emulator may not model this register and read all zeros; a register that holds something else is a failure. */
static bool set_flash_wait_states(void) {
  ppg_modify32(FLASH_CONTROL, FLASH_WAIT_MASK, PPG_CLOCK_FLASH_WAIT_STATES | FLASH_PREFETCH_AND_CACHES);
  return ppg_read32(FLASH_CONTROL) == 0u ||
         ppg_wait32(FLASH_CONTROL, FLASH_WAIT_MASK, PPG_CLOCK_FLASH_WAIT_STATES);
}

static bool start_pll(void) {
  if (!ppg_stm32_prepare_pll(RCC_HSI_ON, RCC_HSI_READY)) {
    return false;
  }
  ppg_write32(RCC_PLL_CONFIGURATION, RCC_PLL_SOURCE_HSI | ((PPG_CLOCK_PLL_M - 1u) << 4) |
                                         (PPG_CLOCK_PLL_N << 8) | ((PPG_CLOCK_PLL_R / 2u - 1u) << 25) |
                                         RCC_PLL_R_ENABLE);
  return ppg_stm32_start_prepared_pll();
}

/* At least; the core has to stay that long at half speed on its way above 80 MHz. */
static void pause_one_microsecond(void) {
  for (uint32_t cycle = 0u; cycle < PPG_CLOCK_HZ / 1000000u; cycle++) {
    __asm volatile("nop");
  }
}

static bool switch_to_pll(void) {
  const uint32_t dividers = (ppg_stm32_apb_code(PPG_CLOCK_APB1_DIVIDER) << 8) |
                            (ppg_stm32_apb_code(PPG_CLOCK_APB2_DIVIDER) << 11);
  ppg_modify32(RCC_CONFIGURATION, RCC_APB_MASK, dividers);
  if (PPG_CLOCK_BOOST != 0u) {
    ppg_modify32(RCC_CONFIGURATION, RCC_AHB_MASK, RCC_AHB_HALF); /* crosses 80 MHz in two steps */
  }
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK, RCC_SWITCH_PLL);
  if (ppg_wait32(RCC_CONFIGURATION, RCC_SWITCHED_MASK, RCC_SWITCHED_PLL)) {
    if (PPG_CLOCK_BOOST != 0u) {
      pause_one_microsecond();
      ppg_modify32(RCC_CONFIGURATION, RCC_AHB_MASK, 0u);
    }
    return true;
  }
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK | RCC_APB_MASK | RCC_AHB_MASK, 0u);
  return false;
}

/* Range 1; with boost above 80 MHz. */
static bool raise_core_voltage(void) {
  ppg_set_and_confirm32(RCC_APB1_ENABLE, RCC_POWER_ENABLE);
  ppg_modify32(PWR_CONTROL, PWR_RANGE_MASK, PWR_RANGE_1);
  if (!ppg_wait32(PWR_STATUS_2, PWR_VOLTAGE_CHANGING, 0u)) {
    return false;
  }
  if (PPG_CLOCK_BOOST != 0u) {
    ppg_modify32(PWR_CONTROL_5, PWR_RANGE_1_NORMAL, 0u);
  }
  return true;
}

bool ppg_stm32_run_from_pll(void) {
  return raise_core_voltage() && set_flash_wait_states() && start_pll() && switch_to_pll();
}
