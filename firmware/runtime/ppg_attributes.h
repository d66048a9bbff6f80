/* Compiler attributes that differ between gcc and clang. */
#ifndef PPG_ATTRIBUTES_H
#define PPG_ATTRIBUTES_H

/* The function keeps its symbol, its body and its calling convention: no inlining, cloning or merging. */
#if defined(__GNUC__) && !defined(__clang__)
#define PPG_KEEP_FUNCTION __attribute__((noipa))
#else
#define PPG_KEEP_FUNCTION __attribute__((noinline, used))
#endif

#endif
