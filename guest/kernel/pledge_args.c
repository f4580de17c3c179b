/* SPDX-License-Identifier: ISC */
/* pledge_args.c: promises that depend on a call's arguments. */
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/pledge.h>
#include <sys/proc.h>
#include <sys/socket.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define CLONE_THREAD 0x10000UL
#define CLONE_NEW 0x7e020080UL /* namespaces */

/* Which of need the process has not promised. */
static uint32_t
missing(const struct thread *td, uint32_t need)
{
	return need & ~td->td_proc->ps_pledge;
}

/* One of these is enough. */
static uint32_t
missing_any(const struct thread *td, uint32_t any)
{
	return td->td_proc->ps_pledge & any ? 0 : any;
}

/* ---- opening files ---- */

static uint32_t
open_needs(uint64_t flags)
{
	static const uint32_t access[4] = {[O_RDONLY] = PLEDGE_RPATH,
					   [O_WRONLY] = PLEDGE_WPATH,
					   [O_RDWR] = PLEDGE_RPATH | PLEDGE_WPATH,
					   [O_ACCMODE] = PLEDGE_RPATH | PLEDGE_WPATH};

	if (flags & O_PATH)
		return PLEDGE_RPATH;
	return access[flags & O_ACCMODE] | (flags & O_TRUNC ? PLEDGE_WPATH : 0) |
	       (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? PLEDGE_CPATH : 0);
}

static uint32_t
open_check(struct thread *td, int dirfd, vaddr_t path, uint64_t flags, int *error)
{
	bool name = flags & O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);

	return pledge_path(td, dirfd, path, name ? PLEDGE_P_NAME : 0, open_needs(flags), error);
}

uint32_t
pledge_open(struct thread *td, const uint64_t *a, int *error)
{
	return open_check(td, AT_FDCWD, a[0], a[1], error);
}

uint32_t
pledge_openat(struct thread *td, const uint64_t *a, int *error)
{
	return open_check(td, (int)a[0], a[1], a[2], error);
}

uint32_t
pledge_openat2(struct thread *td, const uint64_t *a, int *error)
{
	uint64_t flags;

	if ((*error = copyin((const void *)a[2], &flags, sizeof(flags))) != 0)
		return 0;
	return open_check(td, (int)a[0], a[1], flags, error);
}

uint32_t
pledge_creat(struct thread *td, const uint64_t *a, int *error)
{
	return open_check(td, AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, error);
}

/* ---- processes ---- */

/* Threads are the process's own affair. */
static uint32_t
clone_flags(const struct thread *td, uint64_t flags)
{
	return flags & CLONE_THREAD && !(flags & CLONE_NEW) ? missing(td, PLEDGE_STDIO)
							    : missing(td, PLEDGE_PROC);
}

uint32_t
pledge_clone(struct thread *td, const uint64_t *a, int *error __unused)
{
	return clone_flags(td, a[0]);
}

uint32_t
pledge_clone3(struct thread *td, const uint64_t *a, int *error)
{
	uint64_t flags;

	if ((*error = copyin((const void *)a[0], &flags, sizeof(flags))) != 0)
		return 0;
	return clone_flags(td, flags);
}

/* kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo: oneself is always allowed. */
uint32_t
pledge_kill(struct thread *td, const uint64_t *a, int *error __unused)
{
	return (pid_t)a[0] == td->td_proc->ps_pid ? 0 : missing(td, PLEDGE_PROC);
}

uint32_t
pledge_tkill(struct thread *td, const uint64_t *a, int *error __unused)
{
	const struct thread *t = tfind((pid_t)a[0]);

	return t != NULL && t->td_proc == td->td_proc ? 0 : missing(td, PLEDGE_PROC);
}

uint32_t
pledge_prlimit(struct thread *td, const uint64_t *a, int *error __unused)
{
	if ((pid_t)a[0] != 0 && (pid_t)a[0] != td->td_proc->ps_pid)
		return missing(td, PLEDGE_PROC);
	return a[2] == 0 ? 0 : missing_any(td, PLEDGE_PROC | PLEDGE_ID);
}

uint32_t
pledge_prctl(struct thread *td, const uint64_t *a, int *error __unused)
{
	switch ((int)a[0]) {
	case 3:          /* PR_GET_DUMPABLE */
	case 15:         /* PR_SET_NAME */
	case 16:         /* PR_GET_NAME */
	case 38:         /* PR_SET_NO_NEW_PRIVS */
	case 39:         /* PR_GET_NO_NEW_PRIVS */
	case 0x53564d41: /* PR_SET_VMA: names for mappings, by memory allocators */
		return 0;
	default:
		return missing(td, PLEDGE_PROC);
	}
}

uint32_t
pledge_sysctl(struct thread *td, const uint64_t *a, int *error __unused)
{
	return a[3] != 0 ? PLEDGE_ALWAYS : missing_any(td, PLEDGE_VMINFO | PLEDGE_PS);
}

/* ---- descriptors and memory ---- */

#define F_SETLK 6
#define F_SETLKW 7
#define F_SETOWN 8
#define F_SETOWN_EX 15
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38

uint32_t
pledge_fcntl(struct thread *td, const uint64_t *a, int *error __unused)
{
	switch ((int)a[1]) {
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return missing(td, PLEDGE_FLOCK);
	case F_SETOWN:
	case F_SETOWN_EX:
		return missing(td, PLEDGE_PROC);
	default:
		return 0;
	}
}

/* What the standard streams ask of whatever they are; the rest changes terminals. */
uint32_t
pledge_ioctl(struct thread *td, const uint64_t *a, int *error __unused)
{
	switch ((uint32_t)a[1]) {
	case 0x5401: /* TCGETS */
	case 0x540f: /* TIOCGPGRP */
	case 0x5413: /* TIOCGWINSZ */
	case 0x541b: /* FIONREAD */
	case 0x5421: /* FIONBIO */
	case 0x5450: /* FIONCLEX */
	case 0x5451: /* FIOCLEX */
	case 0x5452: /* FIOASYNC */
		return 0;
	default:
		return missing(td, PLEDGE_TTY);
	}
}

/* mmap, mprotect, pkey_mprotect. */
uint32_t
pledge_mmap(struct thread *td, const uint64_t *a, int *error __unused)
{
	return a[2] & PROT_EXEC ? missing(td, PLEDGE_PROTEXEC) : 0;
}

/* ---- sockets ---- */

uint32_t
pledge_socket(struct thread *td, const uint64_t *a, int *error __unused)
{
	switch ((int)a[0]) {
	case AF_UNIX:
		return missing(td, PLEDGE_UNIX);
	case AF_INET:
	case AF_INET6:
		return missing(td, PLEDGE_INET);
	default:
		return PLEDGE_ALWAYS;
	}
}

uint32_t
pledge_sendto(struct thread *td, const uint64_t *a, int *error __unused)
{
	return a[4] == 0 ? 0 : missing_any(td, PLEDGE_UNIX | PLEDGE_INET);
}
