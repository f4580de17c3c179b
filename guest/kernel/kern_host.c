/* SPDX-License-Identifier: ISC */
/*
 * kern_host.c: requests of the host.
 *
 * host_receive() is called when a message has arrived; what is quick and cannot sleep is done at
 * once, the rest is queued for process 1, which also reaps the children it has inherited.
 */
#include <sys/exit.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/launch.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/profil.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vmfork.h>
#include <sys/vnode.h>
#include <machine/stats.h>

struct request {
	TAILQ_ENTRY(request) rq_link;
	uint16_t rq_type;
	uint32_t rq_id, rq_arg;
	void *rq_payload; /* kmalloc'd */
	size_t rq_len;
};
static TAILQ_HEAD(, request) requests = TAILQ_HEAD_INITIALIZER(requests);

#define REPLY_ROOM 512 /* ring space for a short reply */
#define PROCS_MAX 256  /* entries of one PROCS reply */
#define SYSCTL_MAX 1024

/* ---- sending ---- */

/* Send, waiting for room; for process context only. */
void
host_send_wait(uint16_t type, uint32_t id, uint32_t arg, const void *payload, size_t len)
{
	while (hostchan_send(type, id, arg, payload, len) == EAGAIN)
		tsleep(&hostchan_room, 0, "hostch", 0);
}

static void
reply(uint32_t id, int error)
{
	host_send_wait(TINE_MSG_REPLY, id, (uint32_t)error, NULL, 0);
}

/* ---- events ---- */

static bool events_on __resume_data;
static uint64_t event_seq;
static uint32_t events_dropped;

void
host_events_enable(bool on)
{
	events_on = on;
}

static void
event_send(struct tine_event *ev, const struct process *ps)
{
	ev->seq = ++event_seq;
	ev->time_ns = nanouptime();
	ev->pid = ps->ps_pid;
	ev->dropped = events_dropped;
	memcpy(ev->comm, ps->ps_comm, sizeof(ev->comm));
	if (hostchan_send(TINE_MSG_EVENT, 0, 0, ev, sizeof(*ev)) != 0) {
		events_dropped++;
		STAT_INC(events_dropped);
	}
}

void
host_event_fork(struct process *parent, struct process *child, int how)
{
	if (events_on)
		event_send(&(struct tine_event){.kind = TINE_EVENT_FORK,
						.how = (uint32_t)how,
						.other = child->ps_pid},
			   parent);
}

void
host_event_exec(struct process *ps)
{
	struct tine_event ev = {.kind = TINE_EVENT_EXEC};

	if (events_on)
		event_send(&ev, ps);
}

void
host_event_exit(struct process *ps)
{
	if (events_on)
		event_send(&(struct tine_event){.kind = TINE_EVENT_EXIT, .status = ps->ps_xstat},
			   ps);
}

/* ---- requests that process 1 serves ---- */

static void
signal_all(int sig)
{
	struct process *ps, *next;

	LIST_FOREACH_SAFE (ps, &allprocess, ps_list, next)
		if (!(ps->ps_flags & PS_SYSTEM))
			psignal(ps, sig);
}

static int
host_signal(const struct tine_signal *s)
{
	struct process *ps;
	struct pgrp *pg;

	if (s->sig < 0 || s->sig > NSIG)
		return EINVAL;
	if (s->pid == 0 || s->pid == -1) {
		signal_all(s->sig);
		return 0;
	}
	if (s->pid < -1) {
		if (s->pid == INT32_MIN || (pg = pgfind(-s->pid)) == NULL)
			return ESRCH;
		if (s->sig != 0)
			pgsignal(pg, s->sig, false);
		return 0;
	}
	if ((ps = prfind(s->pid)) == NULL)
		return ESRCH;
	if (ps->ps_flags & PS_SYSTEM)
		return EPERM;
	if (s->sig != 0)
		psignal(ps, s->sig);
	return 0;
}

static void
do_signal(struct request *rq)
{
	reply(rq->rq_id,
	      rq->rq_len == sizeof(struct tine_signal) ? host_signal(rq->rq_payload) : EINVAL);
}

static int
host_put(const struct request *rq)
{
	const struct tine_put *put = rq->rq_payload;
	const char *path = (const char *)(put + 1);

	if (rq->rq_len < sizeof(*put) || put->path_len < 2 ||
	    put->path_len > rq->rq_len - sizeof(*put) || path[put->path_len - 1] != '\0' ||
	    path[0] != '/')
		return EINVAL;
	return vn_put(path, path + put->path_len, rq->rq_len - sizeof(*put) - put->path_len,
		      put->mode & 07777, put->uid, put->gid);
}

