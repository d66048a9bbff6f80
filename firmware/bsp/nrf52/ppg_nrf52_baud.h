/* BAUDRATE of the UARTE. No register access, so that a host test can check it.

   The values are those of the nRF52840 product specification, chapter UARTE; others are not supported. They differ
   from those of the legacy UART peripheral (115200: 0x01D7E000 there), which Renode's model also gives for the UARTE. */
#ifndef PPG_NRF52_BAUD_H
#define PPG_NRF52_BAUD_H

#include <stdint.h>

/* 0 when the rate cannot be made to within 1 %. */
static inline uint32_t ppg_nrf52_baudrate(uint32_t baud) {
  switch (baud) {
    case 9600u:
      return 0x00275000u; /* really 9598 */
    case 19200u:
      return 0x004EA000u; /* 19208 */
    case 38400u:
      return 0x009D0000u; /* 38369 */
    case 57600u:
      return 0x00EB0000u; /* 57554 */
    case 115200u:
      return 0x01D60000u; /* 115108 */
    case 230400u:
      return 0x03B00000u; /* 231884 */
    case 460800u:
      return 0x07400000u; /* 457143 */
    case 1000000u:
      return 0x10000000u;
    default:
      return 0u;
  }
}

#endif
