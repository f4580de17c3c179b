/* SPDX-License-Identifier: ISC */
/* devices.h: character devices without hardware (fs/dev_mem.c, fs/dev_vmgenid.c). */
#ifndef SYS_DEVICES_H
#define SYS_DEVICES_H

#include <sys/file.h>

extern const struct fileops null_fileops, zero_fileops, full_fileops, random_fileops;

int vmgenid_open(struct vnode *, struct file *, int flags, struct thread *);

#endif
