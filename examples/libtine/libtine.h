/* SPDX-License-Identifier: ISC */
/* libtine.h: what the assembly and the C part of the library need of each other. */
#ifndef LIBTINE_H
#define LIBTINE_H

#include <stddef.h>
#include <tine/native.h>

/* Negative errno on failure. */
long tine_rfork_thread(int flags, void *stack, int (*func)(void *), void *arg);
long tine_tfork_thread(const struct __tfork *, size_t psize, void (*func)(void *), void *arg);
long tine_result(long);

#endif
