/* SPDX-License-Identifier: ISC */
/* sys_ptrace.c: ptrace(2) as Linux has it, and OpenBSD's requests for the events of a process. */
#include <sys/file.h>
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define NT_PRSTATUS 1
#define NT_PRFPREG 2

enum {
	PTRACE_TRACEME = 0,
	PTRACE_PEEKTEXT = 1,
	PTRACE_PEEKDATA = 2,
	PTRACE_PEEKUSER = 3,
	PTRACE_POKETEXT = 4,
	PTRACE_POKEDATA = 5,
	PTRACE_POKEUSER = 6,
	PTRACE_CONT = 7,
	PTRACE_KILL = 8,
	PTRACE_SINGLESTEP = 9,
	PTRACE_GETREGS = 12,
	PTRACE_SETREGS = 13,
	PTRACE_GETFPREGS = 14,
	PTRACE_SETFPREGS = 15,
	PTRACE_ATTACH = 16,
	PTRACE_DETACH = 17,
	PTRACE_SYSCALL = 24,
	PTRACE_SETOPTIONS = 0x4200,
	PTRACE_GETEVENTMSG = 0x4201,
	PTRACE_GETSIGINFO = 0x4202,
	PTRACE_SETSIGINFO = 0x4203,
	PTRACE_GETREGSET = 0x4204,
	PTRACE_SETREGSET = 0x4205,
	PTRACE_SEIZE = 0x4206,
	PTRACE_INTERRUPT = 0x4207,
	PTRACE_LISTEN = 0x4208,
	PTRACE_GETSIGMASK = 0x420a,
	PTRACE_SETSIGMASK = 0x420b,
	PTRACE_GET_SYSCALL_INFO = 0x420e,
};

/* ---- requests to a stopped thread: errno, or 0 with *retval ---- */

typedef int (*request_t)(struct ptrace_thread *, uint64_t addr, uint64_t data, long *retval);

/* A word of memory goes to where data points: the library makes it the result. */
static int
pt_peek(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	uint64_t word;

	if (vmspace_rw(pt->pt_thread->td_proc->ps_vmspace, addr, &word, sizeof(word), false,
		       true) != 0)
		return EIO;
	return copyout(&word, (void *)data, sizeof(word));
}

static int
pt_poke(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	return vmspace_rw(pt->pt_thread->td_proc->ps_vmspace, addr, &data, sizeof(data), true,
			  true) != 0
		   ? EIO
		   : 0;
}

static int
pt_peekuser(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	uint64_t word;
	int error = cpu_peekuser(pt->pt_thread, addr, &word);

	return error != 0 ? error : copyout(&word, (void *)data, sizeof(word));
}

static int
pt_pokeuser(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	return cpu_pokeuser(pt->pt_thread, addr, data);
}

/* ---- registers ---- */

union regset {
	uint8_t regs[USER_REGS_SIZE];
	uint8_t fpregs[USER_FPREGS_SIZE];
};

static int
regset_read(struct thread *td, uint64_t type, union regset *rs, size_t *size)
{
	*size = type == NT_PRSTATUS ? sizeof(rs->regs) : sizeof(rs->fpregs);
	if (type == NT_PRFPREG)
		return cpu_getfpregs(td, rs->fpregs);
	cpu_getregs(td, rs->regs);
	return 0;
}

static int
regset_write(struct thread *td, uint64_t type, const union regset *rs)
{
	return type == NT_PRFPREG ? cpu_setfpregs(td, rs->fpregs) : cpu_setregs(td, rs->regs);
}

/* len bytes of the set to or from the tracer; what it does not give stays. */
static int
regset_copy(struct thread *td, uint64_t type, uint64_t uaddr, size_t *len, bool write)
{
	union regset rs;
	size_t size;
	int error = regset_read(td, type, &rs, &size);

	if (error != 0)
		return error;
	*len = MIN(*len, size);
	if (!write)
		return copyout(&rs, (void *)uaddr, *len);
	if ((error = copyin((const void *)uaddr, &rs, *len)) != 0)
		return error;
	return regset_write(td, type, &rs);
}

