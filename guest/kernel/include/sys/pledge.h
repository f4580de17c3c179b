/* SPDX-License-Identifier: ISC */
/* pledge.h: promises of a process and the paths it has limited itself to (kern_pledge.c,
 * pledge_check.c, pledge_table.c). */
#ifndef SYS_PLEDGE_H
#define SYS_PLEDGE_H

#include <sys/types.h>

struct thread;
struct process;
struct vnode;

/* X(PROMISE, "name") */
#define PLEDGE_PROMISES(X)                                                                         \
	X(STDIO, "stdio")                                                                          \
	X(RPATH, "rpath")                                                                          \
	X(WPATH, "wpath")                                                                          \
	X(CPATH, "cpath")                                                                          \
	X(DPATH, "dpath")                                                                          \
	X(FATTR, "fattr")                                                                          \
	X(TMPPATH, "tmppath")                                                                      \
	X(FLOCK, "flock")                                                                          \
	X(GETPW, "getpw")                                                                          \
	X(INET, "inet")                                                                            \
	X(UNIX, "unix")                                                                            \
	X(TTY, "tty")                                                                              \
	X(PROC, "proc")                                                                            \
	X(EXEC, "exec")                                                                            \
	X(ID, "id")                                                                                \
	X(PS, "ps")                                                                                \
	X(VMINFO, "vminfo")                                                                        \
	X(SETTIME, "settime")                                                                      \
	X(PROTEXEC, "prot_exec")                                                                   \
	X(ERROR, "error")

enum pledge_bit {
#define PLEDGE_BIT(name, text) PLEDGE_BIT_##name,
	PLEDGE_PROMISES(PLEDGE_BIT)
#undef PLEDGE_BIT
	    PLEDGE_NBITS
};
enum pledge_promise {
#define PLEDGE_ENUM(name, text) PLEDGE_##name = 1 << PLEDGE_BIT_##name,
	PLEDGE_PROMISES(PLEDGE_ENUM)
#undef PLEDGE_ENUM
	    PLEDGE_ALWAYS = 1 << 30 /* part of every pledge */
};
_Static_assert(PLEDGE_NBITS < 30, "promises fit");

/* What a process says it will open only below; shared by fork. */
struct pledge_paths {
	uint32_t wl_ref;
	uint32_t wl_count;
	uint32_t wl_size; /* bytes of wl_path: strings with their NULs, absolute, no "." or ".." */
	char wl_path[];
};

/* What a call needs of the promises: any of these, and then what check says. */
struct pledge_call {
	uint32_t any;
	/* Promises that are missing, 0 = go ahead; or *error is set: the call would fail anyway. */
	uint32_t (*check)(struct thread *, const uint64_t *a, int *error);
};
/* A call with a path: all of need for it. */
struct pledge_path_call {
	uint16_t nr;
	uint8_t dirarg; /* argument that is the directory, or PLEDGE_CWD */
	uint8_t patharg;
	uint8_t flags; /* PLEDGE_P_* */
	uint32_t need;
};
#define PLEDGE_CWD 0xff
#define PLEDGE_P_NAME 0x1  /* the name itself is meant: made, removed, or not followed */
#define PLEDGE_P_EMPTY 0x2 /* an empty path means the descriptor: only what stdio allows */

extern const struct pledge_call pledge_calls[];
extern const struct pledge_path_call pledge_path_calls[];
extern const size_t pledge_npath_calls;

/* ---- kern_pledge.c ---- */
void pledge_fork(struct process *child); /* holds what it has copied */
void pledge_exec(struct process *);      /* a new program makes its own promises */
void pledge_free(struct process *);
/* May the name len bytes long, found in dir (vp; NULL: does not exist yet), be used by the current
 * process?  Else ENOENT. */
int pledge_lookup(struct vnode *dir, const char *name, size_t len, struct vnode *vp);

/* ---- pledge_check.c ---- */
/* Before system call nr: 0, an errno the call would end with anyway, or the process dies. */
int pledge_syscall(struct thread *, uint64_t nr, const uint64_t *a);
/* Path of a name in a directory: ENAMETOOLONG, ENOENT. */
int pledge_name_path(struct vnode *dir, const char *name, size_t len, char *buf, size_t size);
/* The promise that lets a pledged process use this very path although it lacks need; 0 = none. */
bool pledge_path_excepted(uint32_t promises, uint32_t need, const char *path);
uint32_t pledge_path(struct thread *, int dirfd, vaddr_t path, unsigned flags, uint32_t need,
		     int *error);

/* Checks of arguments, for the table (pledge_args.c). */
typedef uint32_t pledge_check_t(struct thread *, const uint64_t *, int *);
pledge_check_t pledge_open, pledge_openat, pledge_openat2, pledge_creat, pledge_clone,
    pledge_clone3, pledge_kill, pledge_tkill, pledge_fcntl, pledge_ioctl, pledge_mmap,
    pledge_prlimit, pledge_socket, pledge_sendto, pledge_prctl, pledge_sysctl;

#endif
