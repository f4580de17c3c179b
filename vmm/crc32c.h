/* SPDX-License-Identifier: ISC */
/* crc32c.h: the Castagnoli CRC (RFC 3720, appendix B.4), with the CPU's instruction if it has one.
 */
#ifndef TINE_VMM_CRC32C_H
#define TINE_VMM_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continue from crc, 0 at the beginning. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
