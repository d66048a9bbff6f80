/* The whole program: start the board, then feed the application from the line for ever. */
#include "ppg_app.h"
#include "ppg_bsp.h"

int main(void) {
  ppg_bsp_init();
  ppg_app_start();
  for (;;) {
    ppg_bsp_uart_wait();
    for (int byte = ppg_bsp_uart_read(); byte >= 0; byte = ppg_bsp_uart_read()) {
      ppg_app_receive((uint8_t)byte);
    }
  }
}
