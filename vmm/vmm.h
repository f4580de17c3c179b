/* SPDX-License-Identifier: ISC */
/*
 * vmm.h: the only public header of the VMM.
 *
 * One VMM process runs one sandbox.  `tine run` is such a process itself (vmm_cmd_run); the daemon
 * starts one per sandbox with sandbox_spawn(), which executes `tine vmm` with a control socket.
 * Over that socket travel the messages of abi/msg.h, checked in both directions, plus the few of
 * enum vmm_msg_type that the VMM process speaks itself.
 *
 * Every function that can fail returns 0 or -errno and describes the failure in *error.
 */
#ifndef TINE_VMM_H
#define TINE_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/abi.h"
#include "abi/msg.h"
#include "abi/stats.h"

/* A failure, fit to be shown to a user.  type is a stable slug ("no-nested-paging", "bad-elf", ...)
 * that the API uses as the last part of a problem type. */
struct tine_error {
	int code; /* positive errno */
	char type[48];
	char detail[512];
};

/* Fill *error (may be NULL) and return -code. */
int tine_error_set(struct tine_error *error, int code, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- what this host offers ---------------------------------------------------------------- */

struct host_info {
	bool kvm_present;   /* /dev/kvm exists */
	bool kvm_usable;    /* and can be opened */
	bool nested_paging; /* EPT or NPT is on */
	bool capable;       /* all capabilities that the VMM needs are there */
	char vendor[16];    /* "intel", "amd", "software", "none" */
	char paging[16];    /* "ept", "npt", "" */
	char detail[512];   /* what is missing and what to do; empty if nothing is missing */
};

/* Look at /dev/kvm and the KVM modules' parameters.  Never fails; fills *info. */
void host_probe(struct host_info *info);

/* ---- sandboxes ---------------------------------------------------------------------------- */

struct rootfs_file { /* a file of the host that is added to the root file system */
	const char *host_path;
	const char *guest_path; /* absolute */
	unsigned mode;          /* permission bits, 0 = as on the host */
	int fd; /* the file, if it is open for reading already, else 0; stays the caller's */
};

struct sandbox_config {
	const char
	    *kernel; /* guest kernel image; NULL = the installed one (or beside the program) */
	const char *rootfs; /* directory, tar, cpio or EROFS image; NULL = a minimal root */
	const struct rootfs_file *files; /* added over rootfs */
	size_t nfiles;
	uint64_t memory_mib;       /* 0 = default (256) */
	const char *hostname;      /* NULL = "tine" */
	const char *const *params; /* "sysctl.name=value" strings, NULL terminated; NULL = none */
	uint8_t id[16];            /* identity of the sandbox; all zero = make one */
	bool events;               /* send fork/exec/exit events from the start */
	bool trace;                /* keep the trace ring */
	const char *gdb;           /* listen address of the gdb stub, NULL = none */
	unsigned jail;             /* enum jail_level */
	bool alone;                /* nobody will freeze, fork or reset it: so narrower a jail */
	int kvm_fd, symbols_fd;    /* /dev/kvm and the kernel's file, taken over; 0: are opened */
	uint64_t requested_ns;     /* CLOCK_MONOTONIC: the start is measured from here; 0 = now */
	/* Clone this instead of booting; kernel and memory_mib are the template's then (both have
	 * to be left out), and so are rootfs and files unless it is a base template. */
	struct tine_template *template;
	/* With a template that is no base template: take the VMM process from here, whose jail has
	 * to be this one's. */
	struct sandbox_pool *pool;
};

enum jail_level { JAIL_DEFAULT = 0, JAIL_NONE = 1 };

/* Check a configuration without starting anything. */
int sandbox_config_check(const struct sandbox_config *config, struct tine_error *error);

/* Messages that the VMM process itself sends, on the control socket only. */
enum vmm_msg_type {
	VMM_MSG_STARTED = 64, /* payload vmm_started; SCM_RIGHTS: shared region memfd, VM stats fd,
				 vCPU stats fd, root image.  That of a clone comes together with
				 what its guest says first */
	VMM_MSG_FAILED = 65,  /* payload struct tine_error: the sandbox could not start or was
				 stopped; last message */
	VMM_MSG_HALTED = 66,  /* arg = halt reason; the guest ended by itself; last message */
	VMM_MSG_FROZEN = 67,  /* id of sandbox_freeze(); payload vmm_frozen if arg is 0, else arg is
				 an errno: ESRCH when nobody waits for the answer any more, else
				 with payload struct tine_error */
	VMM_MSG_RESET = 68,   /* id of sandbox_reset(), done: arg 0, or an errno with payload struct
				 tine_error; READY follows */
};

struct vmm_frozen {
	uint64_t pause_ns;   /* the sandbox stood still so long */
	uint64_t data_bytes; /* of RAM in the template */
};

/* What a start spends its time on.  Not in this order: a process of the pool goes to jail before it
 * has memory, and waits twice. */
#define START_PHASES(X)                                                                            \
	X(PROCESS, "process")     /* request to the VMM's main(), executed or forked */            \
	X(KVM, "kvm")             /* host looked at; VM and vCPU made */                           \
	X(JAIL, "jail")           /* privileges and system calls given up */                       \
	X(IMAGE, "image")         /* configuration checked, root image made of files */            \
	X(MEMORY, "memory")       /* kernel loaded, or template opened and mapped */               \
	X(SETUP, "setup")         /* event loop, reports, identity of a clone */                   \
	X(REHEARSAL, "rehearsal") /* a process of the pool has gone a clone's way to READY */      \
	X(IDLE, "idle")           /* it waited for its template or for its identity */             \
	X(GUEST, "guest")         /* guest runs, to READY; measured by who receives that */

enum start_phase {
#define START_PHASE_ENUM(name, text) START_##name,
	START_PHASES(START_PHASE_ENUM)
#undef START_PHASE_ENUM
	    START_NPHASES
};

/* sandbox_recv() lets none through whose times contradict each other or the clock. */
struct vmm_started {
	int32_t pid;
	uint32_t pad;
	uint64_t start_ns;    /* request to first guest instruction */
	uint64_t prepared_ns; /* what of the phases lies before the request */
	/* their sum is prepared_ns + start_ns; that of the guest is yet to come: 0 */
	uint64_t phase_ns[START_NPHASES];
	uint64_t memory_bytes;
	/* where guest memory lies in the VMM process: low RAM, high RAM, root image */
	struct {
		uint64_t addr, size;
	} area[3];
};

/* A sandbox as the process that started it sees it. */
struct sandbox;

/* Start a VMM process for *config.  On success *out owns the process and the control socket.  The
 * sandbox is usable once TINE_MSG_READY has been received.  Does not block on the boot. */
int sandbox_spawn(const struct sandbox_config *config, struct sandbox **out,
		  struct tine_error *error);

/* The program that sandbox_spawn() executes; default: `tine' beside the running one, or that
 * itself.  For programs that lie elsewhere (tests).  path is borrowed. */
void sandbox_set_program(const char *path);

/* Pollable control socket; readable when sandbox_recv() has something or the process has died. */
int sandbox_fd(const struct sandbox *sb);
pid_t sandbox_pid(const struct sandbox *sb);

struct sandbox_msg {   /* one logical message, fragments joined, checked against msg.h's rules */
	uint16_t type; /* enum tine_msg_type (guest to host ones) or enum vmm_msg_type */
	uint32_t id, arg;
	size_t len;
	const uint8_t *payload; /* valid until the next sandbox_recv() on this sandbox */
};

/* Receive without blocking: 1 and *msg, 0 if nothing is there yet (or only pieces: the socket then
 * is readable still), -EPIPE when the VMM process has gone (reason in *error, made from its wait
 * status), -EPROTO when it broke the protocol. */
int sandbox_recv(struct sandbox *sb, struct sandbox_msg *msg, struct tine_error *error);

/* Queue one logical message for the guest (fragmented as needed), copying payload.  -EPIPE if the
 * process has gone, -EMSGSIZE if too long, -EEXIST if id belongs to a request or launch that is not
 * over, -EAGAIN if STDIN has more bytes than the launch's credit (nothing is sent then; wait for
 * CREDIT).  Never blocks; sandbox_flush() writes on. */
int sandbox_send(struct sandbox *sb, uint16_t type, uint32_t id, uint32_t arg, const void *payload,
		 size_t len, struct tine_error *error);

/* Bytes of STDIN that launch id takes now; 0 when there is no such launch. */
uint64_t sandbox_stdin_credit(const struct sandbox *sb, uint32_t id);

/* Write queued messages; 1 = more is queued (poll for POLLOUT), 0 = all written, -EPIPE. */
int sandbox_flush(struct sandbox *sb, struct tine_error *error);
/* Bytes of the messages that are queued. */
size_t sandbox_backlog(const struct sandbox *sb);

/* Copy of the statistics page; works while the guest runs and after the process has died.  *torn
 * is set when no consistent copy could be had.  -ENODATA before VMM_MSG_STARTED. */
int sandbox_stats(struct sandbox *sb, struct tine_stats *stats, bool *torn);

/* Figures that the host measures; see fork-semantics row E7. */
struct sandbox_hoststats {
	uint64_t nested_faults; /* EPT/NPT violations (KVM pf_taken) */
	uint64_t exits;         /* all VM exits */
	uint64_t io_exits, irq_exits, halt_exits;
	uint64_t private_bytes;        /* guest RAM pages private to this sandbox */
	uint64_t shared_bytes;         /* guest-visible pages shared (template, root image) */
	uint64_t mapped_4k, mapped_2m; /* nested mappings by size */
	uint64_t vmm_pss_bytes;        /* proportional set size of the whole VMM process */
	uint64_t vmm_private_bytes;    /* of it, pages that no other process has mapped */
	bool final;                    /* process has died: values are the last ones read */
};
/* Reads KVM's binary statistics and /proc/PID/smaps.  After death: the last values that were read.
 */
int sandbox_hoststats(struct sandbox *sb, struct sandbox_hoststats *hs, struct tine_error *error);

/* Kill the VMM process (SIGKILL); idempotent.  Then sandbox_recv() reports -EPIPE. */
void sandbox_kill(struct sandbox *sb);

/* Kill if alive, reap, close, free. */
void sandbox_destroy(struct sandbox *sb);

/* ---- templates and clones (docs/fork-correctness.md) ---------------------------------------- */

/* A frozen sandbox: immutable, reference counted.  Clones of it are started by sandbox_spawn(). */
struct tine_template;

struct template_info {
	bool base;             /* a booted kernel without a root file system */
	uint64_t memory_bytes; /* of a clone */
	uint64_t data_bytes;   /* RAM that is not zero, shared by all clones */
	uint64_t rootfs_bytes;
	uint64_t generation; /* clonings that lie behind it */
	uint32_t nlaunches;  /* launches that are not over, see template_launches() */
};

/* The kernel, booted: from a file under $XDG_CACHE_HOME/tine (or ~/.cache/tine) when one is there
 * that fits this kernel, this CPU and this program, else made (and cached if possible).
 * memory_mib 0 = default; kernel NULL = as in sandbox_config. */
int template_base(uint64_t memory_mib, const char *kernel, struct tine_template **out,
		  struct tine_error *error);
/* A file made by template_save() or template_save_new().  Everything in it is checked;
 * template-damaged, template-truncated, template-version, template-kernel, template-cpu.  It is
 * clones' memory from then on: it may be unlinked, but not written to. */
int template_load(const char *path, struct tine_template **out, struct tine_error *error);
/* Write it to a new file, which takes the place of path when it is complete. */
int template_save(const struct tine_template *tmpl, const char *path, struct tine_error *error);
/* The same, but nothing may be there yet (EEXIST), and with a note of the caller's in it, which
 * template_note() of the loaded template gives back; NULL: it was saved without one. */
int template_save_new(const struct tine_template *tmpl, const char *path, const void *note,
		      size_t note_len, struct tine_error *error);
const void *template_note(const struct tine_template *tmpl, size_t *len);
struct tine_template *template_hold(struct tine_template *tmpl);
void template_release(struct tine_template *tmpl);
void template_info(const struct tine_template *tmpl, struct template_info *info);
/* Handles of launches that go on in each clone, in no order; returns how many there are. */
uint32_t template_launches(const struct tine_template *tmpl, uint32_t *ids, uint32_t max);

/* Freeze a running sandbox: VMM_MSG_FROZEN with this id follows, then sandbox_take_template().  The
 * sandbox goes on.  id as for sandbox_send(); one at a time (EBUSY).  answer: this is the answer to
 * a TINE_MSG_VMFORK, whose caller gets value in the original and 0 in each clone. */
int sandbox_freeze(struct sandbox *sb, uint32_t id, bool answer, uint64_t value,
		   struct tine_error *error);
/* Refuse a TINE_MSG_VMFORK: its caller gets this Linux errno.  Answered by REPLY to id. */
int sandbox_refuse_vmfork(struct sandbox *sb, uint32_t id, int err, struct tine_error *error);
/* After VMM_MSG_FROZEN with arg 0, once: the caller's reference, NULL if it cannot be used. */
struct tine_template *sandbox_take_template(struct sandbox *sb, struct tine_error *error);

/* Put a clone back to the state of its template, in place: everything that runs in it is gone,
 * requests under way are never answered.  When it goes on, VMM_MSG_RESET with this id and READY
 * follow; EINVAL for a sandbox that is not a clone. */
int sandbox_reset(struct sandbox *sb, uint32_t id, struct tine_error *error);

/* Idle VMM processes that only wait to be told which template to clone. */
struct sandbox_pool;
/* jail as in sandbox_config.  Starts none yet.  zygote: processes are forked from one that is kept
 * ready for that, also when the pool is empty or has size 0: quicker and smaller than executing
 * them, but all have the same address layout.  A pool belongs to the thread that uses it first: its
 * processes end with that thread. */
int sandbox_pool_create(unsigned size, unsigned jail, bool zygote, struct sandbox_pool **out,
			struct tine_error *error);
/* From now on processes get ready to be clones of this template (no base template; NULL = of any):
 * they hold a reference.  A clone then only has to be given its identity. */
void sandbox_pool_prefer(struct sandbox_pool *pool, struct tine_template *tmpl);
/* Do one step: start a missing process, or get one ready.  1, 0 if there is nothing to do, negative
 * on failure.  To be called when there is nothing else to do, and after a spawn. */
int sandbox_pool_refill(struct sandbox_pool *pool, struct tine_error *error);
unsigned sandbox_pool_idle(const struct sandbox_pool *pool);
void sandbox_pool_destroy(struct sandbox_pool *pool);

/* ---- shared pieces ------------------------------------------------------------------------ */

/* Check one record header against the rules for its direction; 0 or -EPROTO with the reason. */
int msg_check(const struct tine_msg *hdr, bool to_guest, struct tine_error *error);

/* Append the payload of TINE_MSG_LAUNCH to a malloc'd buffer (*out, *len), caller frees.
 * E2BIG, EINVAL (empty argv, strings with NUL impossible by type). */
struct launch_spec {
	const char *path;        /* NULL = look argv[0] up along PATH in env */
	const char *cwd;         /* NULL = "/" */
	const char *const *argv; /* NULL terminated, at least one */
	const char *const *env;  /* NULL terminated */
	uint32_t uid, gid;
	uint32_t flags; /* TINE_LAUNCH_* */
	uint16_t rows, cols;
};
int launch_encode(const struct launch_spec *spec, uint8_t **out, size_t *len,
		  struct tine_error *error);
/* What the REPLY says that refuses a LAUNCH: its text is the guest's, LAUNCH_WHY_MAX bytes of it.
 */
#define LAUNCH_WHY_MAX 255u
void launch_failure(const char *program, const struct sandbox_msg *reply, struct tine_error *error);
/* The arg of READY: 0, or which of the params of its configuration the guest has refused. */
int ready_check(const char *const *params, uint32_t arg, struct tine_error *error);

/* Inspect a program file before it is put into a sandbox: 0, or bad-elf / not-elf / wrong-arch ...
 * A file that starts with "#!" is accepted. */
int program_check(const char *host_path, struct tine_error *error);

/* Value at quantile q (0..1) of a histogram, in TSC cycles (upper bound of the bucket). */
uint64_t hist_quantile(const struct tine_hist *hist, double q);

/* The whole record as JSON (a new reference of jansson's json_t): counters, latency, enosys by
 * name. `tine run --stats --json` and the API print the same. */
struct json_t;
struct json_t *stats_json(const struct tine_stats *stats, bool torn);
/* Name of a Linux system call, or "syscall_N"; 1 if it has a name. */
int stats_syscall_name(uint32_t nr, char *buf, size_t size);

/* ---- commands of the `tine` program that need no daemon ----------------------------------- */

int vmm_cmd_run(int argc, char **argv);   /* tine run */
int vmm_cmd_check(int argc, char **argv); /* tine check */
int vmm_cmd_vmm(int argc, char **argv);   /* tine vmm: hidden, what sandbox_spawn() executes */

#endif
