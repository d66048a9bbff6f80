/* What measuring power needs, of the board that is a process. Pauses really last; every call is a line in the file
   $FAKE_POWER_LOG, with the counter. A gate while the line is not silent ends the program. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fake_board.h"
#include "ppg_bsp.h"

static bool is_silent;

static void note(const char *what, uint32_t value) {
  const char *path = getenv("FAKE_POWER_LOG");
  FILE *log = path ? fopen(path, "a") : NULL;
  if (log != NULL) {
    fprintf(log, "%s %u at %u\n", what, (unsigned)value, (unsigned)ppg_bsp_counter());
    fclose(log);
  }
}

void ppg_bsp_silence(void) {
  is_silent = true;
  note("silence", 0);
}

void ppg_bsp_speak(void) {
  is_silent = false;
  note("speak", 0);
}

void ppg_bsp_gate(bool high) {
  if (!is_silent) {
    abort();
  }
  note("gate", high);
}

void ppg_bsp_pause(uint32_t milliseconds, bool asleep) {
  const struct timespec time = {.tv_sec = milliseconds / 1000u, .tv_nsec = (long)(milliseconds % 1000u) * 1000000L};
  note(asleep ? "sleep" : "awake", milliseconds);
  nanosleep(&time, NULL);
}
