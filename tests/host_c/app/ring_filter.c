/* The receive ring behind a pipe. Commands on stdin: P and a byte puts it, T takes one, E asks whether it is empty.
   Answers on stdout: 0 or 1 for P and E; for T the byte in decimal, or -1. One line each. */
#include <stdio.h>

#include "ppg_receive_ring.h"

int main(void) {
  static ppg_receive_ring_t ring;
  for (int command = getchar(); command != EOF; command = getchar()) {
    switch (command) {
      case 'P':
        printf("%d\n", ppg_receive_ring_put(&ring, (uint8_t)getchar()));
        break;
      case 'T':
        printf("%d\n", ppg_receive_ring_take(&ring));
        break;
      case 'E':
        printf("%d\n", ppg_receive_ring_is_empty(&ring));
        break;
      default:
        return 2;
    }
  }
  return 0;
}
