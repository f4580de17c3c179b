/* SPDX-License-Identifier: ISC */
/* names.h: names of signals, system calls and kinds of forks. */
#ifndef TINE_API_NAMES_H
#define TINE_API_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* "TERM", "SIGTERM", "RTMIN+1" or "15" to its number, -1 if it is none (0 is "0"). */
int signal_number(const char *name);
/* "TERM"; real-time ones "RTMIN+n"; never NULL for 1..64.  buf holds made-up names. */
const char *signal_name(int sig, char *buf, size_t size);

/* Linux name of a system call; "native_N" in the native range, "nr_N" where Linux has none. */
const char *syscall_name(uint32_t nr, char *buf, size_t size);

/* "fork", "vfork", "rfork", "tfork", "kthread", "clone", "other". */
const char *fork_kind_name(uint32_t how);

#endif
