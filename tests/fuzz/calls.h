/* SPDX-License-Identifier: ISC */
/* calls.h: random system calls (calls.c). */
#ifndef CALLS_H
#define CALLS_H

#include "values.h"
#include <stdbool.h>

#define NATIVE_FIRST 512
#define NATIVE_END 640

struct call {
	int nr;
	uint64_t arg[6];
};
void call_choose(struct call *);
bool call_forks(int nr);
bool call_reaches_out(const struct call *);
/* The bare system call; what it returns, or -errno. */
long call_make(const struct call *);

#endif
