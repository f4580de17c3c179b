/* SPDX-License-Identifier: ISC */
/* hosted.h: what the tests see of the kernel sources they are linked with. */
#ifndef HOSTED_H
#define HOSTED_H

#include <stddef.h>
#include <stdint.h>

/* Boot the file tree over an image (copied; NULL = none).. */
void hosted_boot(const void *image, size_t size);
/* Ids of the running process. */
void hosted_set_ids(unsigned uid, unsigned gid);
void hosted_leave_chroot(void);
uint64_t hosted_objects(void);     /* kernel allocations not freed */
uint64_t hosted_frames(void);      /* frames in use */
extern int64_t hosted_fail_at;     /* > 0: the n-th allocation from now fails once */
extern int hosted_signals;         /* signals sent */
extern int hosted_quiet;           /* keep the kernel's log to itself */
void hosted_switch_process(int n); /* 0 or 1: two processes with their own descriptors */
/* Mount an image of exactly this size and read everything in it; 0 or an errno.  *sum: of all that
 * was read, *nodes: how many inodes. */
int hosted_erofs_walk(const void *image, size_t size, uint64_t *sum, uint64_t *nodes);
int hosted_put(const char *path, const void *data, size_t len);

/* System calls by name: value or -errno. */
typedef int hosted_sys(void *td, const uint64_t *a, long *retval);
long hosted_call(hosted_sys *, const uint64_t *a);
#define HOSTED_SYSCALL(name) hosted_sys sys_##name
#define CALL(name, ...)                                                                            \
	({                                                                                         \
		HOSTED_SYSCALL(name);                                                              \
		uint64_t args_[6 + 1] = {HOSTED_ARGS(__VA_ARGS__)};                                \
		hosted_call(sys_##name, args_);                                                    \
	})
#define HOSTED_ARGS(...)                                                                           \
	HOSTED_PICK(__VA_ARGS__, HOSTED_6, HOSTED_5, HOSTED_4, HOSTED_3, HOSTED_2, HOSTED_1)       \
	(__VA_ARGS__)
#define HOSTED_PICK(a, b, c, d, e, f, pick, ...) pick
#define HOSTED_1(a) (uint64_t)(a)
#define HOSTED_2(a, b) (uint64_t)(a), (uint64_t)(b)
#define HOSTED_3(a, b, c) HOSTED_2(a, b), (uint64_t)(c)
#define HOSTED_4(a, b, c, d) HOSTED_3(a, b, c), (uint64_t)(d)
#define HOSTED_5(a, b, c, d, e) HOSTED_4(a, b, c, d), (uint64_t)(e)
#define HOSTED_6(a, b, c, d, e, f) HOSTED_5(a, b, c, d, e), (uint64_t)(f)

#endif
