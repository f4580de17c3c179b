/* SPDX-License-Identifier: ISC */
/* sys_anonfile.c: what files without a name have in common. */
#include <sys/anonfile.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>

/* Of a file that never got a descriptor: its data is not closed with it. */
static const struct fileops anonfile_deadops = {.fo_name = "dead"};

int
anonfile_stat(struct file *fp, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = 0600;
	st->st_ino = fp->f_id;
	st->st_nlink = 1;
	st->st_blksize = (int64_t)PAGE_SIZE;
	return 0;
}

int
anonfile_install(struct thread *td, const struct fileops *ops, int flags, void *data, long *retval)
{
	struct file *fp = file_alloc(ops, O_RDWR | (flags & O_NONBLOCK), data);
	int error, fd;

	if (fp == NULL)
		return ENFILE;
	error = fd_install(td->td_proc, fp, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0, &fd);
	if (error == 0) {
		*retval = fd;
		return 0;
	}
	fp->f_ops = &anonfile_deadops; /* data stays the caller's */
	file_release(fp);
	return error;
}

int
anonfile_sleep(struct file *fp, const void *chan, const char *wmesg)
{
	int error;

	if (fp->f_flags & O_NONBLOCK)
		return EAGAIN;
	error = tsleep(chan, PCATCH, wmesg, 0);
	return error == EINTR ? ERESTART : error;
}
