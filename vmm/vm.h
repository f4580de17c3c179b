/* SPDX-License-Identifier: ISC */
/*
 * vm.h: one virtual machine: KVM objects, memory, kernel and how it ends.
 *
 * Two threads share it.  The vCPU thread runs the guest and serves hypercalls; the I/O thread (the
 * one that called vm_create) serves the rings and decides when to stop.  What protects a field:
 *	c	set by vm_create, constant afterwards
 *	v	the vCPU thread, until stopped_fd is readable
 *	a	atomic
 *	l	pause.lock
 */
#ifndef TINE_VMM_VM_H
#define TINE_VMM_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "console.h"
#include "jail.h"
#include "loader.h"
#include "memory.h"
#include "vmm.h"

enum vm_end_kind {
	VM_RUNNING = 0,
	VM_HALTED,   /* the guest said so; arg = enum tine_halt_reason */
	VM_PANICKED, /* the guest kernel reported its own death */
	VM_FAILED,   /* an exit, a hypercall or a message that must not happen */
	VM_STOPPED,  /* vm_stop() */
};

struct vm_end {
	enum vm_end_kind kind;
	uint32_t arg;
	struct tine_error error; /* VM_PANICKED and VM_FAILED */
};

/* Rendezvous for a debugger that wants the vCPU to stand still. */
struct vm_pause {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool wanted;   /* l: the I/O thread asks */
	bool awaited;  /* l: and waits for it */
	bool parked;   /* l: the vCPU thread stands still */
	int notify_fd; /* c: eventfd, readable when parked became true by itself (breakpoint) */
};

struct vm {
	int kvm_fd, vm_fd, vcpu_fd; /* c */
	int symbols_fd;             /* c: of a clone, the kernel's file, or -1 */
	struct kvm_run *run;        /* v; immediate_exit is written by others as well */
	size_t run_size;            /* c */
	struct guest_mem mem;       /* c: the mappings; v: RAM content */
	struct kernel_image kernel; /* c */
	struct console *console;    /* c, locks itself */
	int doorbell_fd;            /* c: eventfd, KVM signals it when the guest rings */
	int stopped_fd;             /* c: eventfd, readable once the vCPU thread has ended */
	bool jailed;                /* c: a system call filter is wanted */
	enum jail_filter filter;    /* c: raised by gdb_open(), before vm_start() */
	pthread_t vcpu_thread;
	_Atomic pid_t vcpu_tid; /* a: 0 before it runs */
	bool vcpu_started;
	atomic_bool stop;  /* a: leave the loop at the next opportunity */
	bool report_stop;  /* vm_stop() prints where the guest was; set before it */
	struct vm_end end; /* v */
	struct vm_pause pause;
	uint64_t tsc_khz;          /* c */
	bool base;                 /* c: no root is mounted at the first READY */
	uint64_t generation;       /* c */
	atomic_bool freeze;        /* a: stand still at the next READY */
	_Atomic uint64_t ready_ns; /* a: CLOCK_MONOTONIC of the guest's READY, 0 before */
	struct vm_reset {          /* see reset.c */
		atomic_bool asked; /* a: by the I/O thread; not yet done */
		const struct tine_template *tmpl;
		const struct vm_options *options; /* both: I/O thread, before it asks */
		const uint8_t *file;              /* v: the template, mapped */
		uint64_t size;                    /* v */
		uint64_t *log;                    /* v: a slot's log of written pages */
	} reset;
};

struct tine_template;

struct vm_options {
	const char *kernel; /* path */
	uint64_t memory_bytes;
	int rootfs_fd; /* -1 = none; may be closed after vm_create */
	uint64_t rootfs_size;
	const char *hostname;
	const char *const *params;
	const uint8_t *id;   /* 16 bytes */
	uint32_t boot_flags; /* TINE_BOOT_* */
	struct console *console;
	bool jailed;
	bool debug;       /* the guest starts paused */
	bool alone;       /* nobody will freeze, fork or reset it */
	bool from_zygote; /* the process has JAIL_FILTER_ZYGOTE, if it is jailed */
	int template_fd;  /* RAM is to lie in this file (template.h); 0 = in none */
	/* of vm_prepare(), which takes them over: /dev/kvm and kernel_open(); 0 = not open yet */
	int kvm_fd, symbols_fd;
	/* of vm_clone(), which takes it over: memory as clone_map() made it; NULL: none */
	struct guest_mem *mapped;
};