static void
do_put(struct request *rq)
{
	reply(rq->rq_id, host_put(rq));
}

/* "name" NUL ["value" NUL]; the answer is the value before. */
static void
do_sysctl(struct request *rq)
{
	static char value[SYSCTL_MAX] __large_bss;
	const char *name = rq->rq_payload;
	size_t nlen = rq->rq_len > 0 ? strnlen(name, rq->rq_len) : 0;
	int error = EINVAL;

	value[0] = '\0';
	if (rq->rq_len > 0 && nlen < rq->rq_len && name[rq->rq_len - 1] == '\0') {
		error = sysctl_get(name, value, sizeof(value));
		if (error == 0 && nlen + 1 < rq->rq_len)
			error = sysctl_set(NULL, name, name + nlen + 1);
	}
	host_send_wait(TINE_MSG_REPLY, rq->rq_id, (uint32_t)error, value,
		       error == 0 ? strlen(value) + 1 : 0);
}

/* One letter, as /proc/PID/stat has it. */
static char
process_state(const struct process *ps)
{
	const struct thread *td;
	char state = 'S';

	if (ps->ps_flags & PS_ZOMBIE)
		return 'Z';
	if (ps->ps_flags & PS_STOPPED)
		return ps->ps_ptstat != NULL ? 't' : 'T';
	TAILQ_FOREACH (td, &ps->ps_threads, td_link) {
		if (td->td_state == TDS_RUN)
			return 'R';
		if (td->td_state == TDS_SLEEP && !(td->td_flags & TDF_SINTR))
			state = 'D';
	}
	return state;
}

static uint32_t
process_flags(const struct process *ps)
{
	return (ps->ps_acflag & AFORK ? TINE_PROC_AFORK : 0) |
	       (ps->ps_flags & PS_SYSTEM ? TINE_PROC_SYSTEM : 0) |
	       (ps->ps_ptstat != NULL ? TINE_PROC_TRACED : 0) |
	       (ps->ps_flags & PS_SUGID ? TINE_PROC_SUGID : 0) |
	       (ps->ps_flags & PS_PLEDGE ? TINE_PROC_PLEDGE : 0) |
	       (ps->ps_flags & PS_CONTROLT ? TINE_PROC_CONTROLT : 0);
}

static void
process_info(struct process *ps, struct tine_procinfo *pi)
{
	memset(pi, 0, sizeof(*pi));
	pi->pid = ps->ps_pid;
	pi->ppid = ps->ps_pptr != NULL ? ps->ps_pptr->ps_pid : 0;
	pi->pgid = ps->ps_pgrp->pg_id;
	pi->sid = session_of(ps)->s_sid;
	pi->uid = ps->ps_cred->cr_ruid;
	pi->gid = ps->ps_cred->cr_rgid;
	pi->euid = ps->ps_cred->cr_uid;
	pi->egid = ps->ps_cred->cr_gid;
	pi->state = (uint32_t)process_state(ps);
	pi->flags = process_flags(ps);
	pi->nthreads = (uint32_t)ps->ps_nthreads;
	pi->launch = launch_id(ps->ps_launch);
	pi->start_ns = ps->ps_start;
	process_cputime(ps, &pi->utime_ns, &pi->stime_ns);
	if (ps->ps_vmspace != NULL) {
		pi->vsize = ps->ps_vmspace->vm_map->m_total * PAGE_SIZE;
		pi->rss = vmspace_rss(ps->ps_vmspace) * PAGE_SIZE;
	}
	memcpy(pi->comm, ps->ps_comm, sizeof(pi->comm));
}

/* Processes with pid > arg, ascending, at most PROCS_MAX: the host asks again from the last one. */
static void
do_procs(struct request *rq)
{
	struct tine_procinfo *pi = kmalloc(PROCS_MAX * sizeof(*pi), 0);
	pid_t pid = (pid_t)rq->rq_arg;
	size_t n = 0;

	if (pi == NULL || pid < 0) {
		kfree(pi);
		reply(rq->rq_id, pid < 0 ? EINVAL : ENOMEM);
		return;
	}
	while (n < PROCS_MAX && (pid = pid_next(pid)) != 0) {
		struct process *ps = zprfind(pid);

		if (ps != NULL)
			process_info(ps, &pi[n++]);
	}
	host_send_wait(TINE_MSG_REPLY, rq->rq_id, 0, pi, n * sizeof(*pi));
	kfree(pi);
}

static void
do_launch(struct request *rq)
{
	int error = launch_begin(rq->rq_id, rq->rq_payload, rq->rq_len);

	if (error != 0)
		reply(rq->rq_id, error);
}

