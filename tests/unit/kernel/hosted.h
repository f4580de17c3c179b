/* SPDX-License-Identifier: ISC */
/* hosted.h: between the test program (libc, cmocka) and kernel code compiled for the host. */
#ifndef HOSTED_H
#define HOSTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- host.c ---- */
char *hosted_map(size_t size); /* zeroed memory, or does not return */
_Noreturn void hosted_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void hosted_vlog(const char *fmt, __builtin_va_list ap);
/* Where random tests have got to, for the message of a failure. */
extern uint64_t hosted_seed, hosted_step;
extern const char *hosted_what;

/* Whether fn(arg), called in a child process, ends that as a panic does. */
bool hosted_panics(void (*fn)(void *), void *arg);
#define CHECK(e) ((e) ? (void)0 : hosted_fail(__FILE__, __LINE__, "%s", #e))
#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		long long a_ = (long long)(a), b_ = (long long)(b);                                \
		if (a_ != b_)                                                                      \
			hosted_fail(__FILE__, __LINE__, "%s = %#llx, expected %s = %#llx", #a, a_, \
				    #b, b_);                                                       \
	} while (0)

/* xorshift64*: the same sequence everywhere. */
static inline uint64_t
rnd_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

/* ---- fake_kernel.c ---- */
void kernel_boot(void);

/* ---- tests ---- */
void test_frames(void **), test_frames_random(void **), test_clean_frames(void **),
    test_return(void **);
void test_pool(void **), test_kmalloc(void **), test_kmalloc_random(void **);
void test_space_search(void **), test_merge(void **), test_brk(void **), test_stack(void **);
void test_move(void **), test_stale(void **), test_stale_object(void **), test_fork_cost(void **),
    test_exhaustion(void **);
void test_fork_exceptions(void **), test_object(void **), test_radix_failures(void **);
void test_model(void **), test_model_nomem(void **);

#endif
