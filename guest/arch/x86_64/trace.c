/* SPDX-License-Identifier: ISC */
/* trace.c: the trace ring of debug kernels. */
#include <sys/proc.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/pmap.h>
#include <machine/trace.h>
#include "abi/abi.h"

#ifdef TINE_DEBUG

static struct tine_trace *ring; /* NULL: not asked for */

void
trace_init(bool on)
{
	if (on)
		ring = SHARED_REGION(TINE_SHARED_TRACE);
}

void
ktrace_event(enum tine_trace_event event, uint64_t a, uint64_t b)
{
	struct tine_trace_entry *e;

	if (ring == NULL)
		return;
	e = &ring->entry[ring->next % TINE_TRACE_ENTRIES];
	e->tsc = rdtsc();
	e->event = event;
	e->pid = curthread != NULL && curthread->td_proc != NULL ? curthread->td_proc->ps_pid : 0;
	e->a = a;
	e->b = b;
	__atomic_store_n(&ring->next, ring->next + 1, __ATOMIC_RELEASE);
}

#else

void
trace_init(bool on __unused)
{
}

#endif
