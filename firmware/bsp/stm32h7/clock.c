/* STM32H743 core clock: the 64 MHz internal oscillator through PLL1 (RM0433, chapters PWR, FLASH and RCC). */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_hardware.h"
#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_family.h"
#include "ppg_stm32_pll.h"

#define PWR_STATUS 0x58024804u /* CSR1 */
#define PWR_ACTUAL_VOLTAGE_READY (1u << 13)
#define PWR_SUPPLY 0x5802480Cu /* CR3 */
#define PWR_SUPPLY_MASK 0x7u /* SCUEN, LDOEN, BYPASS */
#define PWR_SUPPLY_LDO (1u << 1)
#define PWR_VOLTAGE 0x58024818u /* D3CR */
#define PWR_VOLTAGE_READY (1u << 13)
#define PWR_VOLTAGE_MASK (3u << 14)

#define FLASH_CONTROL 0x52002000u
#define FLASH_MASK 0x3Fu /* LATENCY, WRHIGHFREQ */

#define RCC_HSI_ON (1u << 0)
#define RCC_HSI_READY (1u << 2)
#define RCC_CONFIGURATION (PPG_RCC_BASE + 0x10u)
#define RCC_SWITCH_MASK 0x7u
#define RCC_SWITCH_PLL 0x3u
#define RCC_SWITCHED_MASK (0x7u << 3)
#define RCC_SWITCHED_PLL (0x3u << 3)
#define RCC_DOMAIN_1 (PPG_RCC_BASE + 0x18u)
#define RCC_DOMAIN_2 (PPG_RCC_BASE + 0x1Cu)
#define RCC_DOMAIN_3 (PPG_RCC_BASE + 0x20u)
#define RCC_AHB_HALF 0x8u
#define RCC_PLL_SOURCE (PPG_RCC_BASE + 0x28u)
#define RCC_PLL_SOURCE_MASK 0x3F3u /* PLLSRC, DIVM1; PLLSRC 0 is the HSI */
#define RCC_PLL_CONFIGURATION (PPG_RCC_BASE + 0x2Cu)
#define RCC_PLL_1_MASK 0xFu /* FRACEN, VCOSEL, RGE: no fraction, wide VCO */
#define RCC_PLL_1_INPUT_8_TO_16_MHZ (3u << 2)
#define RCC_PLL_1_P_ENABLE (1u << 16)
#define RCC_PLL_1_DIVIDERS (PPG_RCC_BASE + 0x30u)

#define DEVICE_ID 0x5C001000u /* DBGMCU_IDC; revision in the upper half */
#define REVISION_V (0x2000u << 16)
#define AXI_SRAM_ISSUING 0x51008108u /* AXI_TARG7_FN_MOD */

/* Before revision V, AXI SRAM may be read wrongly unless it takes one read at a time (erratum sheet ES0392, "Reading
   from AXI SRAM may lead to data read corruption"). */
static void work_around_axi_sram(void) {
  if (ppg_read32(DEVICE_ID) < REVISION_V) {
    ppg_write32(AXI_SRAM_ISSUING, 1u);
  }
}

/* The supply can be chosen once after power-on, and must be before the voltage is changed; later writes are ignored. */
static bool raise_core_voltage(void) {
  ppg_modify32(PWR_SUPPLY, PWR_SUPPLY_MASK, PWR_SUPPLY_LDO);
  if (!ppg_wait32(PWR_STATUS, PWR_ACTUAL_VOLTAGE_READY, PWR_ACTUAL_VOLTAGE_READY)) {
    return false;
  }
  ppg_modify32(PWR_VOLTAGE, PWR_VOLTAGE_MASK, PPG_CLOCK_VOLTAGE_SCALE << 14);
  return ppg_wait32(PWR_VOLTAGE, PWR_VOLTAGE_READY, PWR_VOLTAGE_READY);
}

static bool set_flash_wait_states(void) {
  const uint32_t delays = PPG_CLOCK_FLASH_WAIT_STATES | (PPG_CLOCK_FLASH_PROGRAMMING_DELAY << 4);
  ppg_modify32(FLASH_CONTROL, FLASH_MASK, delays);
  return ppg_wait32(FLASH_CONTROL, FLASH_MASK, delays);
}

static bool start_pll(void) {
  if (!ppg_stm32_prepare_pll(RCC_HSI_ON, RCC_HSI_READY)) {
    return false;
  }
  ppg_modify32(RCC_PLL_SOURCE, RCC_PLL_SOURCE_MASK, PPG_CLOCK_PLL_M << 4);
  ppg_modify32(RCC_PLL_CONFIGURATION, RCC_PLL_1_MASK, RCC_PLL_1_INPUT_8_TO_16_MHZ | RCC_PLL_1_P_ENABLE);
  ppg_write32(RCC_PLL_1_DIVIDERS, (PPG_CLOCK_PLL_N - 1u) | ((PPG_CLOCK_PLL_P - 1u) << 9) |
                                      ((PPG_CLOCK_PLL_Q - 1u) << 16) | ((PPG_CLOCK_PLL_R - 1u) << 24));
  return ppg_stm32_start_prepared_pll();
}

/* Buses of the three domains: AHB at half the core clock or the core clock, every APB alike. */
static void divide_buses(uint32_t ahb_code, uint32_t apb1_code, uint32_t apb2_code) {
  ppg_write32(RCC_DOMAIN_1, ahb_code | (apb1_code << 4));
  ppg_write32(RCC_DOMAIN_2, (apb1_code << 4) | (apb2_code << 8));
  ppg_write32(RCC_DOMAIN_3, apb1_code << 4);
}

static bool switch_to_pll(void) {
  divide_buses(PPG_CLOCK_AHB_DIVIDER == 2u ? RCC_AHB_HALF : 0u, ppg_stm32_apb_code(PPG_CLOCK_APB1_DIVIDER),
               ppg_stm32_apb_code(PPG_CLOCK_APB2_DIVIDER));
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK, RCC_SWITCH_PLL);
  if (ppg_wait32(RCC_CONFIGURATION, RCC_SWITCHED_MASK, RCC_SWITCHED_PLL)) {
    return true;
  }
  ppg_modify32(RCC_CONFIGURATION, RCC_SWITCH_MASK, 0u);
  divide_buses(0u, 0u, 0u);
  return false;
}

bool ppg_stm32_run_from_pll(void) {
  work_around_axi_sram();
  return raise_core_voltage() && set_flash_wait_states() && start_pll() && switch_to_pll();
}
