/* SPDX-License-Identifier: ISC */
/*
 * msg.h: the messages on the rings.  The same records travel between a VMM process and the
 * daemon that started it (over a socket pair), so one checker serves both hops.
 *
 * A logical message larger than TINE_MSG_FRAG is sent as consecutive fragments of equal type and
 * id, all but the last with TINE_MSG_MORE; fragments of one message are not interleaved with
 * other messages.  A logical message has at most TINE_MSG_MAX payload bytes.
 *
 * Flow control: bytes of a stream are sent only against credit given by the receiver, so that a
 * slow reader of one stream never blocks another.  Initial credit of every stream is
 * TINE_STREAM_CREDIT in both directions.  Sending beyond credit is a protocol violation.
 */
#ifndef TINE_ABI_MSG_H
#define TINE_ABI_MSG_H

#include <stddef.h>
#include <stdint.h>

#define TINE_MSG_FRAG 8192u         /* payload bytes of one record, at most */
#define TINE_MSG_MAX (64u << 20)    /* payload bytes of one logical message, at most (H2G) */
#define TINE_MSG_MAX_G2H (4u << 20) /* the same, guest to host */
#define TINE_STREAM_CREDIT 65536u

struct tine_msg {       /* header of a record; payload follows, padded with zeroes to 8 */
	uint32_t len;   /* payload bytes of this record */
	uint16_t type;  /* enum tine_msg_type */
	uint16_t flags; /* TINE_MSG_MORE */
	uint32_t id;    /* request or launch handle, chosen by the host, never 0; 0 = none */
	uint32_t arg;   /* by type */
};
#define TINE_MSG_MORE 0x1u

enum tine_msg_type {
	/* host to guest */
	TINE_MSG_LAUNCH = 1, /* payload tine_launch + strings; answered by REPLY with tine_launched,
				later EXITED; or by REPLY with an errno and text: what it is about,
				empty = the program itself */
	TINE_MSG_STDIN = 2,  /* id launch; bytes; an empty one is end of file */
	TINE_MSG_CREDIT = 3, /* id launch, arg stream; payload uint32_t bytes more may be sent (both
				directions) */
	TINE_MSG_WINSIZE = 4, /* id launch, arg rows << 16 | columns */
	TINE_MSG_SIGNAL = 5,  /* payload tine_signal; answered by REPLY */
	TINE_MSG_PUT = 6, /* payload tine_put + path NUL + data: create a file; answered by REPLY */
	TINE_MSG_SYSCTL = 7, /* payload "name" NUL ["value" NUL]: get or set; answered by REPLY with
				"value" NUL (old value) */
	TINE_MSG_PROCS = 8,  /* answered by REPLY with an array of tine_procinfo: pids > arg,
				ascending, 256 at most; ask again from the last */
	TINE_MSG_EVENTS = 9, /* arg 1: send EVENT messages, 0: stop; answered by REPLY */
	TINE_MSG_FREEZE = 10,  /* payload tine_freeze: go through the quiescent point
				* (TINE_HC_READY); answered by REPLY in the  original, by READY in a
				* clone.  The host sends nothing more until the guest is there */
	TINE_MSG_PROFILE = 11, /* arg pid; payload uint32_t enum tine_profile_op; answered by REPLY,
				* to READ with an array of tine_profile_entry */
	/* guest to host */
	TINE_MSG_READY = 32, /* kernel is up, or a clone goes on; arg 0, or the first parameter of
				the boot block that it refused: (number from 1) << 16 | Linux errno
				*/
	TINE_MSG_REPLY = 33, /* id of the request, arg = Linux errno or 0, payload by request */
	TINE_MSG_OUT = 34,   /* id launch, arg stream (1 or 2): bytes; an empty one: the last writer
				has closed it */
	TINE_MSG_EXITED = 35, /* id launch; payload tine_exited */
	TINE_MSG_EVENT = 36,  /* payload tine_event */
	TINE_MSG_LOG =
	    37, /* arg level (0 emerg .. 7 debug); payload text of one line without newline */
	TINE_MSG_VMFORK = 38, /* arg enum tine_vmfork_kind: a program asks; answered by a FREEZE
				 with answer set */
};

#define TINE_STREAM_STDIN 0u
#define TINE_STREAM_STDOUT 1u
#define TINE_STREAM_STDERR 2u

#define TINE_LAUNCH_TTY                                                                            \
	0x1u /* fds 0-2 are a new controlling terminal; output comes on stream 1                   \
	      */
#define TINE_LAUNCH_STDIN                                                                          \
	0x2u                   /* stdin is fed by STDIN messages (else /dev/null; implied by TTY)  \
				*/
#define TINE_LAUNCH_MERGE 0x4u /* stderr goes to stream 1 as well */

