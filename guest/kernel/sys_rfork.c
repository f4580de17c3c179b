/* SPDX-License-Identifier: ISC */
/* sys_rfork.c: the native entry points of fork: rfork, __tfork; and unshare of Linux. */
#include <sys/forkvar.h>
#include <sys/native.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <machine/pmap.h>

/* What a user may ask for; the other bits, the kernel's own among them, are masked away. */
#define RFUSER                                                                                     \
	(RFFDG | RFPROC | RFMEM | RFNOWAIT | RFCFDG | RFTHREAD | RFSIGSHARE | RFLINUXTHPN |        \
	 RFSTOPPED | RFPPWAIT | RFNOZOMBIE | RFSHARELIM)

static const struct {
	uint32_t rf, fork;
} rfork_map[] = {
    {RFMEM, FORK_SHAREVM},   {RFNOWAIT, FORK_NOWAIT},     {RFCFDG, FORK_FRESHFILES},
    {RFTHREAD, FORK_PEER},   {RFSIGSHARE, FORK_SIGHAND},  {RFSTOPPED, FORK_STOPPED},
    {RFPPWAIT, FORK_PPWAIT}, {RFNOZOMBIE, FORK_NOZOMBIE}, {RFSHARELIM, FORK_SHARELIM},
};

static uint32_t
rfork_flags(uint32_t rf)
{
	uint32_t flags;

	/* The same thing by another name counts as that thing. */
	if (rf == (RFFDG | RFPROC))
		flags = FORK_FORK;
	else if (rf == (RFFDG | RFPROC | RFPPWAIT | RFMEM))
		flags = FORK_VFORK;
	else
		flags = FORK_RFORK;
	for (size_t i = 0; i < nitems(rfork_map); i++)
		if (rf & rfork_map[i].rf)
			flags |= rfork_map[i].fork;
	/* The working directory goes with the table of descriptors, as in BSD. */
	if (!(rf & (RFFDG | RFCFDG)))
		flags |= FORK_SHAREFILES | FORK_SHAREFS;
	return flags;
}

/* No new process: the caller parts with what it shares. */
static int
rfork_self(struct thread *td, uint32_t rf)
{
	uint32_t what = rf & RFMEM ? 0 : UNSHARE_VM;

	if (rf & RFCFDG)
		what |= UNSHARE_NOFILES | UNSHARE_FS;
	if (rf & RFFDG)
		what |= UNSHARE_FILES | UNSHARE_FS;
	return kern_unshare(td, what);
}

SYSCALL(rfork)
{
	uint32_t rf = (uint32_t)a[0] & RFUSER;
	struct fork_args fa = {.exitsig = rf & RFLINUXTHPN ? SIGUSR1 : SIGCHLD};
	pid_t pid;
	int error;

	if ((rf & (RFFDG | RFCFDG)) == (RFFDG | RFCFDG))
		return EINVAL; /* cannot copy and clear */
	if (!(rf & RFPROC))
		return rfork_self(td, rf);
	if (rf & RFSIGSHARE && !(rf & RFMEM))
		return EINVAL; /* handlers are addresses */
	fa.flags = rfork_flags(rf);
	if ((error = fork1(td, &fa, NULL, &pid)) == 0)
		*retval = pid;
	return error;
}

SYSCALL(__tfork)
{
	struct __tfork param = {0};
	struct fork_args fa = {.flags = FORK_THREAD};
	size_t psize = a[1];
	struct siginfo si;
	pid_t tid;
	int error;

	if (psize == 0 || psize > sizeof(param))
		return EINVAL;
	if ((error = copyin((const void *)a[0], &param, psize)) != 0)
		return error;
	if (param.tf_stack == NULL || (vaddr_t)param.tf_tcb >= VM_USER_MAX)
		return EINVAL;
	fa.stack = (vaddr_t)param.tf_stack;
	fa.tcb = (vaddr_t)param.tf_tcb;
	fa.set_tcb = param.tf_tcb != NULL;
	if ((error = fork1(td, &fa, NULL, &tid)) != 0)
		return error;
	/* Too late to fail: the thread exists (it has not run yet). */
	if (param.tf_tid != NULL && copyout(&tid, param.tf_tid, sizeof(tid)) != 0) {
		siginfo_init(&si, SIGSEGV, SEGV_MAPERR);
		si.u.fault.addr = (vaddr_t)param.tf_tid;
		tsignal_info(td, SIGSEGV, &si);
	}
	*retval = tid;
	return 0;
}

/* ---- Linux ---- */

#define CLONE_VM 0x100UL
#define CLONE_FS 0x200UL
#define CLONE_FILES 0x400UL
#define CLONE_SIGHAND 0x800UL
#define CLONE_THREAD 0x10000UL
#define CLONE_SYSVSEM 0x40000UL
#define CLONE_NAMESPACES 0x7e020080UL

SYSCALL(unshare)
{
	const struct process *ps = td->td_proc;
	uint64_t flags = a[0];
	bool alone = ps->ps_nthreads == 1 && !sigacts_shared(ps->ps_sigacts);

	if (flags & CLONE_NAMESPACES)
		return suser(td) ? EINVAL : EPERM; /* no namespaces: docs/limits.md */
	if (flags &
	    ~(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM))
		return EINVAL;
	/* Linux cannot take these apart either; it is fine if nothing is shared. */
	if (flags & (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD) && !alone)
		return EINVAL;
	return kern_unshare(td, (flags & CLONE_FS ? UNSHARE_FS : 0) |
				    (flags & CLONE_FILES ? UNSHARE_FILES : 0));
}
