/* SPDX-License-Identifier: ISC */
/*
 * kern_forkwatch.c: descriptors that report fork, exec and exit of other processes (row D3).
 *
 * A descriptor watches one process, or all of them.  Its queue is bounded and part of it, so that
 * an event needs no memory and cannot fail; what does not fit is counted and reported as one
 * overflow record in its place.  What a watcher may see is decided at each event, as the watched
 * process may have changed its user meanwhile.
 */
#include <sys/anonfile.h>
#include <sys/forkvar.h>
#include <sys/forkwatch.h>
#include <sys/kmem.h>
#include <sys/native.h>
#include <sys/poll.h>
#include <sys/syscall.h>
#include <sys/systm.h>

#define QUEUE 44 /* records; the whole fits a 2 KiB block */
#define NOTE_ALL (NOTE_FORK | NOTE_EXEC | NOTE_EXIT)

struct forkwatch {
	LIST_ENTRY(forkwatch) fw_link; /* ps_watches of the process, or allwatches */
	struct cred *fw_cred;          /* who watches */
	uint32_t fw_mask;
	bool fw_done; /* the process has exited: in no list any more */
	uint32_t fw_first, fw_count;
	uint64_t fw_lost;
	struct pollhead fw_poll;
	struct forkwatch_event fw_queue[QUEUE];
};
_Static_assert(sizeof(struct forkwatch) <= 2016, "one small block of kernel memory");
_Static_assert(sizeof(struct forkwatch_event) == 32, "ABI");

static LIST_HEAD(, forkwatch) allwatches;

/* ---- the queue ---- */

static void
enqueue(struct forkwatch *fw, const struct forkwatch_event *ev)
{
	fw->fw_queue[(fw->fw_first + fw->fw_count++) % QUEUE] = *ev;
}

static struct forkwatch_event
overflow_event(struct forkwatch *fw)
{
	struct forkwatch_event ev = {
	    .kind = FORKWATCH_OVERFLOW, .time_ns = nanouptime(), .lost = fw->fw_lost};

	fw->fw_lost = 0;
	return ev;
}

/* After a loss the report of it comes first, so there must be room for both. */
static void
post(struct forkwatch *fw, const struct forkwatch_event *ev)
{
	if (fw->fw_count + (fw->fw_lost > 0) >= QUEUE) {
		fw->fw_lost++;
		return;
	}
	if (fw->fw_lost > 0) {
		struct forkwatch_event lost = overflow_event(fw);

		enqueue(fw, &lost);
	}
	enqueue(fw, ev);
}

static void
notify(struct forkwatch *fw)
{
	wakeup(fw);
	pollwakeup(&fw->fw_poll, POLLIN | POLLRDNORM | (fw->fw_done ? POLLHUP : 0));
}

/* ---- events ---- */

/* The rule for looking into another process: same user in every respect, or root. */
static bool
may_watch(const struct cred *cr, const struct process *ps)
{
	const struct cred *to = ps->ps_cred;

	return cr->cr_uid == 0 || (cr->cr_uid == to->cr_uid && cr->cr_uid == to->cr_ruid &&
				   cr->cr_uid == to->cr_svuid && !(ps->ps_flags & PS_SUGID));
}

static void
offer(struct forkwatch *fw, const struct process *ps, uint32_t note,
      const struct forkwatch_event *ev)
{
	if (!(fw->fw_mask & note) || !may_watch(fw->fw_cred, ps))
		return;
	post(fw, ev);
	notify(fw);
}

static bool
watched(const struct process *ps)
{
	return !LIST_EMPTY(&ps->ps_watches) || !LIST_EMPTY(&allwatches);
}

static void
event(struct process *ps, uint32_t note, struct forkwatch_event ev)
{
	struct forkwatch *fw;

	ev.pid = ps->ps_pid;
	ev.time_ns = nanouptime();
	LIST_FOREACH (fw, &ps->ps_watches, fw_link)
		offer(fw, ps, note, &ev);
	LIST_FOREACH (fw, &allwatches, fw_link)
		offer(fw, ps, note, &ev);
}

void
forkwatch_fork(struct process *parent, struct process *child, uint32_t flags)
{
	if (watched(parent))
		event(parent, NOTE_FORK,
		      (struct forkwatch_event){.kind = FORKWATCH_FORK,
					       .other = child->ps_pid,
					       .status = fork_kind(flags)});
}

