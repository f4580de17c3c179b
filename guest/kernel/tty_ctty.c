/* SPDX-License-Identifier: ISC */
/* tty_ctty.c: terminals and job control: sessions, foreground groups, background access. */
#include <sys/ttyvar.h>
#include <sys/proc.h>
#include <sys/systm.h>

static struct session *
session_of_thread(const struct thread *td)
{
	return td->td_proc->ps_pgrp->pg_session;
}

bool
tty_is_ctty(const struct tty *tp, const struct thread *td)
{
	const struct session *s = session_of_thread(td);

	return s->s_tty == tp && (td->td_proc->ps_flags & PS_CONTROLT) != 0;
}

struct tty *
tty_from_vnode_ctty(struct thread *td)
{
	struct tty *tp = session_of_thread(td)->s_tty;

	if (tp == NULL || !(td->td_proc->ps_flags & PS_CONTROLT))
		return NULL;
	tty_hold(tp);
	return tp;
}

/* The foreground group; its number may have been taken by a group of another session since. */
static struct pgrp *
foreground(const struct tty *tp)
{
	struct pgrp *pg = tp->t_pgid != 0 ? pgfind(tp->t_pgid) : NULL;

	return pg != NULL && pg->pg_session == tp->t_session ? pg : NULL;
}

void
tty_signal(struct tty *tp, int sig)
{
	struct pgrp *pg = foreground(tp);

	if (pg != NULL)
		pgsignal(pg, sig, false);
}

int
tty_set_ctty(struct tty *tp, struct thread *td)
{
	struct session *s = session_of_thread(td);

	if (s->s_tty == tp && tp->t_session == s)
		return 0;
	if (s->s_leader != td->td_proc || s->s_tty != NULL || tp->t_session != NULL)
		return EPERM;
	tty_hold(tp);
	s->s_tty = tp;
	tp->t_session = s;
	tp->t_pgid = td->td_proc->ps_pgrp->pg_id;
	td->td_proc->ps_flags |= PS_CONTROLT;
	return 0;
}

/* TIOCSCTTY with argument 1: the superuser may take a terminal away from another session. */
static int
steal_ctty(struct tty *tp, struct thread *td)
{
	struct session *old = tp->t_session;
	int error;

	if (session_of_thread(td)->s_leader != td->td_proc || session_of_thread(td)->s_tty != NULL)
		return EPERM;
	tp->t_session = NULL;
	if ((error = tty_set_ctty(tp, td)) != 0) {
		tp->t_session = old;
		return error;
	}
	old->s_tty = NULL;
	tty_release(tp);
	return 0;
}

/* TIOCNOTTY: the leader takes the terminal away from its whole session. */
static int
give_up_ctty(struct tty *tp, struct thread *td)
{
	struct process *p = td->td_proc;
	struct session *s = session_of_thread(td);

	if (!tty_is_ctty(tp, td))
		return ENOTTY;
	p->ps_flags &= ~PS_CONTROLT;
	if (s->s_leader != p)
		return 0;
	tty_signal(tp, SIGHUP);
	tty_signal(tp, SIGCONT);
	s->s_tty = NULL;
	tp->t_session = NULL;
	tp->t_pgid = 0;
	tty_release(tp);
	return 0;
}

/*
 * Access from the background: 0 if td may go on; EIO if it cannot be stopped; else its group has
 * been sent sig and the call is made again when it continues.
 */
int
tty_background(struct tty *tp, struct thread *td, int sig)
{
	struct process *p = td->td_proc;

	if (!tty_is_ctty(tp, td) || tp->t_pgid == 0 || p->ps_pgrp->pg_id == tp->t_pgid)
		return 0;
	if (td->td_sigmask & sigmask(sig) || p->ps_sigacts->sa_act[sig - 1].sa_handler == SIG_IGN)
		return sig == SIGTTIN ? EIO : 0;
	if (isorphaned(p->ps_pgrp))
		return EIO;
	pgsignal(p->ps_pgrp, sig, false);
	return ERESTART;
}

static int
set_pgrp(struct tty *tp, struct thread *td, vaddr_t arg)
{
	struct pgrp *pg;
	int32_t pgid;
	int error;

	if (!tty_is_ctty(tp, td))
		return ENOTTY;
	if ((error = tty_background(tp, td, SIGTTOU)) != 0)
		return error;
	if (copyin((void *)arg, &pgid, sizeof(pgid)) != 0)
		return EFAULT;
	if (pgid < 0)
		return EINVAL;
	if ((pg = pgfind(pgid)) == NULL)
		return ESRCH;
	if (pg->pg_session != session_of_thread(td))
		return EPERM;
	tp->t_pgid = pgid;
	return 0;
}

static int
put_id(vaddr_t arg, pid_t id)
{
	return copyout(&id, (void *)arg, sizeof(id));
}

/* The calls about sessions; a pty master may ask about a terminal that is not its own. */
int
tty_ctty_ioctl(struct tty *tp, unsigned long cmd, vaddr_t arg, struct thread *td, bool master)
{
	switch (cmd) {
	case TIOCSCTTY:
		if (tp->t_session != NULL && tp->t_session != session_of_thread(td) && arg == 1 &&
		    suser(td))
			return steal_ctty(tp, td);
		return tty_set_ctty(tp, td);
	case TIOCNOTTY:
		return give_up_ctty(tp, td);
	case TIOCGPGRP:
		return master || tty_is_ctty(tp, td) ? put_id(arg, tp->t_pgid) : ENOTTY;
	case TIOCSPGRP:
		return set_pgrp(tp, td, arg);
	case TIOCGSID:
		if (tp->t_session == NULL || !(master || tty_is_ctty(tp, td)))
			return ENOTTY;
		return put_id(arg, tp->t_session->s_sid);
	default:
		return ENOTTY;
	}
}
