/* Bytes on their way from the UART's interrupt to the main program: one writer, one reader, no locks. No register
   access, so that a host test can check it. */
#ifndef PPG_RECEIVE_RING_H
#define PPG_RECEIVE_RING_H

#include <stdbool.h>
#include <stdint.h>

/* A power of two, and room for the longest frame of the wire protocol (531 bytes) with another behind it. */
#define PPG_RECEIVE_RING_BYTES 1024u

typedef struct {
  volatile uint32_t written; /* by the interrupt only; both count on, modulo 2^32 */
  volatile uint32_t taken;   /* by the main program only */
  volatile uint8_t bytes[PPG_RECEIVE_RING_BYTES];
} ppg_receive_ring_t;

/* For the interrupt. False: the ring is full, and the byte is lost. */
bool ppg_receive_ring_put(ppg_receive_ring_t *ring, uint8_t byte);

/* For the main program: the oldest byte, or -1 when there is none. */
int ppg_receive_ring_take(ppg_receive_ring_t *ring);

bool ppg_receive_ring_is_empty(const ppg_receive_ring_t *ring);

#endif
