/* SPDX-License-Identifier: ISC */
/*
 * zygote.h: a process that VMM processes are forked from, instead of executing each anew.
 *
 * It is a `tine vmm` that has done what does not depend on the sandbox: it has been loaded, has
 * opened /dev/kvm, has looked for nested paging, has gone to jail, and has loaded a system call
 * filter, of which its children take back what only they need (jail.h).  Then it waits, single
 * threaded, on the socket that would be the control socket of a VMM process.  What it forks goes on
 * as an idle process of the pool would, and is a child of the zygote's parent, not of the zygote:
 * to that parent it is no different from a process that it has executed.
 */
#ifndef TINE_VMM_ZYGOTE_H
#define TINE_VMM_ZYGOTE_H

#include <stdbool.h>
#include <sys/types.h>

struct control;
struct tine_error;
struct tine_template;

/* Records on the zygote's socket: each request has one answer. */
enum zygote_message {
	ZYGOTE_FORK = 104,   /* with a control socket */
	ZYGOTE_FORKED = 105, /* id: the child's pid, or 0 and arg: errno */
	/* With template and perhaps root image: what is forked from now on holds it already, and
	 * need not be sent it. */
	ZYGOTE_HOLD = 106,
	ZYGOTE_HELD = 107, /* arg: errno, then no template is held */
};

/* ---- zygote.c: in its parent ---- */

struct zygote;

/* One whose children are in this jail.  Its process is started when it is needed, and again when it
 * has died; always by the same thread, whose end ends it and its children. */
int zygote_create(unsigned jail, struct zygote **out, struct tine_error *error);
/* From now on children are to hold this template; NULL: none. */
void zygote_prefer(struct zygote *zygote, struct tine_template *tmpl);
/* A child of this process with this control socket, in a process group of its own.  *held is the
 * template that it holds, borrowed, or NULL.  0 or -errno: there is no child then. */
int zygote_fork(struct zygote *zygote, int control, pid_t *pid, struct tine_template **held);
void zygote_destroy(struct zygote *zygote);

/* ---- zygote_main.c: the process itself ---- */

/* Serve requests until the parent has gone (-EPIPE; else another -errno).  Children leave by run(),
 * which does not return; their control socket has the zygote socket's number. */
int zygote_serve(struct control *c, void (*run)(struct control *c));

#endif
