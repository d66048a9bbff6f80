/* Text for the host, without printf: that would bring floats and a heap into the image. */
#ifndef PPG_EEMBC_PRINT_H
#define PPG_EEMBC_PRINT_H

#include <stdint.h>

#include "ppg_eembc_line.h"

void ppg_eembc_print(const char *text);
void ppg_eembc_print_u32(uint32_t value);
void ppg_eembc_print_s32(int32_t value);
void ppg_eembc_print_hex(uint8_t byte); /* two lower-case digits */
void ppg_eembc_print_hex32(uint32_t value); /* eight of them */

/* What somebody else sent; anything but printable ASCII becomes a question mark. */
void ppg_eembc_print_foreign(ppg_eembc_text_t text);

/* mantissa / 2^shift * steps with three decimals. The product is exact and rounded once, to the nearest and of two
   equally near ones to the even, as C's "%.3f" of it would be; a negative number that rounds to nothing is 0.000.
   mantissa < 2^36 and shift < 64. */
void ppg_eembc_print_real(uint64_t mantissa, uint32_t shift, int32_t steps);

#endif
