/* SPDX-License-Identifier: ISC */
/* sys_timerfd.c: timerfd: expirations of a timer as a readable counter. */
#include <sys/anonfile.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2

struct timerfd {
	struct timeout tf_to;
	nsec_t tf_deadline; /* next expiration, on the clock of tf_to; 0 = disarmed */
	nsec_t tf_interval;
	uint64_t tf_count; /* expirations not read yet */
	int tf_clock;
	bool tf_cancelable; /* TFD_TIMER_CANCEL_ON_SET; in the list below */
	bool tf_canceled;   /* the clock has been set, and nobody was told yet */
	LIST_ENTRY(timerfd) tf_oncancel;
	struct pollhead tf_poll;
};
static LIST_HEAD(, timerfd) cancelable __resume_data;

/*
 * Periods that went by unseen are added up in one step, also when the timer is looked at: the
 * timeout need not fire for each of them while nobody reads.
 */
static void
timerfd_advance(struct timerfd *tf)
{
	nsec_t now = timeout_now(&tf->tf_to);
	uint64_t n;

	if (tf->tf_deadline == 0 || now < tf->tf_deadline)
		return;
	if (tf->tf_interval == 0) {
		tf->tf_count++;
		tf->tf_deadline = 0;
		return;
	}
	n = (now - tf->tf_deadline) / tf->tf_interval + 1;
	tf->tf_count += n;
	tf->tf_deadline += n * tf->tf_interval;
}

static void
timerfd_expire(void *arg)
{
	struct timerfd *tf = arg;

	timerfd_advance(tf);
	if (tf->tf_count == 0) { /* early */
		timeout_add_abs(&tf->tf_to, tf->tf_deadline);
		return;
	}
	wakeup(tf);
	pollwakeup(&tf->tf_poll, POLLIN | POLLRDNORM);
}

static void
timerfd_rearm(struct timerfd *tf)
{
	if (tf->tf_deadline != 0)
		timeout_add_abs(&tf->tf_to, tf->tf_deadline);
	else
		timeout_del(&tf->tf_to);
}

static void
set_cancelable(struct timerfd *tf, bool on)
{
	if (on == tf->tf_cancelable)
		return;
	tf->tf_cancelable = on;
	if (on)
		LIST_INSERT_HEAD(&cancelable, tf, tf_oncancel);
	else
		LIST_REMOVE(tf, tf_oncancel);
}

void
timerfd_clock_was_set(void)
{
	struct timerfd *tf;

	LIST_FOREACH (tf, &cancelable, tf_oncancel) {
		tf->tf_canceled = true;
		wakeup(tf);
		pollwakeup(&tf->tf_poll, POLLIN | POLLRDNORM);
	}
}

/* To be told once. */
static bool
timerfd_take_cancel(struct timerfd *tf)
{
	bool canceled = tf->tf_cancelable && tf->tf_canceled;

	tf->tf_canceled = false;
	return canceled;
}

static int
timerfd_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct timerfd *tf = fp->f_data;
	uint64_t count;
	int error;

	if (uio->uio_resid < sizeof(count))
		return EINVAL;
	for (;;) {
		if (timerfd_take_cancel(tf)) {
			tf->tf_count = 0;
			return ECANCELED;
		}
		timerfd_advance(tf);
		if (tf->tf_count > 0)
			break;
		if ((error = anonfile_sleep(fp, tf, "timerfd")) != 0)
			return error;
	}
	count = tf->tf_count;
	tf->tf_count = 0;
	timerfd_rearm(tf);
	return uiomove(&count, sizeof(count), uio);
}

static int
timerfd_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	struct timerfd *tf = fp->f_data;

	poll_record(ctx, &tf->tf_poll);
	timerfd_advance(tf);
	return tf->tf_count > 0 || (tf->tf_cancelable && tf->tf_canceled) ? POLLIN | POLLRDNORM : 0;
}

static void
timerfd_close(struct file *fp)
{
	struct timerfd *tf = fp->f_data;

	set_cancelable(tf, false);
	timeout_release(&tf->tf_to);
	pollhead_destroy(&tf->tf_poll);
	kfree(tf);
}

