/* SPDX-License-Identifier: ISC */
/* glue.h: the kernel functions under test, in types that host and kernel headers agree on. */
#ifndef KERNEL_SUBR_GLUE_H
#define KERNEL_SUBR_GLUE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int ksnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool strtoi64(const char *s, int base, int64_t *out);
size_t kern_strlcpy(char *dst, const char *src, size_t size);
char *kern_strrchr(const char *s, int c);
int kern_strncmp(const char *a, const char *b, size_t n);

void msgbuf_append(int level, uint64_t when, const char *line, size_t len);
size_t msgbuf_used(void);
size_t msgbuf_read(char *buf, size_t len, size_t skip);
void msgbuf_clear(void);

void chacha20_block(const uint32_t in[16], uint32_t out[16]);
void random_seed(const void *seed, size_t len);
void kern_arc4random_buf(void *buf, size_t len);
uint32_t kern_arc4random_uniform(uint32_t upper);

/* A timeout that records its firing: glue_fired[n] = id. */
#define GLUE_TIMEOUTS 512
extern unsigned glue_fired[GLUE_TIMEOUTS * 4], glue_nfired;
extern int glue_fail_alloc; /* the next allocation fails */
extern uint64_t glue_now, glue_rearm, glue_wall_offset;
int glue_timeout_reserve(unsigned id);
void glue_timeout_release(unsigned id);
/* wall: the deadline is on a clock that is glue_wall_offset ahead. */
void glue_timeout_add(unsigned id, uint64_t deadline, bool wall);
bool glue_timeout_del(unsigned id);
bool glue_timeout_pending(unsigned id);
void timeout_run(uint64_t now);
uint64_t timeout_next(void);

/* Run both ELF checks on a file image: 0 or ENOEXEC. */
struct glue_elf {
	uint64_t low, high, end, align, phdr, interp_off, interp_len;
	bool exec_stack;
};
int glue_elf_check(const void *file, size_t size, struct glue_elf *out);

/* Script line: 0, or the error; words of the new argument list joined by '|'. */
int glue_script(const char *head, size_t len, char *interp, char *argv, size_t size);
/* Add n strings of len characters: first error. */
int glue_args_fill(unsigned n, size_t len);

#endif
