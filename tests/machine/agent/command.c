/* command.c: start the command with the stdio asked for: pipes, a terminal, or a file. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "agent.h"

static void
make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		die("pipe: %s", strerror(errno));
}

/* Opens a terminal pair; returns the slave. */
static int
make_terminal(struct command *c, const struct job *job)
{
	struct termios t;

	c->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->terminal < 0 || grantpt(c->terminal) != 0 || unlockpt(c->terminal) != 0)
		die("terminal: %s", strerror(errno));
	int slave = open(ptsname(c->terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		die("terminal: %s", strerror(errno));
	/*
	 * The launcher's terminal is raw only while it is our stdin; else it adds the carriage
	 * returns itself.
	 */
	if (!job->tty[0] && tcgetattr(slave, &t) == 0) {
		t.c_oflag &= ~(tcflag_t)OPOST;
		tcsetattr(slave, TCSANOW, &t);
	}
	ioctl(slave, TIOCSWINSZ, &job->window);
	return slave;
}

static _Noreturn void
become_command(const struct job *job, const int stdio[3], int terminal)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (terminal >= 0)
		ioctl(terminal, TIOCSCTTY, 0);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(stdio[fd], fd) < 0)
			_exit(126);
	clearenv();
	for (size_t i = 0; i < job->nenv; i++)
		putenv(job->env[i]);
	if (chdir(job->directory) != 0)
		dprintf(2, "machine: %s: %s\n", job->directory, strerror(errno));
	execvp(job->argv[0], job->argv);
	int error = errno;
	dprintf(2, "machine: %s: %s\n", job->argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

void
command_start(struct command *c, const struct job *job, int input_file)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, slave = -1;

	*c = (struct command){-1, -1, -1, -1, -1};
	if (job->tty[0] || job->tty[1] || job->tty[2])
		slave = make_terminal(c, job);
	if (input_file >= 0)
		in[0] = input_file;
	else if (!job->tty[0])
		make_pipe(in);
	if (!job->tty[1])
		make_pipe(out);
	if (!job->tty[2])
		make_pipe(err);
	const int stdio[3] = {job->tty[0] && input_file < 0 ? slave : in[0],
			      job->tty[1] ? slave : out[1], job->tty[2] ? slave : err[1]};

	c->pid = fork();
	if (c->pid < 0)
		die("fork: %s", strerror(errno));
	if (c->pid == 0)
		become_command(job, stdio, slave);
	for (int i = 0; i < 3; i++)
		if (stdio[i] != slave)
			close(stdio[i]);
	if (slave >= 0)
		close(slave);
	c->input = input_file >= 0 ? -1
		   : job->tty[0]   ? fcntl(c->terminal, F_DUPFD_CLOEXEC, 3)
				   : in[1];
	c->output = out[0];
	c->errors = err[0];
}