static const struct fileops timerfd_fileops = {
    .fo_read = timerfd_read,
    .fo_poll = timerfd_poll,
    .fo_stat = anonfile_stat,
    .fo_close = timerfd_close,
    .fo_name = "timerfd",
};

SYSCALL(timerfd_create)
{
	int clock = (int32_t)a[0], flags = (int32_t)a[1], error;
	struct timerfd *tf;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return EINVAL;
	tf = kmalloc(sizeof(*tf), M_ZERO);
	if (tf == NULL)
		return ENOMEM;
	tf->tf_clock = clock;
	pollhead_init(&tf->tf_poll);
	timeout_set(&tf->tf_to, timerfd_expire, tf);
	if ((error = timeout_reserve(&tf->tf_to)) != 0) {
		kfree(tf);
		return error;
	}
	error = anonfile_install(td, &timerfd_fileops, flags, tf, retval);
	if (error != 0) {
		timeout_release(&tf->tf_to);
		kfree(tf);
	}
	return error;
}

static void
timerfd_get(struct timerfd *tf, struct itimerspec *its)
{
	nsec_t now = timeout_now(&tf->tf_to);

	timerfd_advance(tf);
	ns_to_ts(tf->tf_interval, &its->it_interval);
	ns_to_ts(tf->tf_deadline > now ? tf->tf_deadline - now : tf->tf_deadline != 0,
		 &its->it_value);
}

/* Times far out are brought in so that sums stay in range. */
static nsec_t
ts_clamped(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec >= INT64_MAX / 2 / NSEC_PER_SEC ? INT64_MAX / 2 : ts_to_ns(ts);
}

/* ECANCELED: the timer is set, but the clock has been, too, since it could be canceled. */
static int
timerfd_set(struct timerfd *tf, const struct itimerspec *its, int flags)
{
	nsec_t value = ts_clamped(&its->it_value);
	bool absolute = flags & TFD_TIMER_ABSTIME;

	timeout_del(&tf->tf_to);
	tf->tf_interval = ts_clamped(&its->it_interval);
	tf->tf_deadline =
	    value != 0 ? clock_deadline(tf->tf_clock, value, absolute, &tf->tf_to.to_wall) : 0;
	tf->tf_count = 0;
	timerfd_rearm(tf);
	set_cancelable(tf, absolute && flags & TFD_TIMER_CANCEL_ON_SET &&
			       clock_is_realtime(tf->tf_clock));
	return timerfd_take_cancel(tf) && value != 0 ? ECANCELED : 0;
}

static int
timerfd_find(struct thread *td, uint64_t fd, struct file **fpp)
{
	int error = getfile(td, (int32_t)fd, fpp);

	if (error == 0 && (*fpp)->f_ops != &timerfd_fileops) {
		file_release(*fpp);
		error = EINVAL;
	}
	return error;
}

SYSCALL(timerfd_settime)
{
	int flags = (int32_t)a[1], error;
	struct itimerspec its, old;
	struct file *fp;

	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return EINVAL;
	if (copyin((void *)a[2], &its, sizeof(its)) != 0)
		return EFAULT;
	if (!ts_valid(&its.it_value) || !ts_valid(&its.it_interval))
		return EINVAL;
	if ((error = timerfd_find(td, a[0], &fp)) != 0)
		return error;
	timerfd_get(fp->f_data, &old);
	error = timerfd_set(fp->f_data, &its, flags);
	file_release(fp);
	if (error != 0 || a[3] == 0)
		return error;
	return copyout(&old, (void *)a[3], sizeof(old));
}

SYSCALL(timerfd_gettime)
{
	struct itimerspec its;
	struct file *fp;
	int error;

	if ((error = timerfd_find(td, a[0], &fp)) != 0)
		return error;
	timerfd_get(fp->f_data, &its);
	file_release(fp);
	return copyout(&its, (void *)a[1], sizeof(its));
}
