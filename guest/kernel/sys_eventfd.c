/* SPDX-License-Identifier: ISC */
/* sys_eventfd.c: eventfd: a 64-bit counter to wait for. */
#include <sys/anonfile.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>

#define EFD_SEMAPHORE 1
#define EVENTFD_MAX (UINT64_MAX - 1)

struct eventfd {
	uint64_t ev_count;
	bool ev_semaphore;
	struct pollhead ev_poll;
};

static void
eventfd_changed(struct eventfd *ev, int events)
{
	wakeup(ev);
	pollwakeup(&ev->ev_poll, events);
}

static int
eventfd_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct eventfd *ev = fp->f_data;
	uint64_t value;
	int error;

	if (uio->uio_resid < sizeof(value))
		return EINVAL;
	while (ev->ev_count == 0)
		if ((error = anonfile_sleep(fp, ev, "eventfd")) != 0)
			return error;
	value = ev->ev_semaphore ? 1 : ev->ev_count;
	ev->ev_count -= value;
	eventfd_changed(ev, POLLOUT | POLLWRNORM);
	return uiomove(&value, sizeof(value), uio);
}

static int
eventfd_write(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct eventfd *ev = fp->f_data;
	uint64_t value;
	int error;

	if (uio->uio_resid < sizeof(value))
		return EINVAL;
	if ((error = uiomove(&value, sizeof(value), uio)) != 0)
		return error;
	if (value == UINT64_MAX)
		error = EINVAL;
	while (error == 0 && value > EVENTFD_MAX - ev->ev_count)
		error = anonfile_sleep(fp, ev, "eventfd");
	if (error != 0) {
		uio->uio_resid += sizeof(value); /* not taken after all */
		return error;
	}
	ev->ev_count += value;
	if (value > 0)
		eventfd_changed(ev, POLLIN | POLLRDNORM);
	return 0;
}

static int
eventfd_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	struct eventfd *ev = fp->f_data;

	poll_record(ctx, &ev->ev_poll);
	return (ev->ev_count > 0 ? POLLIN | POLLRDNORM : 0) |
	       (ev->ev_count < EVENTFD_MAX ? POLLOUT | POLLWRNORM : 0);
}

static void
eventfd_close(struct file *fp)
{
	struct eventfd *ev = fp->f_data;

	pollhead_destroy(&ev->ev_poll);
	kfree(ev);
}

static const struct fileops eventfd_fileops = {
    .fo_read = eventfd_read,
    .fo_write = eventfd_write,
    .fo_poll = eventfd_poll,
    .fo_stat = anonfile_stat,
    .fo_close = eventfd_close,
    .fo_name = "eventfd",
};

static int
kern_eventfd(struct thread *td, uint32_t count, int flags, long *retval)
{
	struct eventfd *ev;
	int error;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE))
		return EINVAL;
	ev = kmalloc(sizeof(*ev), M_ZERO);
	if (ev == NULL)
		return ENOMEM;
	ev->ev_count = count;
	ev->ev_semaphore = flags & EFD_SEMAPHORE;
	pollhead_init(&ev->ev_poll);
	error = anonfile_install(td, &eventfd_fileops, flags, ev, retval);
	if (error != 0)
		kfree(ev);
	return error;
}

SYSCALL(eventfd)
{
	return kern_eventfd(td, (uint32_t)a[0], 0, retval);
}

SYSCALL(eventfd2)
{
	return kern_eventfd(td, (uint32_t)a[0], (int32_t)a[1], retval);
}
