/* Pin configuration, the same register block in every STM32 family with an alternate-function table. */
#include <stdint.h>

#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_family.h"

#define GPIO_MODE 0x00u
#define GPIO_SPEED 0x08u
#define GPIO_PULL 0x0Cu
#define GPIO_FUNCTION 0x20u
#define GPIO_PORT_STRIDE 0x400u

#define MODE_ALTERNATE 2u
#define SPEED_HIGH 2u
#define PULL_UP 1u

void ppg_stm32_pin_to_function(uint32_t port, uint32_t pin, uint32_t function) {
  const uint32_t gpio = PPG_GPIO_BASE + GPIO_PORT_STRIDE * port;
  const uint32_t function_shift = 4u * (pin % 8u);
  const uint32_t pair_shift = 2u * pin;
#ifdef PPG_GPIO_INDEPENDENT_PORT
  if (port == PPG_GPIO_INDEPENDENT_PORT) {
    ppg_stm32_connect_independent_port();
  }
#endif
  ppg_set_and_confirm32(PPG_RCC_GPIO_ENABLE, 1u << port);
  ppg_modify32(gpio + GPIO_FUNCTION + 4u * (pin / 8u), 0xFu << function_shift, function << function_shift);
  ppg_modify32(gpio + GPIO_SPEED, 3u << pair_shift, SPEED_HIGH << pair_shift);
  ppg_modify32(gpio + GPIO_PULL, 3u << pair_shift, PULL_UP << pair_shift);
  ppg_modify32(gpio + GPIO_MODE, 3u << pair_shift, MODE_ALTERNATE << pair_shift);
}
