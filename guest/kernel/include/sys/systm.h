/* SPDX-License-Identifier: ISC */
/* systm.h: services every part of the kernel uses: printing, panics, strings, user memory, random
 * bytes. */
#ifndef SYS_SYSTM_H
#define SYS_SYSTM_H

#include <sys/types.h>
#include <sys/errno.h>

/* ---- printing (subr_prf.c) ---- */
enum klevel {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG
};
/* One line to the host's log; no trailing newline needed. %s %c %d %i %u %x %X %p %ld %lu %lx %llu
 * %zu, width, 0, -, .precision. */
void __cold kprintf(enum klevel level, const char *fmt, ...) __printflike(2, 3);
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __printflike(3, 4);
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
void __cold __noreturn panic(const char *fmt, ...) __printflike(1, 2);

#ifdef TINE_DEBUG
#define KASSERT(e) ((e) ? (void)0 : panic("assertion failed: %s, %s:%d", #e, __FILE__, __LINE__))
#else
#define KASSERT(e) ((void)sizeof(!!(e)))
#endif

/* At most once per interval: true when the caller may print; *suppressed (may be NULL) = how many
 * were not. */
struct ratecheck {
	nsec_t last;
	uint64_t suppressed;
};
bool ratecheck(struct ratecheck *rc, nsec_t interval, uint64_t *suppressed);

/* ---- strings (subr_string.c; memcpy and memset are the arch's) ---- */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
size_t strlcpy(char *dst, const char *src, size_t size);
/* Whole string as a number (base 0 = 10 or 0x); false if malformed or out of range. */
bool strtoi64(const char *s, int base, int64_t *out);

/* ---- user memory (arch copy.S, with fault fix-up). All return 0 or EFAULT. ---- */
int copyin(const void *uaddr, void *kaddr, size_t len);
int copyout(const void *kaddr, void *uaddr, size_t len);
/* NUL-terminated string of at most max bytes with the NUL; *done = length with the NUL.
 * ENAMETOOLONG if longer. */
int copyinstr(const void *uaddr, void *kaddr, size_t max, size_t *done);
int user_memset(void *uaddr, int c, size_t len);
/* Atomic 32-bit access for futexes. *old gets the value before. */
int user_load32(const uint32_t *uaddr, uint32_t *val);
int user_load64(const uint64_t *uaddr, uint64_t *val);
int user_cas32(uint32_t *uaddr, uint32_t expected, uint32_t desired, uint32_t *old);

/* ---- random (subr_random.c): ChaCha20 with fast key erasure, seeded from the boot block ---- */
void random_seed(const void *seed, size_t len); /* mixes in, never replaces */
void arc4random_buf(void *buf, size_t len);
uint32_t arc4random(void);
uint32_t arc4random_uniform(uint32_t upper); /* 0 .. upper - 1, without bias */

/* ---- boot parameters ---- */
extern char hostname[64 + 1];

/* Kernel-wide tunables and state are set by name through sysctl (kern_sysctl.c). */
int sysctl_set_boot(const char *name, const char *value); /* before any process runs; errno */

#endif
