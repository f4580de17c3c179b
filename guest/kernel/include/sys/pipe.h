/* SPDX-License-Identifier: ISC */
/* pipe.h: a pipe's inside, shared by pipes (fs/pipe.c) and FIFOs (fs/fifo.c). */
#ifndef SYS_PIPE_H
#define SYS_PIPE_H

#include <sys/types.h>
#include <sys/poll.h>
#include <sys/file.h>

#define PIPE_BUF 4096U           /* writes up to this size are not torn */
#define PIPE_PAGES 16U           /* default capacity in pages */
#define PIPE_SIZE_MAX (1U << 20) /* fs.pipe-max-size: for users without privilege */

struct page;
struct pipe {
	uint32_t pp_start; /* offset of the first byte in the ring */
	uint32_t pp_len;   /* bytes in it */
	uint32_t
	    pp_npages; /* pages of the ring, a power of two; frames come with the first write */
	uint32_t pp_readers, pp_writers; /* open ends */
	uint32_t pp_rgen, pp_wgen;       /* ends ever opened: what a blocking open waits for */
	bool pp_rsleep, pp_wsleep;       /* somebody may be asleep on &pp_rsleep, &pp_wsleep */
	struct page **pp_pages;          /* pp_inline, or larger after F_SETPIPE_SZ */
	struct pollhead pp_poll;
	struct vnode *pp_vnode; /* FIFO: whose v_special we are; not referenced: open files do */
	uint64_t pp_id;         /* inode number */
	uint32_t pp_refs;       /* vnodes of /proc/PID/fd that name an anonymous pipe */
	uint32_t pp_uid, pp_gid;
	struct page *pp_inline[PIPE_PAGES];
};
extern const struct fileops pipe_fileops;

struct pipe *pipe_new(void);                /* no ends, or NULL */
void pipe_unref(struct pipe *);             /* frees when nobody has it */
void pipe_addend(struct pipe *, int flags); /* a file with these flags opens it */
void pipe_dropend(struct pipe *, int flags);
struct stat;
void pipe_getattr(const struct pipe *, struct stat *); /* of one without a name */
/* A vnode that opens as another end of the pipe of fp: /proc/PID/fd/N. ENOMEM. */
struct mount;
int pipe_vnode(struct file *fp, struct mount *, struct vnode **);

#endif
