/* SPDX-License-Identifier: ISC */
/* calls.h: system calls without errno, which processes that share their memory would all write. */
#ifndef STRESS_FORK_CALLS_H
#define STRESS_FORK_CALLS_H

#include <stdint.h>

static inline long
call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long ret = nr;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
/* With up to six arguments. */
#define CALL(nr, ...) CALL_(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(nr, a, b, c, d, e, f, ...)                                                           \
	call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/*
 * A system call of the fork family whose child goes to a stack of its own, wherever the kernel put
 * it, and calls func(arg) there.  Behind one that shares the memory without waiting the caller must
 * hold its signals, as a handler of the child's would write on the parent's stack.
 */
long fork_to(long nr, const long args[5], void *stack, void (*func)(void *), void *arg);

void set_mask(uint64_t mask);
/* Of handlers; the C library's own way to set one changes its memory. */
void set_action(int sig, void (*handler)(int), unsigned long flags);

#endif
