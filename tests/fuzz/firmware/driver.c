/* Drives a target where there is no libFuzzer.

     fuzz CORPUS FIRST COUNT CRASH [TRACE]   inputs FIRST .. FIRST + COUNT - 1 made from the files of CORPUS;
                                             TRACE: file for what the line carried
     play FILE...                            these inputs as they are

   When a sanitizer or a check complains, or an input takes longer than TOO_LONG_S, the input is left in CRASH. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "mutate.h"

#define SEEDS_MAX 1024u
#define TOO_LONG_S 20u
#define INPUTS_BETWEEN_ALARMS 1024u

FILE *fuzz_trace;
static const char *crash_path;
static uint8_t current[PROGRAM_BYTES_MAX];
static size_t current_length;
static uint64_t current_number;

static void save_input(void) {
  if (crash_path == NULL) {
    return;
  }
  fprintf(stderr, "input %llu\n", (unsigned long long)current_number);
  const int file = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) {
    if (write(file, current, current_length) < 0) {
      perror(crash_path);
    }
    close(file);
  }
}

_Noreturn void fuzz_fail(const char *promise, const char *file, int line) {
  fprintf(stderr, "%s:%d: not kept: %s\n", file, line, promise);
  save_input();
  __sanitizer_print_stack_trace();
  _exit(77);
}

void fuzz_trace_record(char kind, const uint8_t *bytes, size_t length) {
  if (fuzz_trace == NULL) {
    return;
  }
  const uint8_t header[5] = {(uint8_t)kind, (uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
                             (uint8_t)(length >> 24)};
  fwrite(header, 1, sizeof header, fuzz_trace);
  fwrite(bytes, 1, length, fuzz_trace);
}

static void too_long(int number) {
  (void)number;
  static const char message[] = "an input takes too long\n";
  save_input();
  _exit(write(STDERR_FILENO, message, sizeof message - 1u) < 0 ? 78 : 79);
}

static void cannot(const char *what) {
  perror(what);
  exit(2);
}

static size_t read_file(const char *path, uint8_t bytes[PROGRAM_BYTES_MAX]) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    cannot(path);
  }
  const size_t length = fread(bytes, 1, PROGRAM_BYTES_MAX, file);
  fclose(file);
  return length;
}

static int is_seed(const struct dirent *entry) {
  const size_t length = strlen(entry->d_name);
  return length > 4 && strcmp(entry->d_name + length - 4, ".bin") == 0;
}

static int by_name(const struct dirent **left, const struct dirent **right) {
  return strcmp((*left)->d_name, (*right)->d_name);
}

static size_t read_seeds(const char *folder, seed_t seeds[SEEDS_MAX]) {
  struct dirent **entries;
  const int count = scandir(folder, &entries, is_seed, by_name);
  if (count <= 0 || count > (int)SEEDS_MAX) {
    errno = count == 0 ? ENOENT : errno;
    cannot(folder);
  }
  for (int i = 0; i < count; i++) {
    char path[4096];
    uint8_t bytes[PROGRAM_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    seeds[i].length = read_file(path, bytes);
    uint8_t *kept = malloc(seeds[i].length + 1u);
    memcpy(kept, bytes, seeds[i].length);
    seeds[i].bytes = kept;
    free(entries[i]);
  }
  free(entries);
  return (size_t)count;
}

/* In memory of its own size, so that a read behind the input shows. */
static void run_current(void) {
  uint8_t *exact = malloc(current_length + (current_length == 0));
  memcpy(exact, current, current_length);
  LLVMFuzzerTestOneInput(exact, current_length);
  free(exact);
}

static int play(int count, char **paths) {
  for (int i = 0; i < count; i++) {
    current_length = read_file(paths[i], current);
    run_current();
  }
  return 0;
}

static int fuzz(const char *folder, uint64_t first, uint64_t count) {
  static seed_t seeds[SEEDS_MAX];
  const size_t seed_count = read_seeds(folder, seeds);
  for (uint64_t i = 0; i < count; i++) {
    if (i % INPUTS_BETWEEN_ALARMS == 0) {
      alarm(TOO_LONG_S);
    }
    current_number = first + i;
    current_length = mutate(seeds, seed_count, current_number, current);
    run_current();
  }
  for (size_t i = 0; i < seed_count; i++) {
    free((void *)(uintptr_t)seeds[i].bytes);
  }
  return 0;
}

int main(int count, char **arguments) {
  signal(SIGALRM, too_long);
  __sanitizer_set_death_callback(save_input);
  if (count > 2 && strcmp(arguments[1], "play") == 0) {
    return play(count - 2, arguments + 2);
  }
  if ((count == 6 || count == 7) && strcmp(arguments[1], "fuzz") == 0) {
    crash_path = arguments[5];
    if (count == 7 && (fuzz_trace = fopen(arguments[6], "wb")) == NULL) {
      cannot(arguments[6]);
    }
    const int code = fuzz(arguments[2], strtoull(arguments[3], NULL, 10), strtoull(arguments[4], NULL, 10));
    return fuzz_trace != NULL && fclose(fuzz_trace) != 0 ? 2 : code;
  }
  fputs("usage: fuzz CORPUS FIRST COUNT CRASH [TRACE] | play FILE...\n", stderr);
  return 2;
}
