/* SPDX-License-Identifier: ISC */
/* cpu.h: what the files of this architecture need of each other. */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include <sys/types.h>

struct thread;
struct trapframe;
struct tine_bootblock;

/* ---- features (cpu.c) ---- */
struct cpu_features {
	bool pge, gbpages, smep, smap, umip, fsgsbase, xsave, x2apic, tsc_deadline;
	bool rdrand, rdseed, kvmclock;
	uint32_t hwcap; /* CPUID 1 EDX */
};
extern struct cpu_features cpu_has;
void cpu_identify(void);
void cpu_patch_smap(void); /* while the kernel's text is still writable */
void cpu_disable_xsave(void);
void cpu_enable(void); /* control registers; once the kernel's own page tables are loaded */

#define CR0_TS 0x8UL

#define RFLAGS_FIXED 0x2UL
#define RFLAGS_TF 0x100UL
#define RFLAGS_IF 0x200UL
#define RFLAGS_DF 0x400UL
#define RFLAGS_NT 0x4000UL
#define RFLAGS_RF 0x10000UL
#define RFLAGS_AC 0x40000UL
#define RFLAGS_IOPL 0x3000UL
#define RFLAGS_USER 0x50dd5UL /* what a signal frame or a tracer may set: AC RF OF DF TF SZAPC */

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FSBASE 0xc0000100
#define MSR_GSBASE 0xc0000101
#define MSR_KVM_SYSTEM_TIME 0x4b564d01

/* ---- vectors ---- */
#define VECTOR_TIMER 0x20
#define VECTOR_SPURIOUS 0xff

/* ---- the kernel's page tables (kmap.c) ---- */
extern char __kernel_start[], __text_start[], __text_end[], __rodata_start[], __rodata_end[],
    __data_start[], __kernel_end[];
/* Build them in RAM from first_free on and load them; returns the first byte after them. */
paddr_t kmap_init(const struct tine_bootblock *, paddr_t first_free);
bool kmap_rootfs(uint64_t size); /* the direct map of the root image; false: no memory */
paddr_t kva_to_pa(const void *); /* of the kernel image or the direct map */

/* ---- segments and interrupt descriptors (segments.c) ---- */
void segments_init(void);
void segments_set_kstack(vaddr_t top); /* stack for the next entry from user mode */

/* ---- entry points (trap_entry.S, switch.S) ---- */
extern char trap_stubs[], syscall_entry[], debug_entry[], thread_trampoline[];
#define TRAP_STUB_SIZE 16
void switch_stack(uint64_t *save, uint64_t load);

/* Reasons to call userret() on the way to user mode (needs sys/proc.h). */
#define TDF_USERRET                                                                                \
	(TDF_SIGPENDING | TDF_NEEDRESCHED | TDF_OLDMASK | TDF_SUSPSINGLE | TDF_EXIT |              \
	 TDF_TRACEDRET | TDF_SYSTRACE | TDF_TELLHOST)

/* ---- called by assembly (trap.c, vm_machdep.c, machdep.c) ---- */
void trap(struct trapframe *);
bool syscall(struct trapframe *); /* true: SYSRET will do */
void thread_start(void);
void __noreturn md_start(paddr_t bootblock);
void __noreturn __stack_chk_fail(void);
extern uintptr_t __stack_chk_guard;

/* ---- user addresses that would fault inside the kernel when loaded ---- */
vaddr_t user_pc(vaddr_t);   /* itself, or an address that faults in user mode */
vaddr_t user_base(vaddr_t); /* itself, or 0 */
/* FS and GS base of td as a program would read them now, into td_md. */
void bases_save(struct thread *);
void bases_load(const struct thread *);

/* ---- interrupts and clocks (apic.c, clock.c) ---- */
void apic_init(void);
void apic_resume(void);
void apic_eoi(void);
void apic_timer_fired(void);
/* at: what kvmclock showed when the wall clock showed realtime, 0 = unknown */
void clock_init(uint64_t tsc_khz, nsec_t realtime, nsec_t at, uint64_t entry_tsc);
void clock_rebase(uint64_t tsc_khz, nsec_t realtime, nsec_t at);
uint64_t clock_ns_to_cycles(nsec_t);
uint64_t clock_tsc_khz(void);

/* ---- host (hypercall.c, hostchan.c, panic.c) ---- */
int hypercall(uint32_t nr, uint64_t arg0, uint64_t arg1); /* 0 or errno */
void console_write(const char *s, size_t len);
void hostchan_init(void);
void trace_init(bool on);
void __noreturn trap_panic(const struct trapframe *, const char *what);

#endif
