/* SPDX-License-Identifier: ISC */
/* native.h: what guest tests of the native calls share: kernel variables and statistics. */
#ifndef NATIVE_H
#define NATIVE_H

#include "guest.h"
#include <sys/prctl.h>
#include <tine.h>

#define UNUSED __attribute__((unused))

/* Value of a kernel variable; -1 if there is none of this name. */
UNUSED static long
var(const char *name)
{
	char buf[128];
	size_t len = sizeof(buf);

	if (tine_sysctl(name, buf, &len, NULL) != 0)
		return -1;
	return strtol(buf, NULL, 10);
}

UNUSED static void
set_var(const char *name, long value)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%ld", value);
	CHECK_EQ(tine_sysctl(name, NULL, NULL, buf), 0);
}

UNUSED static void
set_text(const char *name, const char *value)
{
	CHECK_EQ(tine_sysctl(name, NULL, NULL, value), 0);
}

/* Kernels built for debugging have more variables. */
UNUSED static int
debug_kernel(void)
{
	return var("kern.fail_at") >= 0;
}

UNUSED static struct tine_stats
stats(void)
{
	static struct tine_stats st;

	CHECK_EQ(forkstat(&st, sizeof(st)), (long)sizeof(st));
	return st;
}

UNUSED static void
sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}

/* The end of a new stack of 64 KiB. */
UNUSED static void *
new_stack(void)
{
	char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p + 65536;
}

/* rfork() without RFMEM, for loops: the compiler need not fear for its registers. */
UNUSED __attribute__((noinline)) static pid_t
spawn(unsigned flags)
{
	return rfork((int)flags);
}

/* A page that children share with us. */
UNUSED static void *
shared_page(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

#endif
