/* SPDX-License-Identifier: ISC */
/* random.h: the ChaCha20 block function under the kernel's generator (subr_random.c). */
#ifndef SYS_RANDOM_H
#define SYS_RANDOM_H

#include <sys/types.h>

/* One 64-byte keystream block for the 16-word input state of RFC 8439, section 2.3. */
void chacha20_block(const uint32_t in[16], uint32_t out[16]);
/* Mix v into the next key: cheap, and costs nothing if v is known to an attacker. */
void random_stir(uint64_t v);

#endif
