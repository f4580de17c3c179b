/* SPDX-License-Identifier: ISC */
/*
 * fpu.c: x87, SSE and AVX state of threads.
 *
 * A thread has no area until it uses the FPU for the first time (CR0.TS, #NM); from then on its
 * state is loaded whenever it runs.  The registers belong to fpu_owner, whose area is stale until
 * fpu_sync(); they stay with it while threads without an area run.
 *
 * XSAVE, not XSAVEOPT: every component is then present in memory, which signal frames and tracers
 * read, and a switch between two threads that both use the FPU is rare next to its other costs.
 */
#include <sys/systm.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>

#define XCR0_SSE 0x2U
#define XCR0_KEPT 0x7U /* x87, SSE, AVX */
#define AREA_ALIGN 64UL

#define MXCSR_MASK_DEFAULT 0xffbfU /* when the CPU reports none (SDM 11.6.6) */

size_t fpu_size = FPU_LEGACY;
uint64_t fpu_xcr0;
uint32_t fpu_mxcsr_mask;
union fpu_area fpu_initial;

static struct thread *fpu_owner __resume_data;
static bool fpu_trapping __resume_data; /* CR0.TS is set */
static struct pool fpu_pool;

/* ---- the registers ---- */

static void
trap_use(bool on)
{
	if (on == fpu_trapping)
		return;
	fpu_trapping = on;
	if (on)
		lcr0(rcr0() | CR0_TS);
	else
		clts();
}

static void
registers_save(void *area)
{
	if (fpu_xcr0 != 0)
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"((uint32_t)fpu_xcr0), "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void
registers_load(const void *area)
{
	if (fpu_xcr0 != 0)
		__asm__ volatile("xrstor64 (%0)"
				 :
				 : "r"(area), "a"((uint32_t)fpu_xcr0), "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* Make the registers td's, from its area or another image; TS is off afterwards. */
static void
registers_take(struct thread *td, const void *image)
{
	trap_use(false);
	if (fpu_owner != NULL && fpu_owner != td)
		registers_save(fpu_owner->td_md.md_fpu);
	registers_load(image);
	fpu_owner = td;
}

/* ---- boot ---- */

static uint64_t
xgetbv(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

/*
 * Enable what is kept, and believe only what is still enabled after an exit to the host (CPUID is
 * one): emulated SVM does not intercept XSETBV, so the host may know nothing of our XCR0 and load
 * its own.  Without SSE in it XSAVE is of no use.
 */
static void
xsave_init(void)
{
	uint32_t r[4];

	cpuid(0xd, 0, r);
	__asm__ volatile("xsetbv" : : "c"(0), "a"(r[0] & XCR0_KEPT), "d"(0));
	cpuid(0xd, 0, r);
	fpu_xcr0 = xgetbv();
	fpu_size = r[1]; /* for what is enabled now */
	if ((fpu_xcr0 & XCR0_SSE) == 0 || fpu_size > sizeof(fpu_initial)) {
		fpu_xcr0 = 0;
		fpu_size = FPU_LEGACY;
		cpu_disable_xsave();
	}
}

void
fpu_init(void)
{
	union fpu_area *in = &fpu_initial;

	if (cpu_has.xsave)
		xsave_init();
	__asm__ volatile("fninit");
	__asm__ volatile("fxsave64 (%0)" : : "r"(in) : "memory");
	fpu_mxcsr_mask = in->fx.mxcsr_mask != 0 ? in->fx.mxcsr_mask : MXCSR_MASK_DEFAULT;
	memset(in, 0, sizeof(*in));
	in->fx.fcw = FCW_INITIAL;
	in->fx.mxcsr = MXCSR_INITIAL;
	in->fx.mxcsr_mask = fpu_mxcsr_mask;
	fpu_frame_init(&in->fx.sw);
	trap_use(true);
}

void
fpu_pool_init(void)
{
	/* The pool aligns to 16: room to align by hand, and for the way back to the object. */
	pool_setup(&fpu_pool, "fpu", fpu_size + sizeof(void *) + AREA_ALIGN - 16);
}

/* ---- areas ---- */

int
fpu_alloc(struct thread *td)
{
	char *object, *area;

	if (td->td_md.md_fpu != NULL)
		return 0;
	object = pool_get(&fpu_pool, 0);
	if (object == NULL)
		return ENOMEM;
	area = (char *)roundup((uintptr_t)object, AREA_ALIGN);
	memcpy(area, &fpu_initial, fpu_size);
	memcpy(area + fpu_size, &object, sizeof(object));
	td->td_md.md_fpu = area;
	return 0;
}

void
fpu_free(struct thread *td)
{
	char *area = td->td_md.md_fpu, *object;

	if (td == curthread) /* also without an area: a kernel thread's first exec comes here */
		trap_use(true);
	if (area == NULL)
		return;
	if (fpu_owner == td)
		fpu_owner = NULL;
	td->td_md.md_fpu = NULL;
	memcpy(&object, area + fpu_size, sizeof(object));
	pool_put(&fpu_pool, object);
}

void
fpu_sync(struct thread *td)
{
	bool was = fpu_trapping;

	if (fpu_owner != td)
		return;
	trap_use(false);
	registers_save(td->td_md.md_fpu);
	trap_use(was);
}

void
fpu_flush(void)
{
	if (fpu_owner == NULL)
		return;
	trap_use(false);
	registers_save(fpu_owner->td_md.md_fpu);
	fpu_owner = NULL;
	trap_use(true);
}

void
fpu_load(struct thread *td)
{
	if (td == curthread)
		registers_take(td, td->td_md.md_fpu);
	else if (fpu_owner == td)
		fpu_owner = NULL;
}

void
fpu_reset(struct thread *td)
{
	if (td->td_md.md_fpu != NULL)
		registers_take(td, &fpu_initial);
}

void
fpu_switch(struct thread *to)
{
	if (to->td_md.md_func != NULL)
		return; /* stays in the kernel, which does not use the FPU */
	if (to->td_md.md_fpu == NULL)
		trap_use(true);
	else if (fpu_owner == to)
		trap_use(false);
	else
		registers_take(to, to->td_md.md_fpu);
}
