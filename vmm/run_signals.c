/* SPDX-License-Identifier: ISC */
/* run_signals.c: signals that `tine run` receives are the program's. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "run.h"

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT};

/* Signals whose sender expects an end. */
static bool
is_fatal(int sig)
{
	return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT;
}

void
run_signal_guest(struct run *run, int sig, bool group)
{
	run->signal = (struct tine_signal){.pid = group ? -run->pid : run->pid, .sig = sig};
	run->signal_id = run->next_id++;
	run_send(run, TINE_MSG_SIGNAL, run->signal_id, 0, &run->signal, sizeof(run->signal));
}

void
run_signal_reply(struct run *run, uint32_t err)
{
	run->signal_id = 0;
	if (err == ESRCH && run->signal.pid < 0 && run->stage == RUN_STARTED) {
		/* The program has moved to a group of another name. */
		run->signal.pid = -run->signal.pid;
		run->signal_id = run->next_id++;
		run_send(run, TINE_MSG_SIGNAL, run->signal_id, 0, &run->signal,
			 sizeof(run->signal));
	}
}

static void
window_changed(struct run *run)
{
	uint16_t rows, cols;

	tty_winsize(&run->tty, &rows, &cols);
	if (run->stage == RUN_STARTED)
		run_send(run, TINE_MSG_WINSIZE, RUN_LAUNCH_ID, (uint32_t)rows << 16 | cols, NULL,
			 0);
}

/* Stop like any program, with the terminal as it was. */
static void
stop_self(struct run *run)
{
	tty_restore(&run->tty);
	raise(SIGSTOP); /* stops all threads, and the jail allows no kill() */
	tty_set_raw(&run->tty);
	window_changed(run);
}

/* What the terminal or the kernel sends is for the whole group, what a process sends for one. */
static void
forward(struct run *run, int sig, bool group)
{
	struct tine_error error;

	if (run->stage == RUN_STARTED && !run->halted && (run->signal_id == 0 || !is_fatal(sig))) {
		run_signal_guest(run, sig, group);
		return;
	}
	if (!is_fatal(sig))
		return;
	/* There is no program yet, it has ended, or the kernel has not even answered the last one.
	 */
	if (run->signal_id != 0 && !run->halted)
		tine_error_set(&error, EINTR, "interrupted",
			       "the guest kernel does not answer; killing the sandbox");
	else
		tine_error_set(&error, EINTR, "interrupted", "interrupted");
	run_fail(run, 128 + sig, &error);
}

static void
on_signal(void *arg, uint32_t events)
{
	struct run *run = arg;
	struct signalfd_siginfo si;

	(void)events;
	if (read(run->signals.fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH)
		window_changed(run);
	else if (si.ssi_signo == SIGTSTP)
		stop_self(run);
	else
		forward(run, (int)si.ssi_signo, si.ssi_code > 0);
}

int
run_signals_open(struct run *run, struct tine_error *error)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	if (run->options.tty) {
		sigaddset(&set, SIGWINCH);
		sigaddset(&set, SIGTSTP);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* EPIPE says the same, and where */
	run->signals = (struct source){
	    .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
	    .ready = on_signal,
	    .arg = run,
	};
	r = run->signals.fd < 0 ? -errno : evloop_watch(&run->loop, &run->signals, EPOLLIN);
	return r == 0 ? 0 : tine_error_set(error, -r, "no-files", "signalfd: %s", strerror(-r));
}
