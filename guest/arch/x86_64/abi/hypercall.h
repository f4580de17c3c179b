/* SPDX-License-Identifier: ISC */
/* hypercall.h: requests of the guest kernel that the vCPU thread serves synchronously. */
#ifndef TINE_ABI_HYPERCALL_H
#define TINE_ABI_HYPERCALL_H

#include <stddef.h>
#include <stdint.h>

enum tine_hypercall_nr {
	TINE_HC_CONSOLE =
	    1, /* arg[0] GPA, arg[1] length (<= 4096): kernel log text, for early boot and panics */
	TINE_HC_PANIC = 2, /* arg[0] GPA of struct tine_panic; does not return */
	TINE_HC_HALT = 3,  /* arg[0] reason (enum tine_halt_reason); ends the VM; does not return */
	/*
	 * Quiescent point: interrupts off, no FPU state in registers, nothing under way in the
	 * rings. After boot, before the root is mounted, and for TINE_MSG_FREEZE.  A clone goes on
	 * from here as well: it finds a new boot block in the shared region, the original finds
	 * none.
	 */
	TINE_HC_READY = 4,
	/* arg[0] GPA, arg[1] bytes (page multiples): no longer needed, and zero from now on.
	 * -EOPNOTSUPP where it would come back as it was in a template. */
	TINE_HC_DISCARD = 5,
};

enum tine_halt_reason {
	TINE_HALT_SHUTDOWN = 0, /* asked for by the host or a program */
	TINE_HALT_BOOT = 1,     /* boot block refused; a console message says why */
};

/* One request; lives in guest RAM below 4 GiB, 8-byte aligned. */
struct tine_hypercall {
	uint32_t nr;     /* OUT enum tine_hypercall_nr */
	int32_t status;  /* IN 0 or a negative Linux errno */
	uint64_t arg[4]; /* OUT */
	uint64_t ret;    /* IN */
};

#define TINE_PANIC_FRAMES 32u

/* What a dying kernel says. All OUT; addresses are symbolised by the VMM from the kernel's ELF. */
struct tine_panic {
	uint64_t rip, rsp, rflags;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t cr0, cr2, cr3, cr4;
	uint32_t vector; /* exception vector, or ~0 for a panic() call */
	uint32_t error_code;
	int32_t pid, tid;
	char comm[16];
	char message[256];
	uint32_t nframes;
	uint32_t pad;
	uint64_t frames[TINE_PANIC_FRAMES]; /* return addresses, innermost first */
};

_Static_assert(sizeof(struct tine_hypercall) == 48, "layout");
_Static_assert(offsetof(struct tine_panic, vector) == 176, "layout");
_Static_assert(offsetof(struct tine_panic, frames) == 472, "layout");

#endif
