/* SPDX-License-Identifier: ISC */
/* gdb.c: address of the debugger's stub. */
#include "gdb.h"
#include "vmm.h"
int
gdb_address_check(const char *address, struct tine_error *error)
{
	(void)address;
	(void)error;
	return 0;
}
