/* What every fuzzing program shares: how a failed promise ends the run, and the trace for the Python decoder. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* libFuzzer's entry point; driver.c calls it too. Each target (target_*.c) defines one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program: the code under test broke `promise`. */
_Noreturn void fuzz_fail(const char *promise, const char *file, int line);

#define FUZZ_REQUIRE(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

/* Records (char kind, uint32_t length, bytes) go here unless it is NULL: what the line carried, for comparison. */
extern FILE *fuzz_trace;
void fuzz_trace_record(char kind, const uint8_t *bytes, size_t length);

#endif
