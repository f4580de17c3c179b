/* SPDX-License-Identifier: ISC */
/* gdb.h: remote debugging of the guest kernel. */
#ifndef TINE_VMM_GDB_H
#define TINE_VMM_GDB_H

struct evloop;
struct tine_error;
struct vm;

/* unix:PATH or [127.0.0.1]:PORT; 0 or -EINVAL (bad-gdb-address). */
int gdb_address_check(const char *address, struct tine_error *error);

#endif
