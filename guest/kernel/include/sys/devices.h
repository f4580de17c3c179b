/* SPDX-License-Identifier: ISC */
/* devices.h: character devices without hardware (fs/dev_mem.c). */
#ifndef SYS_DEVICES_H
#define SYS_DEVICES_H

#include <sys/file.h>

extern const struct fileops null_fileops, zero_fileops, full_fileops, random_fileops;

#endif
