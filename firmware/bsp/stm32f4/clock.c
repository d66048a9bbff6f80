/* STM32F4 core clock: the 16 MHz internal oscillator through the PLL (RM0090, sections 3.5.1, 5.1.4 and 7.2; RM0390,
   entering over-drive mode, for the F446 above 168 MHz; RM0383 for the F411). */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_hardware.h"
#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_family.h"
#include "ppg_stm32_pll.h"

#define RCC_HSI_ON (1u << 0)
#define RCC_HSI_READY (1u << 1)
#define RCC_PLL_CONFIGURATION (PPG_RCC_BASE + 0x04u)
#define RCC_PLL_RESERVED (2u << 28) /* PLLR on the F446; elsewhere the reset value of a reserved field */
#define RCC_CONFIGURATION (PPG_RCC_BASE + 0x08u)
#define RCC_SWITCH_MASK 0x3u
#define RCC_SWITCH_PLL 0x2u
#define RCC_SWITCHED_MASK 0xCu
#define RCC_SWITCHED_PLL 0x8u
#define RCC_APB_MASK ((7u << 10) | (7u << 13))
#define RCC_APB1_ENABLE (PPG_RCC_BASE + 0x40u)
#define RCC_POWER_ENABLE (1u << 28)

#define PWR_CONTROL 0x40007000u
#define PWR_STATUS (PWR_CONTROL + 0x04u)
/* the same bits in both registers: enable and ready */
#define PWR_OVER_DRIVE (1u << 16)
#define PWR_OVER_DRIVE_SWITCH (1u << 17)

#define FLASH_CONTROL 0x40023C00u
#define FLASH_WAIT_MASK 0xFu
#define FLASH_PREFETCH_AND_CACHES 0x700u

static bool start_pll(void) {
  if (!ppg_stm32_prepare_pll(RCC_HSI_ON, RCC_HSI_READY)) {
    return false;
  }
  ppg_write32(RCC_PLL_CONFIGURATION, PPG_CLOCK_PLL_M | (PPG_CLOCK_PLL_N << 6) |
                                         ((PPG_CLOCK_PLL_P / 2u - 1u) << 16) | (PPG_CLOCK_PLL_Q << 24) |
                                         RCC_PLL_RESERVED);
  return ppg_stm32_start_prepared_pll();
}

/* After the PLL was started and before it is used. */
static bool enter_over_drive(void) {
  if (PPG_CLOCK_OVER_DRIVE == 0u) {
    return true;
  }
  ppg_modify32(PWR_CONTROL, 0u, PWR_OVER_DRIVE);
  if (!ppg_wait32(PWR_STATUS, PWR_OVER_DRIVE, PWR_OVER_DRIVE)) {
    return false;
  }
  ppg_modify32(PWR_CONTROL, 0u, PWR_OVER_DRIVE_SWITCH);
  return ppg_wait32(PWR_STATUS, PWR_OVER_DRIVE_SWITCH, PWR_OVER_DRIVE_SWITCH);
}

static bool set_flash_wait_states(void) {
  ppg_write32(FLASH_CONTROL, PPG_CLOCK_FLASH_WAIT_STATES | FLASH_PREFETCH_AND_CACHES);
  return ppg_wait32(FLASH_CONTROL, FLASH_WAIT_MASK, PPG_CLOCK_FLASH_WAIT_STATES);
}

static bool switch_to_pll(void) {
  const uint32_t dividers = (ppg_stm32_apb_code(PPG_CLOCK_APB1_DIVIDER) << 10) |
                            (ppg_stm32_apb_code(PPG_CLOCK_APB2_DIVIDER) << 13);
  ppg_modify32(RCC_CONFIGURATION, RCC_APB_MASK, dividers);
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK, RCC_SWITCH_PLL);
  if (ppg_wait32(RCC_CONFIGURATION, RCC_SWITCHED_MASK, RCC_SWITCHED_PLL)) {
    return true;
  }
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK | RCC_APB_MASK, 0u);
  return false;
}

bool ppg_stm32_run_from_pll(void) {
  ppg_set_and_confirm32(RCC_APB1_ENABLE, RCC_POWER_ENABLE);
  ppg_modify32(PWR_CONTROL, 0u, PPG_CLOCK_VOLTAGE_SCALE << 14);
  return start_pll() && enter_over_drive() && set_flash_wait_states() && switch_to_pll();
}