static void
do_events(struct request *rq)
{
	host_events_enable(rq->rq_arg != 0);
	reply(rq->rq_id, 0);
}

static void
do_freeze(struct request *rq)
{
	struct tine_freeze fz;

	if (rq->rq_len != sizeof(fz)) {
		reply(rq->rq_id, EINVAL);
		return;
	}
	memcpy(&fz, rq->rq_payload, sizeof(fz));
	kfree(rq->rq_payload); /* or each clone would have to, and to write to pages for that */
	rq->rq_payload = NULL;
	vmfork_freeze(rq->rq_id, &fz);
}

_Static_assert(sizeof(struct tine_profile_entry) == sizeof(struct profil_entry), "the same");

static void
reply_profile(uint32_t id, const struct process *ps)
{
	size_t n = profil_read(ps, NULL, 0);
	struct profil_entry *buf = n != 0 ? kmalloc(n * sizeof(*buf), 0) : NULL;

	if (n != 0 && buf == NULL) {
		reply(id, ENOMEM);
		return;
	}
	profil_read(ps, buf, n);
	host_send_wait(TINE_MSG_REPLY, id, 0, buf, n * sizeof(*buf));
	kfree(buf);
}

static void
do_profile(struct request *rq)
{
	struct process *ps = zprfind((pid_t)rq->rq_arg);
	const uint32_t *op = rq->rq_payload;

	if (ps == NULL || ps->ps_flags & PS_SYSTEM) {
		reply(rq->rq_id, ESRCH);
	} else if (rq->rq_len != sizeof(*op) || *op < TINE_PROFILE_START ||
		   *op > TINE_PROFILE_READ) {
		reply(rq->rq_id, EINVAL);
	} else if (*op == TINE_PROFILE_READ) {
		reply_profile(rq->rq_id, ps);
	} else {
		(*op == TINE_PROFILE_START ? profil_start : profil_stop)(ps);
		reply(rq->rq_id, 0);
	}
}

static void (*const handlers[])(struct request *) = {
    [TINE_MSG_LAUNCH] = do_launch, [TINE_MSG_SIGNAL] = do_signal,   [TINE_MSG_PUT] = do_put,
    [TINE_MSG_SYSCTL] = do_sysctl, [TINE_MSG_PROCS] = do_procs,     [TINE_MSG_EVENTS] = do_events,
    [TINE_MSG_FREEZE] = do_freeze, [TINE_MSG_PROFILE] = do_profile,
};

void
host_receive(uint16_t type, uint32_t id, uint32_t arg, void *payload, size_t len)
{
	struct request *rq;

	if (stream_receive(type, id, arg, payload, len)) {
		kfree(payload);
		return;
	}
	if (type >= nitems(handlers) || handlers[type] == NULL) {
		kprintf(LOG_WARNING, "host: unknown message type %u", type);
		kfree(payload);
		return;
	}
	if ((rq = kmalloc(sizeof(*rq), 0)) == NULL) {
		kfree(payload);
		(void)hostchan_send(TINE_MSG_REPLY, id, ENOMEM, NULL, 0);
		return;
	}
	*rq = (struct request){
	    .rq_type = type, .rq_id = id, .rq_arg = arg, .rq_payload = payload, .rq_len = len};
	TAILQ_INSERT_TAIL(&requests, rq, rq_link);
	wakeup(initproc);
}

/* ---- process 1 ---- */

static bool
serve_one(void)
{
	struct request *first = TAILQ_FIRST(&requests), rq;

	if (first == NULL)
		return false;
	TAILQ_REMOVE(&requests, first, rq_link);
	rq = *first;
	kfree(first); /* not later: a freeze keeps what there is */
	handlers[rq.rq_type](&rq);
	kfree(rq.rq_payload);
	return true;
}

/* reap_one() reports the end of launched programs and may not sleep: room is made first. */
static bool
reap_child(void)
{
	pid_t pid;
	int status;

	while (!hostchan_reserve(REPLY_ROOM))
		tsleep(&hostchan_room, 0, "hostch", 0);
	return reap_one(initproc, &pid, &status, NULL);
}

void __noreturn
host_worker(void *arg)
{
	(void)arg;
	STAT_SET(boot_ns, nanouptime());
	host_events_enable(md_boot_events());
	host_send_wait(TINE_MSG_READY, 0, md_boot_refused(), NULL, 0);
	hostchan_poll(); /* a clone: what came before we listened rang no bell */
	for (;;) {
		while (reap_child() || serve_one())
			;
		tsleep(initproc, 0, "init", 0);
	}
}
