/* SPDX-License-Identifier: ISC */
/* names.c: names for numbers of the guest's ABI, which are Linux's. */
#include "names.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/msg.h"
#include "abi/stats.h"

#define LINUX_NSIG 64
#define LINUX_RTMIN 34 /* as programs see it: two are the C library's own */
#define NATIVE_FIRST 512u

static const char *const syscall_names[NATIVE_FIRST] = {
#include "syscall_names.inc"
};

const char *
syscall_name(uint32_t nr, char *buf, size_t size)
{
	if (nr < NATIVE_FIRST && syscall_names[nr] != NULL)
		return syscall_names[nr];
	snprintf(buf, size, nr >= NATIVE_FIRST ? "native_%u" : "nr_%u", nr);
	return buf;
}

const char *
fork_kind_name(uint32_t how)
{
	static const char *const names[] = {
	    [TINE_FORK_FORK] = "fork",       [TINE_FORK_VFORK] = "vfork",
	    [TINE_FORK_RFORK] = "rfork",     [TINE_FORK_TFORK] = "tfork",
	    [TINE_FORK_KTHREAD] = "kthread", [TINE_FORK_CLONE] = "clone"};

	return how < sizeof(names) / sizeof(names[0]) ? names[how] : "other";
}

static int
number(const char *text, int min, int max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < min || n > max)
		return -1;
	return (int)n;
}

int
signal_number(const char *name)
{
	if (*name >= '0' && *name <= '9')
		return number(name, 0, LINUX_NSIG);
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (strcasecmp(name, "RTMIN") == 0)
		return LINUX_RTMIN;
	if (strncasecmp(name, "RTMIN+", 6) == 0) {
		int n = number(name + 6, 0, LINUX_NSIG - LINUX_RTMIN);

		return n < 0 ? -1 : LINUX_RTMIN + n;
	}
	for (int sig = 1; sig < 32; sig++) {
		const char *abbrev = sigabbrev_np(sig);

		if (abbrev != NULL && strcasecmp(name, abbrev) == 0)
			return sig;
	}
	return strcasecmp(name, "IOT") == 0 ? SIGABRT : -1;
}

const char *
signal_name(int sig, char *buf, size_t size)
{
	const char *abbrev = sig > 0 && sig < 32 ? sigabbrev_np(sig) : NULL;

	if (abbrev != NULL)
		return abbrev;
	if (sig >= LINUX_RTMIN && sig <= LINUX_NSIG)
		snprintf(buf, size, "RTMIN+%d", sig - LINUX_RTMIN);
	else
		snprintf(buf, size, "%d", sig);
	return buf;
}
