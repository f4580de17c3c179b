/* SPDX-License-Identifier: ISC */
/* fake_kernel.c: the rest of the kernel, as far as its memory part needs it. */
#include <sys/md.h>
#include "fake_kernel.h"

char *hosted_ram;
uint64_t *kernel_pml4;
struct thread *curthread;
struct process_list allprocess, zombprocess;
static struct tine_stats stats;
struct tine_stats *kstats = &stats;

/* RAM behind the kernel, below it, high RAM; sizes that are not powers of two. */
int
md_ram_ranges(struct ramrange *out, int max)
{
	CHECK(max >= 3);
	out[0] = (struct ramrange){0x345000, 0x1f77000};
	out[1] = (struct ramrange){0, 0x9f000};
	out[2] = (struct ramrange){0x100000000, 0x100533000};
	return 3;
}

void
kernel_boot(void)
{
	static uint64_t pml4[512] __attribute__((aligned(4096)));

	hosted_ram = hosted_map(0x100600000);
	kernel_pml4 = pml4;
	/* The kernel half: two entries that must be in every root. */
	pml4[273] = 0x1003;
	pml4[511] = 0x2003;
	LIST_INIT(&allprocess);
	vm_page_init();
	vm_init();
	fake_discarded = 0; /* the shared page of zeroes */
}

void
kprintf(enum klevel level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	hosted_vlog(fmt, ap);
	va_end(ap);
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	hosted_vlog(fmt, ap);
	va_end(ap);
	hosted_fail(__FILE__, __LINE__, "panic");
}

uint64_t
cpu_cycles(void)
{
	return 0;
}

void
vm_zero_page(void *dm)
{
	memset(dm, 0, PAGE_SIZE);
}

void
vm_copy_page(void *dst, const void *src)
{
	memcpy(dst, src, PAGE_SIZE);
}

/* "User memory" of these tests is memory of the test program. */
int
copyin(const void *uaddr, void *kaddr, size_t len)
{
	memcpy(kaddr, uaddr, len);
	return 0;
}

int
copyout(const void *kaddr, void *uaddr, size_t len)
{
	memcpy(uaddr, kaddr, len);
	return 0;
}

struct vnode *
vhold(struct vnode *vp)
{
	vp->v_refs++;
	return vp;
}

void
vrele(struct vnode *vp)
{
	CHECK(vp->v_refs > 1);
	vp->v_refs--;
}

/* Not from kernel memory, which the tests count and fail. */
static struct process processes[16];

struct process *
fake_process(struct vmspace *vm)
{
	struct process *ps = processes;

	CHECK(vm != NULL);
	while (ps->ps_vmspace != NULL)
		CHECK(++ps < &processes[nitems(processes)]);
	ps->ps_vmspace = vm;
	LIST_INSERT_HEAD(&allprocess, ps, ps_list);
	return ps;
}

void
fake_process_free(struct process *ps)
{
	struct vmspace *vm = ps->ps_vmspace;

	LIST_REMOVE(ps, ps_list);
	ps->ps_vmspace = NULL;
	vmspace_release(vm);
}

struct usage
usage_now(void)
{
	return (struct usage){vm_frames_free(), kmem_objects_out()};
}

void
usage_check(struct usage before)
{
	CHECK_EQ(kmem_objects_out(), before.objects);
	CHECK_EQ(vm_frames_free(), before.frames);
	CHECK_EQ(kstats->frames_free, before.frames);
}

/* ---- time and the host, for vm_return.c ---- */

static struct timeout *armed;
static nsec_t now;
uint64_t fake_discarded;
int fake_discard_error;

nsec_t
nanouptime(void)
{
	return now;
}

void
timeout_set(struct timeout *to, void (*fn)(void *), void *arg)
{
	*to = (struct timeout){.to_fn = fn, .to_arg = arg};
}

int
timeout_reserve(struct timeout *to)
{
	to->to_reserved = 1;
	return 0;
}

void
timeout_add_abs(struct timeout *to, nsec_t deadline)
{
	CHECK(deadline > now);
	to->to_deadline = deadline;
	to->to_index = 1;
	armed = to;
}

bool
fake_timeout(void)
{
	struct timeout *to = armed;

	if (to == NULL)
		return false;
	armed = NULL;
	now = to->to_deadline;
	to->to_index = 0;
	to->to_fn(to->to_arg);
	return true;
}

int
md_discard(paddr_t pa, vsize_t len)
{
	if (fake_discard_error != 0)
		return fake_discard_error;
	memset(PHYS_TO_DM(pa), 0, len);
	fake_discarded += atop(len);
	return 0;
}