static int
whole_set(struct ptrace_thread *pt, uint64_t type, uint64_t data, bool write)
{
	size_t len = SIZE_MAX;

	return regset_copy(pt->pt_thread, type, data, &len, write);
}

static int
pt_getregs(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data, long *retval __unused)
{
	return whole_set(pt, NT_PRSTATUS, data, false);
}

static int
pt_setregs(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data, long *retval __unused)
{
	return whole_set(pt, NT_PRSTATUS, data, true);
}

static int
pt_getfpregs(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data, long *retval __unused)
{
	return whole_set(pt, NT_PRFPREG, data, false);
}

static int
pt_setfpregs(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data, long *retval __unused)
{
	return whole_set(pt, NT_PRFPREG, data, true);
}

/* addr: the set; data: an iovec, whose length becomes what was copied. */
static int
regset_request(struct ptrace_thread *pt, uint64_t type, uint64_t data, bool write)
{
	struct iovec iov;
	int error = copyin((const void *)data, &iov, sizeof(iov));

	if (error != 0)
		return error;
	if ((type != NT_PRSTATUS && type != NT_PRFPREG) || iov.iov_len % sizeof(uint64_t) != 0)
		return EINVAL;
	error = regset_copy(pt->pt_thread, type, (uint64_t)iov.iov_base, &iov.iov_len, write);
	return error != 0 ? error : copyout(&iov, (void *)data, sizeof(iov));
}

static int
pt_getregset(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	return regset_request(pt, addr, data, false);
}

static int
pt_setregset(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	return regset_request(pt, addr, data, true);
}

/* Which system call the thread is entering or leaving; the result is the size of all there is. */
static int
pt_syscall_info(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval)
{
	struct cpu_syscall_info info;
	size_t size = cpu_syscall_info(pt->pt_thread,
				       pt->pt_flags & PTF_ENTER   ? CPU_SYSCALL_ENTRY
				       : pt->pt_flags & PTF_LEAVE ? CPU_SYSCALL_EXIT
								  : CPU_SYSCALL_NONE,
				       &info);

	*retval = (long)size;
	return copyout(&info, (void *)data, MIN(size, addr));
}

/* ---- signals and events ---- */

static int
pt_setoptions(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data,
	      long *retval __unused)
{
	if (data & ~(uint64_t)PTRACE_O_MASK)
		return EINVAL;
	pt->pt_options = (uint32_t)data;
	return 0;
}

static int
pt_geteventmsg(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data,
	       long *retval __unused)
{
	return copyout(&pt->pt_message, (void *)data, sizeof(pt->pt_message));
}

/* A plain group stop is known by having no siginfo. */
static bool
has_siginfo(const struct ptrace_thread *pt)
{
	return pt->pt_info != NULL && (!(pt->pt_flags & PTF_GROUP) || (pt->pt_flags & PTF_SEIZED));
}

static int
pt_getsiginfo(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data,
	      long *retval __unused)
{
	if (!has_siginfo(pt))
		return EINVAL;
	return copyout(pt->pt_info, (void *)data, sizeof(*pt->pt_info));
}

static int
pt_setsiginfo(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data,
	      long *retval __unused)
{
	struct siginfo si;
	int error = copyin((const void *)data, &si, sizeof(si));

	if (error != 0)
		return error;
	if (!has_siginfo(pt))
		return EINVAL;
	*pt->pt_info = si;
	return 0;
}

static int
pt_getsigmask(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	if (addr != sizeof(sigset_t))
		return EINVAL;
	return copyout(&pt->pt_thread->td_sigmask, (void *)data, sizeof(sigset_t));
}

static int
pt_setsigmask(struct ptrace_thread *pt, uint64_t addr, uint64_t data, long *retval __unused)
{
	sigset_t set;
	int error;

	if (addr != sizeof(set))
		return EINVAL;
	if ((error = copyin((const void *)data, &set, sizeof(set))) == 0)
		sigmask_set(pt->pt_thread, set);
	return error;
}

