/* SPDX-License-Identifier: ISC */
/* anonfile.h: what files without a name have in common: eventfd, epoll, timerfd (sys_anonfile.c).
 */
#ifndef SYS_ANONFILE_H
#define SYS_ANONFILE_H

#include <sys/file.h>

/* A new descriptor for data; flags O_NONBLOCK, O_CLOEXEC.  On error data stays the caller's. */
int anonfile_install(struct thread *, const struct fileops *, int flags, void *data, long *retval);
int anonfile_stat(struct file *, struct stat *);
/* Sleep until wakeup(chan): EAGAIN (O_NONBLOCK) or ERESTART. */
int anonfile_sleep(struct file *, const void *chan, const char *wmesg);

#endif
