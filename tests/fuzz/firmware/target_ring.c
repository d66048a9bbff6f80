/* Fuzzes the receive ring against a queue that cannot be wrong: every input byte puts or takes some bytes. The ring's
   counters start just below 2^32, where they wrap. */
#include <string.h>

#include "fuzz.h"
#include "ppg_receive_ring.h"

#define QUEUE_BYTES (4u * 1024u * 1024u)
#define LONGEST_BURST 127u
#define TAKES 0x80u

static uint8_t queue[QUEUE_BYTES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct {
    uint8_t before[16];
    ppg_receive_ring_t ring;
    uint8_t behind[16];
  } memory;
  static const uint8_t untouched[16] = {0};
  ppg_receive_ring_t *ring = &memory.ring;
  size_t put = 0;
  size_t taken = 0;
  ring->written = 0xFFFFFF00u;
  ring->taken = 0xFFFFFF00u;
  for (size_t i = 0; i < size; i++) {
    for (uint32_t left = data[i] & LONGEST_BURST; left > 0; left--) {
      FUZZ_REQUIRE(ppg_receive_ring_is_empty(ring) == (put == taken));
      if ((data[i] & TAKES) != 0) {
        FUZZ_REQUIRE(ppg_receive_ring_take(ring) == (put == taken ? -1 : queue[taken]));
        taken += put != taken;
      } else {
        const uint8_t byte = (uint8_t)(put + i);
        const bool has_room = put - taken < PPG_RECEIVE_RING_BYTES;
        FUZZ_REQUIRE(ppg_receive_ring_put(ring, byte) == has_room);
        if (has_room) {
          queue[put++] = byte;
        }
      }
    }
  }
  FUZZ_REQUIRE(memcmp(memory.before, untouched, sizeof untouched) == 0);
  FUZZ_REQUIRE(memcmp(memory.behind, untouched, sizeof untouched) == 0);
  return 0;
}