/* ---- going on ---- */

static int
go_on(struct ptrace_thread *pt, uint64_t sig, bool syscalls, bool step)
{
	if (sig > NSIG)
		return EIO;
	pt->pt_flags = (pt->pt_flags & ~PTF_SYSCALL) | (syscalls ? PTF_SYSCALL : 0);
	cpu_singlestep(pt->pt_thread, step);
	ptrace_resume(pt, (int)sig);
	return 0;
}

static int
pt_cont(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data, long *retval __unused)
{
	return go_on(pt, data, false, false);
}

static int
pt_syscall(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data, long *retval __unused)
{
	return go_on(pt, data, true, false);
}

static int
pt_singlestep(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data,
	      long *retval __unused)
{
	return go_on(pt, data, false, true);
}

static int
pt_detach(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data, long *retval __unused)
{
	struct thread *td = pt->pt_thread;

	if (data > NSIG)
		return EIO;
	td->td_ptsig = (int)data;
	ptrace_detach_thread(td);
	return 0;
}

/* Stay in the group stop, and report when it ends. */
static int
pt_listen(struct ptrace_thread *pt, uint64_t addr __unused, uint64_t data __unused,
	  long *retval __unused)
{
	if (!(pt->pt_flags & PTF_SEIZED) || pt->pt_status >> 8 != PTRACE_EVENT_STOP)
		return EIO;
	pt->pt_flags |= PTF_LISTEN;
	if (pt->pt_thread->td_state == TDS_STOPPED)
		setrunqueue(pt->pt_thread); /* the stop may have ended already */
	return 0;
}

static const struct {
	uint32_t nr;
	request_t fn;
} requests[] = {
    {PTRACE_PEEKTEXT, pt_peek},
    {PTRACE_PEEKDATA, pt_peek},
    {PTRACE_PEEKUSER, pt_peekuser},
    {PTRACE_POKETEXT, pt_poke},
    {PTRACE_POKEDATA, pt_poke},
    {PTRACE_POKEUSER, pt_pokeuser},
    {PTRACE_CONT, pt_cont},
    {PTRACE_SINGLESTEP, pt_singlestep},
    {PTRACE_SYSCALL, pt_syscall},
    {PTRACE_DETACH, pt_detach},
    {PTRACE_GETREGS, pt_getregs},
    {PTRACE_SETREGS, pt_setregs},
    {PTRACE_GETFPREGS, pt_getfpregs},
    {PTRACE_SETFPREGS, pt_setfpregs},
    {PTRACE_GETREGSET, pt_getregset},
    {PTRACE_SETREGSET, pt_setregset},
    {PTRACE_SETOPTIONS, pt_setoptions},
    {PTRACE_GETEVENTMSG, pt_geteventmsg},
    {PTRACE_GETSIGINFO, pt_getsiginfo},
    {PTRACE_SETSIGINFO, pt_setsiginfo},
    {PTRACE_GETSIGMASK, pt_getsigmask},
    {PTRACE_SETSIGMASK, pt_setsigmask},
    {PTRACE_GET_SYSCALL_INFO, pt_syscall_info},
    {PTRACE_LISTEN, pt_listen},
};

static request_t
find_request(uint64_t nr)
{
	for (size_t i = 0; i < nitems(requests); i++)
		if (requests[i].nr == nr)
			return requests[i].fn;
	return NULL;
}

/* ---- requests that need no stopped thread ---- */

/* Init does not know what to do with stops. */
static int
trace_me(struct thread *td)
{
	struct process *tracer = real_parent(td->td_proc);

	if (tracer == initproc)
		return EPERM;
	return ptrace_attach(td, tracer, 0, 0);
}

