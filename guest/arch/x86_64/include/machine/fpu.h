/* SPDX-License-Identifier: ISC */
/* fpu.h: the FXSAVE and XSAVE memory formats (SDM 10.5, 13.4), with Linux's words for signal
 * frames. */
#ifndef MACHINE_FPU_H
#define MACHINE_FPU_H

#include <sys/types.h>

#define FPU_LEGACY 512U
#define FPU_AREA_MAX 832U /* up to AVX */

#define FCW_INITIAL 0x37f
#define MXCSR_INITIAL 0x1f80

/* Bytes of the legacy area that the CPU leaves to software: what follows it in a signal frame. */
struct fpu_sw {
	uint32_t magic1;
	uint32_t extended_size; /* bytes in the frame, magic2 included */
	uint64_t xfeatures;
	uint32_t xstate_size;
	uint32_t padding[7];
};
#define FPU_MAGIC1 0x46505853U
#define FPU_MAGIC2 0x46505845U

struct fpu_legacy {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved0;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t reserved1[48];
	struct fpu_sw sw;
};
_Static_assert(offsetof(struct fpu_legacy, sw) == 464, "FXSAVE area");
_Static_assert(sizeof(struct fpu_legacy) == FPU_LEGACY, "FXSAVE area");

struct fpu_header {
	uint64_t xstate_bv;
	uint64_t xcomp_bv;
	uint64_t reserved[6];
};

union fpu_area {
	struct {
		struct fpu_legacy fx;
		struct fpu_header header; /* not with FXSAVE */
	};
	uint8_t bytes[FPU_AREA_MAX];
} __aligned(64);

struct thread;

/* ---- fpu.c ---- */
extern size_t fpu_size;   /* of an area */
extern uint64_t fpu_xcr0; /* components kept, 0 = FXSAVE */
extern uint32_t fpu_mxcsr_mask;
extern union fpu_area fpu_initial; /* state of a thread that has not used the FPU */
void fpu_init(void);
void fpu_pool_init(void);        /* once there is an allocator */
int fpu_alloc(struct thread *);  /* initial state, unless it has one; ENOMEM */
void fpu_free(struct thread *);  /* back to the initial state without an area */
void fpu_sync(struct thread *);  /* registers to the area, if they are this thread's */
void fpu_load(struct thread *);  /* the area has been changed: that is the state now */
void fpu_flush(void);            /* nobody owns the registers any more */
void fpu_reset(struct thread *); /* of the current thread: initial state; keeps the area */
void fpu_switch(struct thread *to);

/* ---- fpu_user.c: what programs see ---- */
void fpu_frame_init(struct fpu_sw *);
/* In a signal frame: 0, EFAULT, ENOMEM.  fpu_copyin() takes address 0 for the initial state. */
size_t fpu_frame_size(void);
int fpu_copyout(struct thread *, vaddr_t);
int fpu_copyin(struct thread *, vaddr_t);
int fpu_error_code(struct thread *, bool sse); /* si_code of a SIGFPE */

#endif