void
forkwatch_exec(struct process *ps)
{
	if (watched(ps))
		event(ps, NOTE_EXEC, (struct forkwatch_event){.kind = FORKWATCH_EXEC});
}

/* Whatever its watchers were allowed to see, they learn that there is no more to come. */
void
forkwatch_exit(struct process *ps)
{
	struct forkwatch *fw;

	if (watched(ps))
		event(ps, NOTE_EXIT,
		      (struct forkwatch_event){.kind = FORKWATCH_EXIT, .status = ps->ps_xstat});
	while ((fw = LIST_FIRST(&ps->ps_watches)) != NULL) {
		LIST_REMOVE(fw, fw_link);
		fw->fw_done = true;
		notify(fw);
	}
}

/* ---- the descriptor ---- */

static bool
take(struct forkwatch *fw, struct forkwatch_event *ev)
{
	if (fw->fw_count > 0) {
		*ev = fw->fw_queue[fw->fw_first];
		fw->fw_first = (fw->fw_first + 1) % QUEUE;
		fw->fw_count--;
		return true;
	}
	if (fw->fw_lost == 0)
		return false;
	*ev = overflow_event(fw);
	return true;
}

/* Whole records, as many as fit; end of file once the process has exited. */
static int
forkwatch_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct forkwatch *fw = fp->f_data;
	struct forkwatch_event ev;
	int error = 0;

	if (uio->uio_resid < sizeof(ev))
		return EINVAL;
	while (fw->fw_count == 0 && fw->fw_lost == 0 && !fw->fw_done)
		if ((error = anonfile_sleep(fp, fw, "forkwatch")) != 0)
			return error;
	while (error == 0 && uio->uio_resid >= sizeof(ev) && take(fw, &ev))
		error = uiomove(&ev, sizeof(ev), uio);
	return error;
}

static int
forkwatch_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	struct forkwatch *fw = fp->f_data;

	poll_record(ctx, &fw->fw_poll);
	return (fw->fw_count > 0 || fw->fw_lost > 0 ? POLLIN | POLLRDNORM : 0) |
	       (fw->fw_done ? POLLIN | POLLRDNORM | POLLHUP : 0);
}

static void
forkwatch_destroy(struct forkwatch *fw)
{
	if (!fw->fw_done)
		LIST_REMOVE(fw, fw_link);
	crfree(fw->fw_cred);
	kfree(fw);
}

static void
forkwatch_close(struct file *fp)
{
	struct forkwatch *fw = fp->f_data;

	pollhead_destroy(&fw->fw_poll);
	forkwatch_destroy(fw);
}

static const struct fileops forkwatch_fileops = {
    .fo_read = forkwatch_read,
    .fo_poll = forkwatch_poll,
    .fo_stat = anonfile_stat,
    .fo_close = forkwatch_close,
    .fo_name = "forkwatch",
};

/* pid 0 is everybody, for root only. */
static int
find_watched(const struct thread *td, pid_t pid, struct process **psp)
{
	*psp = NULL;
	if (pid < 0)
		return EINVAL;
	if (pid == 0)
		return suser(td) ? 0 : EPERM;
	if ((*psp = prfind(pid)) == NULL || (*psp)->ps_flags & PS_EXITING)
		return ESRCH;
	return may_watch(td->td_proc->ps_cred, *psp) ? 0 : EPERM;
}

SYSCALL(forkwatch_open)
{
	uint32_t mask = (uint32_t)a[1];
	int flags = (int32_t)a[2], error;
	struct process *ps;
	struct forkwatch *fw;

	if (mask == 0 || mask & ~NOTE_ALL || flags & ~(O_CLOEXEC | O_NONBLOCK))
		return EINVAL;
	if ((error = find_watched(td, (pid_t)a[0], &ps)) != 0)
		return error;
	if ((fw = kmalloc(sizeof(*fw), M_ZERO)) == NULL)
		return ENOMEM;
	fw->fw_cred = crhold(td->td_proc->ps_cred);
	fw->fw_mask = mask;
	pollhead_init(&fw->fw_poll);
	if (ps != NULL)
		LIST_INSERT_HEAD(&ps->ps_watches, fw, fw_link);
	else
		LIST_INSERT_HEAD(&allwatches, fw, fw_link);
	error = anonfile_install(td, &forkwatch_fileops, flags, fw, retval);
	if (error != 0)
		forkwatch_destroy(fw);
	return error;
}
