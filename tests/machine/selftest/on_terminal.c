/* on_terminal.c: run a command on a new terminal, type at it, show what it writes. */
/* SPDX-License-Identifier: ISC */
#include <poll.h>
#include <pty.h>
#include <utmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/*
 * usage: on_terminal [-x TEXT | -s KEYS | -w ROWS,COLUMNS]... -- COMMAND ARGS...
 * In order: -x waits until TEXT appears in the output, -s types KEYS (\r and \003 as C escapes), -w
 * resizes the terminal. Then the output is read to its end. Exit status: the command's; 99 when a
 * text did not appear before the end, 98 when the terminal was not left as it was found. The caller
 * sets the time limit.
 */
static char output[1 << 16];
static size_t used, seen;
/* pidfd: our own open slave keeps the terminal from hanging up, so the command's end is the end. */
static int command;

static int
read_more(int terminal)
{
	struct pollfd p[] = {{terminal, POLLIN, 0}, {command, POLLIN, 0}};

	if (poll(p, 2, -1) < 0 || !(p[0].revents & POLLIN))
		return 0;
	ssize_t n = read(terminal, output + used, sizeof(output) - 1 - used);

	if (n <= 0)
		return 0;
	if (write(STDOUT_FILENO, output + used, (size_t)n) != n)
		exit(97);
	used += (size_t)n;
	output[used] = '\0';
	return 1;
}

static void
expect(int terminal, const char *text)
{
	const char *at;

	while ((at = strstr(output + seen, text)) == NULL)
		if (!read_more(terminal))
			exit(99);
	seen = (size_t)(at - output) + strlen(text);
}

static void
type(int terminal, const char *keys)
{
	for (; *keys != '\0'; keys++) {
		char c = *keys;
		if (c == '\\' && keys[1] == 'r')
			c = '\r', keys++;
		else if (c == '\\' && keys[1] == '0')
			c = (char)strtol((char[]){keys[1], keys[2], keys[3], '\0'}, NULL, 8),
			keys += 3;
		if (write(terminal, &c, 1) != 1)
			exit(97);
	}
}

static void
resize(int terminal, const char *size)
{
	struct winsize w = {0};

	if (sscanf(size, "%hu,%hu", &w.ws_row, &w.ws_col) != 2 ||
	    ioctl(terminal, TIOCSWINSZ, &w) != 0)
		exit(97);
}

int
main(int argc, char **argv)
{
	struct termios before, after;
	struct winsize size = {.ws_row = 31, .ws_col = 97};
	int terminal, slave, option, status, first = 1;

	while (first < argc && strcmp(argv[first], "--") != 0)
		first++;
	if (openpty(&terminal, &slave, NULL, NULL, &size) != 0 || tcgetattr(slave, &before) != 0)
		return 97;
	pid_t pid = fork();
	if (pid == 0) {
		close(terminal);
		if (login_tty(dup(slave)) != 0)
			_exit(97);
		execvp(argv[first + 1], argv + first + 1);
		_exit(127);
	}
	command = pidfd_open(pid, 0);
	while ((option = getopt(first, argv, "x:s:w:")) != -1)
		switch (option) {
		case 'x':
			expect(terminal, optarg);
			break;
		case 's':
			type(terminal, optarg);
			break;
		case 'w':
			resize(terminal, optarg);
			break;
		default:
			return 97;
		}
	while (read_more(terminal))
		continue;
	waitpid(pid, &status, 0);
	if (tcgetattr(slave, &after) != 0 ||
	    memcmp(&before.c_iflag, &after.c_iflag, 4 * sizeof(tcflag_t)) != 0)
		return 98;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
