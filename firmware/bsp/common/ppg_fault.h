/* What is known about a crash, and the hook through which an application can tell it in its own words. */
#ifndef PPG_FAULT_H
#define PPG_FAULT_H

#include <stdint.h>

typedef struct {
  uint32_t exception;         /* 3 = hard fault; 16 and up = an interrupt nobody asked for */
  uint32_t fault_status;      /* CFSR */
  uint32_t hard_fault_status; /* HFSR */
  uint32_t bus_address;       /* BFAR; meaningful when CFSR bit 15 is set */
  uint32_t program_counter;   /* 0 when the stack was unusable */
  uint32_t link_register;     /* 0 when the stack was unusable */
} ppg_fault_t;

/* Called once per crash, before the restart. The weak default sends one line of text over the UART. */
void ppg_bsp_fault_hook(const ppg_fault_t *fault);

#endif