static int
attach(pid_t tid, bool seize, uint64_t addr, uint64_t options)
{
	struct thread *td = tfind(tid);
	int error;

	if (seize && (addr != 0 || options & ~(uint64_t)PTRACE_O_MASK))
		return EIO;
	if (td == NULL)
		return ESRCH;
	if ((error = cantrace(td->td_proc)) != 0)
		return error;
	error = ptrace_attach(td, curthread->td_proc, seize ? PTF_SEIZED : 0,
			      seize ? (uint32_t)options : 0);
	if (error == 0 && !seize)
		tsignal_info(td, SIGSTOP, NULL);
	return error;
}

static int
interrupt(struct ptrace_thread *pt)
{
	struct thread *td = pt->pt_thread;

	if (!(pt->pt_flags & PTF_SEIZED))
		return EIO;
	if (pt->pt_flags & PTF_STOPPED && !(pt->pt_flags & PTF_LISTEN))
		return 0;
	pt->pt_flags &= ~(PTF_STOPPED | PTF_LISTEN);
	td->td_flags |= TDF_TRACEDRET;
	if (td->td_state == TDS_STOPPED)
		setrunqueue(td);
	else if (td->td_state == TDS_SLEEP && td->td_flags & TDF_SINTR)
		thread_unsleep(td, EINTR);
	return 0;
}

/* A thread that the current process traces. */
static struct ptrace_thread *
tracee(struct thread *tracer, pid_t tid)
{
	struct thread *td = tfind(tid);

	if (td == NULL || td->td_ptrace == NULL || td->td_proc->ps_pptr != tracer->td_proc)
		return NULL;
	return td->td_ptrace;
}

SYSCALL(ptrace)
{
	struct ptrace_thread *pt;
	request_t fn;

	switch (a[0]) {
	case PTRACE_TRACEME:
		return trace_me(td);
	case PTRACE_ATTACH:
	case PTRACE_SEIZE:
		return attach((pid_t)a[1], a[0] == PTRACE_SEIZE, a[2], a[3]);
	}
	if ((pt = tracee(td, (pid_t)a[1])) == NULL)
		return ESRCH;
	switch (a[0]) {
	case PTRACE_INTERRUPT:
		return interrupt(pt);
	case PTRACE_KILL:
		psignal(pt->pt_thread->td_proc, SIGKILL);
		return 0;
	}
	if ((pt->pt_flags & (PTF_STOPPED | PTF_LISTEN)) != PTF_STOPPED ||
	    thread_killed(pt->pt_thread))
		return ESRCH;
	if ((fn = find_request(a[0])) == NULL)
		return EIO;
	return fn(pt, a[2], a[3], retval);
}

/* ---- native: OpenBSD's PT_GET_EVENT_MASK, PT_SET_EVENT_MASK, PT_GET_PROCESS_STATE ---- */

static struct ptrace_state *
traced_process(struct thread *tracer, uint64_t pid)
{
	struct process *ps = prfind((pid_t)pid);

	return ps != NULL && ps->ps_ptstat != NULL && ps->ps_pptr == tracer->td_proc ? ps->ps_ptstat
										     : NULL;
}

/* ptrace_event_mask(pid, mask): the mask before; mask -1 only asks. */
SYSCALL(ptrace_event_mask)
{
	struct ptrace_state *pe = traced_process(td, a[0]);
	int mask = (int)a[1];

	if (pe == NULL)
		return ESRCH;
	if (mask != -1 && mask & ~PTRACE_FORK)
		return EINVAL;
	*retval = (long)pe->pe_event_mask;
	if (mask != -1)
		pe->pe_event_mask = (uint32_t)mask;
	return 0;
}

/* ptrace_process_state(pid, state, size) */
SYSCALL(ptrace_process_state)
{
	struct ptrace_state *pe = traced_process(td, a[0]);

	if (pe == NULL)
		return ESRCH;
	if (a[2] != sizeof(pe->pe_report))
		return EINVAL;
	return copyout(&pe->pe_report, (void *)a[1], sizeof(pe->pe_report));
}
