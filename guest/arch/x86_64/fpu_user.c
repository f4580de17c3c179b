/* SPDX-License-Identifier: ISC */
/* fpu_user.c: FPU state in the formats programs see: signal frames, ptrace, si_code. */
#include <sys/systm.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <machine/fpu.h>

#define XSTATE_LEGACY 0x3U /* x87 and SSE */

#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6

/* Bits of the x87 status word and of MXCSR alike. */
#define FPX_INVALID 0x01
#define FPX_DENORMAL 0x02
#define FPX_DIVIDE 0x04
#define FPX_OVERFLOW 0x08
#define FPX_UNDERFLOW 0x10
#define FPX_PRECISION 0x20
#define MXCSR_MASK_SHIFT 7

/* In the initial image, hence in every area: the CPU does not touch these bytes. */
void
fpu_frame_init(struct fpu_sw *sw)
{
	if (fpu_xcr0 == 0)
		return;
	sw->magic1 = FPU_MAGIC1;
	sw->extended_size = (uint32_t)fpu_frame_size();
	sw->xfeatures = fpu_xcr0;
	sw->xstate_size = (uint32_t)fpu_size;
}

size_t
fpu_frame_size(void)
{
	return fpu_size + (fpu_xcr0 != 0 ? sizeof(uint32_t) : 0);
}

static const union fpu_area *
state_of(struct thread *td)
{
	fpu_sync(td);
	return td->td_md.md_fpu != NULL ? td->td_md.md_fpu : &fpu_initial;
}

int
fpu_copyout(struct thread *td, vaddr_t to)
{
	static const uint32_t magic2 = FPU_MAGIC2;
	int error = copyout(state_of(td), (void *)to, fpu_size);

	if (error == 0 && fpu_xcr0 != 0)
		error = copyout(&magic2, (void *)(to + fpu_size), sizeof(magic2));
	return error;
}

/* Is what lies at `from' a frame with extended state of exactly our kind? */
static bool
frame_extended(vaddr_t from, const struct fpu_sw *sw)
{
	uint32_t magic2;

	return fpu_xcr0 != 0 && sw->magic1 == FPU_MAGIC1 && sw->xstate_size == fpu_size &&
	       sw->extended_size == fpu_frame_size() &&
	       copyin((const void *)(from + fpu_size), &magic2, sizeof(magic2)) == 0 &&
	       magic2 == FPU_MAGIC2;
}

/* Whatever the program wrote, loading it must not fault: reserved bits off. */
static void
sanitize(union fpu_area *area, bool extended)
{
	area->fx.mxcsr &= fpu_mxcsr_mask;
	area->fx.sw = fpu_initial.fx.sw;
	if (fpu_xcr0 == 0)
		return;
	area->header = (struct fpu_header){.xstate_bv = extended ? area->header.xstate_bv & fpu_xcr0
								 : XSTATE_LEGACY};
}

static bool
is_initial(const union fpu_area *area)
{
	return fpu_xcr0 != 0 && area->header.xstate_bv == 0 && area->fx.mxcsr == MXCSR_INITIAL;
}

int
fpu_copyin(struct thread *td, vaddr_t from)
{
	union fpu_area image; /* not straight into the area: a copy can fail half-way */
	bool extended;
	int error;

	if (from == 0) {
		fpu_free(td);
		return 0;
	}
	error = copyin((const void *)from, &image.fx, sizeof(image.fx));
	if (error != 0)
		return error;
	extended = frame_extended(from, &image.fx.sw);
	if (extended)
		error = copyin((const void *)(from + FPU_LEGACY), image.bytes + FPU_LEGACY,
			       fpu_size - FPU_LEGACY);
	else
		memset(image.bytes + FPU_LEGACY, 0, sizeof(image) - FPU_LEGACY);
	if (error != 0)
		return error;
	sanitize(&image, extended);
	if (td->td_md.md_fpu == NULL && is_initial(&image))
		return 0;
	error = fpu_alloc(td);
	if (error != 0)
		return error;
	memcpy(td->td_md.md_fpu, &image, fpu_size);
	fpu_load(td);
	return 0;
}

int
cpu_getfpregs(struct thread *td, void *buf)
{
	struct fpu_legacy *out = buf;

	*out = state_of(td)->fx;
	out->sw = (struct fpu_sw){0};
	return 0;
}

int
cpu_setfpregs(struct thread *td, const void *buf)
{
	union fpu_area *area;
	int error = fpu_alloc(td);

	if (error != 0)
		return error;
	fpu_sync(td);
	area = td->td_md.md_fpu;
	memcpy(&area->fx, buf, offsetof(struct fpu_legacy, sw));
	area->fx.mxcsr &= fpu_mxcsr_mask;
	if (fpu_xcr0 != 0)
		area->header.xstate_bv |= XSTATE_LEGACY;
	fpu_load(td);
	return 0;
}

int
fpu_error_code(struct thread *td, bool sse)
{
	const struct fpu_legacy *fx = &state_of(td)->fx;
	uint32_t raised = sse ? fx->mxcsr & ~(fx->mxcsr >> MXCSR_MASK_SHIFT)
			      : (uint32_t)fx->fsw & ~(uint32_t)fx->fcw;

	if (raised & FPX_INVALID)
		return FPE_FLTINV;
	if (raised & FPX_DIVIDE)
		return FPE_FLTDIV;
	if (raised & FPX_OVERFLOW)
		return FPE_FLTOVF;
	if (raised & (FPX_UNDERFLOW | FPX_DENORMAL))
		return FPE_FLTUND;
	return FPE_FLTRES;
}