/* Make the VM, load the kernel, prepare the vCPU.  Nothing runs yet. */
int vm_create(struct vm *vm, const struct vm_options *options, struct tine_error *error);
/* The part of it that depends on nothing but console and jail: VM and vCPU without memory. */
int vm_prepare(struct vm *vm, const struct vm_options *options, struct tine_error *error);
/* clone.c: the other part, from a template instead of a kernel.  A base template's clone gets the
 * root image of the options, any other the template's. */
int vm_clone(struct vm *vm, const struct tine_template *tmpl, const struct vm_options *options,
	     struct tine_error *error);
/* clone.c: the memory of a clone of any template but a base template, without its shared region. */
int clone_map(struct guest_mem *mem, const struct tine_template *tmpl, struct tine_error *error);
/* clone.c: a clone that has been started with TINE_BOOT_REHEARSAL stands still at its READY: the
 * identity of the options. */
int vm_identify(struct vm *vm, const struct tine_template *tmpl, const struct vm_options *options,
		struct tine_error *error);
/* reset.c: have the vCPU thread put the clone back to its template, with the identity of the
 * options, and go on.  Until it has, nobody else uses the rings; then the guest rings by itself.
 * If it cannot, the VM ends.  Both arguments are borrowed until then. */
void vm_reset_ask(struct vm *vm, const struct tine_template *tmpl,
		  const struct vm_options *options);
bool vm_reset_pending(const struct vm *vm);
/* vCPU thread, after a KVM_RUN that has been interrupted: no exit is half done. */
void vm_reset_serve(struct vm *vm);
void vm_reset_free(struct vm *vm);
/* A thread with a stack as the vCPU thread's; 0 or an errno. */
int vm_thread_create(pthread_t *thread, void *(*body)(void *), void *arg);
/* Start the vCPU thread. */
int vm_start(struct vm *vm, struct tine_error *error);
/* Ask the vCPU thread to end and wait until it has. */
void vm_stop(struct vm *vm);
/* Stops, then releases everything. */
void vm_destroy(struct vm *vm);
/* Inject the channel interrupt. */
int vm_interrupt(const struct vm *vm);
/* Record how the VM ended; the first report wins.  vCPU thread only. */
void vm_end_set(struct vm *vm, enum vm_end_kind kind, uint32_t arg, const struct tine_error *error);

/* vcpu.c: body of the vCPU thread. */
void *vcpu_main(void *vm);
/* Before the thread is started: a kick may come before its first instruction. */
void vcpu_prepare_kick(void);
/* Make a running vCPU return from KVM_RUN soon. */
void vcpu_kick(struct vm *vm);
/* On the vCPU thread, in an exit: complete the exit, then stand still until vcpu_resume(). */
void vcpu_stop_here(struct vm *vm);
/* Stop the vCPU thread between two instructions and let it go on; for the debugger. */
void vcpu_pause(struct vm *vm);
void vcpu_resume(struct vm *vm);

/* hypercall.c: serve the request at gpa; sets vm->end when the guest is to stop. */
void hypercall_serve(struct vm *vm, gpa_t gpa);

/* exit.c: text of KVM exits.  vCPU thread only. */
/* Print the vCPU's registers and the newest trace entries; at: the name of where it is. */
void state_report(struct vm *vm, char *at, size_t size);
void exit_report(struct vm *vm, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* panic.c: print what a dying kernel left. */
struct tine_panic;
void panic_report(struct vm *vm, struct tine_panic *panic, struct tine_error *error);
/* Newest entries of the trace ring, if the kernel kept one; khz 0: the clock is not known. */
void trace_report(struct console *console, const uint8_t *shared_region, uint64_t khz,
		  unsigned count);

#endif
