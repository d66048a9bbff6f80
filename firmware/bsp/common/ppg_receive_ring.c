#include "ppg_receive_ring.h"

#define INDEX_MASK (PPG_RECEIVE_RING_BYTES - 1u)

_Static_assert((PPG_RECEIVE_RING_BYTES & INDEX_MASK) == 0u, "indices wrap by a mask");

bool ppg_receive_ring_put(ppg_receive_ring_t *ring, uint8_t byte) {
  const uint32_t written = ring->written;
  if (written - ring->taken >= PPG_RECEIVE_RING_BYTES) {
    return false;
  }
  ring->bytes[written & INDEX_MASK] = byte;
  ring->written = written + 1u; /* last: from now on the reader may take it */
  return true;
}

int ppg_receive_ring_take(ppg_receive_ring_t *ring) {
  const uint32_t taken = ring->taken;
  if (ring->written == taken) {
    return -1;
  }
  const uint8_t byte = ring->bytes[taken & INDEX_MASK];
  ring->taken = taken + 1u; /* last: from now on the writer may overwrite it */
  return (int)byte;
}

bool ppg_receive_ring_is_empty(const ppg_receive_ring_t *ring) {
  return ring->written == ring->taken;
}
