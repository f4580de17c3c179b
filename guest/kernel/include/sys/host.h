/* SPDX-License-Identifier: ISC */
/*
 * host.h: the kernel's side of the conversation with the host (kern_host.c), and what the arch's
 * channel driver (hostchan.c) supplies.  Message types and payloads: machine/hostmsg.h.
 */
#ifndef SYS_HOST_H
#define SYS_HOST_H

#include <sys/types.h>
#include <machine/hostmsg.h>

/* ---- supplied by the channel driver (arch) ---- */
/* Send one logical message (fragmented); EAGAIN when the ring has no room for all of it now: sleep
 * on &hostchan_room and try again, or give up.  Never sleeps.  The host is told when the kernel has
 * nothing more to do (TDF_TELLHOST), so that it is woken once for all that a system call, or the
 * end of a program, has to say. */
int hostchan_send(uint16_t type, uint32_t id, uint32_t arg, const void *payload, size_t len);
extern int hostchan_room; /* sleep channel: woken when the host has freed ring space */
/* Is there room now for a message of so many bytes?  If not, &hostchan_room is woken and
 * host_room() called when the host has made some. */
bool hostchan_reserve(size_t payload);
void hostchan_tell(void);    /* ring the host now if it is to be told of something */
size_t hostchan_space(void); /* payload bytes that fit right now in one unfragmented message */
/* Drain the H2G ring and call host_receive() for each complete logical message; runs in the context
 * of the interrupt (user mode or idle), must not sleep. */
void hostchan_poll(void);

/* ---- called by the channel driver ---- */
/* Ownership of payload (kmalloc'd, may be NULL) passes to the callee. */
void host_receive(uint16_t type, uint32_t id, uint32_t arg, void *payload, size_t len);
/* The host has made room in the ring since hostchan_send() or hostchan_reserve() found none. */
void host_room(void);

/* ---- used by the rest of the kernel ---- */
/* The worker (runs as init, pid 1): handles queued requests in process context; never returns. */
void __noreturn host_worker(void *arg);
struct process;
void host_event_fork(struct process *parent, struct process *child, int how);
void host_event_exec(struct process *);
void host_event_exit(struct process *);
/* A launched process has become a zombie and is reaped by init: tell the host. */
void host_launch_exited(struct process *, int status);
void host_log(int level, const char *line, size_t len);

#endif
