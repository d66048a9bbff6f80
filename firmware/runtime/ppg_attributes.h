/* Compiler attributes that differ between gcc and clang. */
#ifndef PPG_ATTRIBUTES_H
#define PPG_ATTRIBUTES_H

/* The function keeps its symbol, its body and its calling convention: no inlining, cloning or merging. */
#if defined(__GNUC__) && !defined(__clang__)
#define PPG_KEEP_FUNCTION __attribute__((noipa))
#else
#define PPG_KEEP_FUNCTION __attribute__((noinline, used))
#endif

/* The function disappears into its callers, and with it the calls of functions that it is given. */
#define PPG_INLINE static inline __attribute__((always_inline))

#endif
