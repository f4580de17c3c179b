/* SPDX-License-Identifier: ISC */
/* values.h: what the system call fuzzer is made of: repeatable random values and the hostile ones
 * (values.c). */
#ifndef VALUES_H
#define VALUES_H

#include <stddef.h>
#include <stdint.h>

uint64_t rnd(void); /* the next of a fixed sequence */
void rnd_seed(uint64_t);
#define below(n) (rnd() % (n))
#define one_in(n) (below(n) == 0)
#define PICK(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

/* Memory and files that calls are pointed at; made anew for each process under test. */
void values_setup(void);
/* Fill the scratch memory with what structures are made of. */
void values_refresh(void);
/*
 * One argument.  kind: f descriptor, b buffer, n length, p path, i small integer, g flag bits, o
 * offset, a address to map at, P process, s signal, t time structure, m mode, u user, v string
 * vector, S stack of a new thread, F clone flags, c command of an ioctl, x any of all these; of
 * sockets: D domain, T type, N name, L length of a name, M message, l level of an option.
 */
uint64_t value(char kind);
uint64_t socket_value(char kind); /* the latter (values_socket.c) */

/* Where a thread that was made with a stack of kind S begins. */
void thread_begin(void);
/* Processes whose ids are worth a try. */
void values_pid(int pid);

#endif
