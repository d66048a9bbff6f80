/* CRC-32 of IEEE 802.3 (reflected polynomial 0xEDB88320), the one that zlib computes. */
#ifndef PPG_CRC32_H
#define PPG_CRC32_H

#include <stdint.h>

/* CRC-32 of `length` bytes. */
uint32_t ppg_crc32(const void *data, uint32_t length);

#endif
