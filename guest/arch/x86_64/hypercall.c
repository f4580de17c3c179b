/* SPDX-License-Identifier: ISC */
/* hypercall.c: synchronous requests to the VMM. */
#include <sys/systm.h>
#include <sys/md.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include "abi/abi.h"
#include "abi/hypercall.h"

#define CONSOLE_CHUNK 512

int
hypercall(uint32_t nr, uint64_t arg0, uint64_t arg1)
{
	/* In the image, so below 4 GiB. */
	static struct tine_hypercall hc __aligned(8) __resume_data;

	hc = (struct tine_hypercall){.nr = nr, .arg = {arg0, arg1}};
	outl(TINE_PORT_HYPERCALL, (uint32_t)kva_to_pa(&hc));
	/* A clone goes on here: its stack is written to before it is read, as in mi_switch(). */
	__asm__ volatile("pushq %rax\n\tpopq %rax");
	return -*(volatile int32_t *)&hc.status;
}

void
console_write(const char *s, size_t len)
{
	/* s may lie anywhere, the host takes one piece of RAM. */
	static char chunk[CONSOLE_CHUNK] __large_bss;

	while (len > 0) {
		size_t n = MIN(len, sizeof(chunk));

		memcpy(chunk, s, n);
		hypercall(TINE_HC_CONSOLE, kva_to_pa(chunk), n);
		s += n;
		len -= n;
	}
}

int
md_discard(paddr_t pa, vsize_t len)
{
	return hypercall(TINE_HC_DISCARD, pa, len);
}

void __noreturn
md_halt(int reason)
{
	hypercall(TINE_HC_HALT, (uint64_t)reason, 0);
	for (;;)
		__asm__ volatile("cli; hlt");
}
