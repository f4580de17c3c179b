/* SPDX-License-Identifier: ISC */
/* launch.h: programs launched by the host and their streams (kern_host.c, host_launch.c,
 * host_stream.c). */
#ifndef SYS_LAUNCH_H
#define SYS_LAUNCH_H

#include <sys/exec.h>
#include <sys/file.h>
#include <sys/host.h>
#include <sys/queue.h>
#include <sys/types.h>

struct host_launch;
struct tty;
struct thread;

/* stdout or stderr of a launched program. */
struct host_out {
	struct host_launch *ho_launch;
	uint32_t ho_stream; /* TINE_STREAM_STDOUT or STDERR */
	uint32_t ho_credit; /* bytes the host still takes */
	struct pollhead ho_poll;
};

/* stdin: bytes the host has sent and the program has not read. */
struct host_in {
	uint8_t *hi_buf; /* ring of TINE_STREAM_CREDIT bytes, made when the first byte comes */
	uint32_t hi_head, hi_len;
	uint32_t hi_owed; /* bytes read and not yet given back as credit */
	bool hi_eof;
	struct pollhead hi_poll;
};

struct host_launch {
	LIST_ENTRY(host_launch) l_link;
	uint32_t l_id;   /* the host's handle */
	uint32_t l_refs; /* the process, and each open stream file or terminal */
	struct tine_launch l_msg;
	char *l_path; /* program path, then ... */
	char *l_cwd;  /* ... working directory in the same block */
	struct exec_args l_args;
	char l_why[EXEC_WHY];     /* what a refused exec is about, "" = the program itself */
	struct host_out l_out[2]; /* stdout, stderr */
	struct host_in l_in;
	struct file *l_files[3]; /* until they are installed in the new process */
	struct tty *l_tty;
	bool l_installed; /* the terminal's files belong to the new process now */
};

/* kern_host.c */
void host_send_wait(uint16_t type, uint32_t id, uint32_t arg, const void *payload, size_t len);
void host_events_enable(bool on);

/* host_launch.c */
int launch_begin(uint32_t id, const void *payload, size_t len);
struct host_launch *launch_find(uint32_t id);
uint32_t launch_id(const struct host_launch *);
void launch_release(struct host_launch *);

/* host_stream.c */
int streams_create(struct host_launch *); /* files or terminal for fds 0-2 */
int streams_install(struct host_launch *, struct thread *);
/* Close what was not installed (a launch that failed). */
void streams_close(struct host_launch *);
void streams_free(struct host_launch *);
/* There is room in the ring to the host again: what was held back for it goes on. */
void stream_room(struct host_launch *);
/* STDIN, CREDIT, WINSIZE: true if it was one of these. */
bool stream_receive(uint16_t type, uint32_t id, uint32_t arg, const void *payload, size_t len);

#endif
