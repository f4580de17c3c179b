/* SPDX-License-Identifier: ISC */
/* fork.h: what fork1() needs of its neighbours, and the boot process (kern_fork.c). */
#ifndef SYS_FORK_H
#define SYS_FORK_H

#include <sys/types.h>

struct thread;
struct process;
struct sigacts;
struct vnode;

/* kern_fork.c */
struct thread *process0_init(struct thread *, struct process *);
void process0_finish(struct process *);

/* Executables: a reference that also counts the text as busy (ETXTBSY); kern_text.c. */
struct vnode *vhold_text(struct vnode *);
void vrele_text(struct vnode *);
/* Reference-counted path string of the executable (kern_text.c); ps_exepath; NULL is allowed. */
char *exepath_new(const char *path); /* refs 1, or NULL */
char *exepath_hold(char *);
void exepath_free(char *);

/* All handlers default, ignored stay ignored: CLONE_CLEAR_SIGHAND (kern_sig.c). NULL = no memory.
 */
struct sigacts *sigacts_clear_handlers(const struct sigacts *);
/* ITIMER_REAL has run out; arg is the process (sys_time.c). */
void realitimer_expire(void *process);
/* CLONE_PIDFD: make a pidfd in td's process and store its number at uaddr (sys_pidfd.c). */
int fork_pidfd(struct thread *td, struct process *child, vaddr_t uaddr);

#endif