#define TINE_LAUNCH_ARGS_MAX (2u << 20) /* bytes of argv + env strings with their NULs */

struct tine_launch {
	uint32_t flags; /* TINE_LAUNCH_* */
	uint32_t uid, gid;
	uint16_t rows, cols; /* TTY: window size */
	uint32_t argc;       /* >= 1 */
	uint32_t envc;
	uint32_t
	    strings; /* bytes that follow: path NUL, cwd NUL, argc argv strings, envc strings */
	uint32_t pad;
	/* path: file to execute ("" = look argv[0] up along PATH of env); cwd "" = "/" */
};

struct tine_launched { /* payload of the REPLY to LAUNCH when arg is 0: sent once exec has succeeded
			*/
	int32_t pid;
	uint32_t pad;
};

struct tine_signal {
	int32_t
	    pid; /* as kill(2): > 0 process, < -1 group; 0 and -1: every process of the sandbox */
	int32_t sig; /* 0 = only check */
};

struct tine_put {
	uint32_t mode; /* permission bits */
	uint32_t uid, gid;
	uint32_t path_len; /* with NUL; missing parent directories are made (0755) */
};

struct tine_freeze {
	uint32_t
	    answer; /* 1: this answers the oldest VMFORK; REPLY has ESRCH if its caller has gone */
	int32_t error; /* with answer: the caller fails with this errno, and nothing is frozen */
	uint64_t
	    value; /* with answer: what the caller gets in the original; in a clone it gets 0 */
};

enum tine_vmfork_kind {
	TINE_VMFORK_TEMPLATE = 0, /* tine_freeze(): keep this state as a template */
	TINE_VMFORK_CLONE = 1,    /* vmfork(): run a clone */
};

struct tine_rusage { /* nanoseconds, bytes */
	uint64_t utime_ns, stime_ns;
	uint64_t maxrss;
	uint64_t minflt, majflt, nvcsw, nivcsw;
};

struct tine_exited {
	int32_t pid;
	int32_t status;        /* wait(2) encoding */
	struct tine_rusage ru; /* the process and its reaped children */
};

#define TINE_PROC_AFORK 0x1u /* forked but has not called exec */
#define TINE_PROC_SYSTEM 0x2u
#define TINE_PROC_TRACED 0x4u
#define TINE_PROC_SUGID 0x8u
#define TINE_PROC_PLEDGE 0x10u
#define TINE_PROC_CONTROLT 0x20u

struct tine_procinfo {
	int32_t pid, ppid, pgid, sid;
	uint32_t uid, gid, euid, egid;
	uint32_t state; /* 'R', 'S', 'D', 'T', 't', 'Z' as in /proc */
	uint32_t flags; /* TINE_PROC_* */
	uint32_t nthreads;
	uint32_t launch;   /* launch handle, 0 if not launched by the host */
	uint64_t start_ns; /* since boot */
	uint64_t utime_ns, stime_ns;
	uint64_t vsize; /* bytes of mapped regions */
	uint64_t rss;   /* bytes of present pages */
	char comm[16];
};

enum tine_profile_op {
	TINE_PROFILE_START = 1, /* anew */
	TINE_PROFILE_STOP = 2,  /* what has been counted stays */
	TINE_PROFILE_READ = 3,
};

struct tine_profile_entry {
	uint64_t pc; /* user program counter at a clock tick; ~0: samples that found no room */
	uint64_t count;
};

enum tine_event_kind {
	TINE_EVENT_FORK = 1, /* other = child; how = enum tine_fork_kind */
	TINE_EVENT_EXEC = 2,
	TINE_EVENT_EXIT = 3, /* status */
};

enum tine_fork_kind {
	TINE_FORK_FORK = 0,
	TINE_FORK_VFORK = 1,
	TINE_FORK_RFORK = 2,
	TINE_FORK_TFORK = 3,
	TINE_FORK_KTHREAD = 4,
	TINE_FORK_CLONE = 5,
};

struct tine_event {
	uint64_t seq;     /* counts all events, sent or dropped: a gap is a loss */
	uint64_t time_ns; /* since boot */
	uint32_t kind;    /* enum tine_event_kind */
	uint32_t how;
	int32_t pid, other;
	int32_t status;
	uint32_t dropped; /* events lost so far because the ring was full */
	char comm[16];
};

_Static_assert(sizeof(struct tine_msg) == 16, "layout");
_Static_assert(sizeof(struct tine_launch) == 32, "layout");
_Static_assert(sizeof(struct tine_put) == 16, "layout");
_Static_assert(sizeof(struct tine_freeze) == 16, "layout");
_Static_assert(sizeof(struct tine_exited) == 64, "layout");
_Static_assert(sizeof(struct tine_procinfo) == 104, "layout");
_Static_assert(sizeof(struct tine_event) == 56, "layout");

#endif
