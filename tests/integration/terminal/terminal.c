/* SPDX-License-Identifier: ISC */
/*
 * terminal.c: `tine run -t` as its user meets it: a shell in a sandbox on the user's terminal.
 *
 * usage: terminal TINE ROOT [CASE]...
 *
 * ROOT is a root directory with busybox.  What is typed quotes the words that are waited for
 * (re""ady), so that its echo is not taken for the answer.  A program says that it is in the
 * foreground before a key is pressed that is meant for it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

#define PROMPT "/ # "
#define INTR "\003"
#define QUIT "\034"
#define SUSP "\032"
#define END_OF_FILE "\004"

static char *tine, *root;
static struct term term;

#define RUN(...)                                                                                   \
	term_start(&term, (char *[]){tine, "run", "--rootfs", root, "-t", __VA_ARGS__, NULL})

static void
start_shell(void)
{
	RUN("busybox", "sh");
	term_expect(&term, PROMPT);
	if (!term_is_raw(&term))
		fail("the terminal is not in raw mode while the shell runs");
}

static void
command(const char *line, const char *answer)
{
	term_type(&term, line);
	term_type(&term, "\r");
	term_expect(&term, answer);
}

/* A command that ends at once. */
static void
ask(const char *line, const char *answer)
{
	command(line, answer);
	term_expect(&term, PROMPT);
}

static void
end(int status)
{
	int got = term_end(&term);

	if (got != status)
		fail("exit status %d, not %d", got, status);
	if (term.master >= 0 && !term_is_restored(&term))
		fail("the terminal was not left as it was found");
}

static void
leave(void)
{
	term_type(&term, "exit 7\r");
	end(7);
}

static void
exit_status(void)
{
	start_shell();
	ask("(exit 3); echo \"<$?>\"", "<3>");
	ask("sh -c 'kill -SEGV $$'; echo \"<$?>\"", "<139>");
	leave();
	start_shell();
	term_type(&term, END_OF_FILE);
	end(0);
	RUN("sh", "-c", "kill -SEGV $$");
	end(139);
}

static void
suspend_and_resume(void)
{
	start_shell();
	command("sh -c 'echo re\"\"ady; exec cat'", "ready");
	command("one", "one\r\none");
	term_type(&term, SUSP);
	term_expect(&term, "[1]+  Stopped");
	term_expect(&term, PROMPT);
	ask("jobs", "[1]+  Stopped");
	command("fg", "exec cat");
	command("two", "two\r\ntwo");
	term_type(&term, INTR);
	term_expect(&term, PROMPT);
	ask("echo \"<$?>\"", "<130>");
	ask("jobs; echo no\"\"ne", "jobs; echo no\"\"ne\r\nnone");
	leave();
}

static void
background(void)
{
	start_shell();
	command("sh -c 'echo re\"\"ady; exec sleep 1000'", "ready");
	term_type(&term, SUSP);
	term_expect(&term, "[1]+  Stopped");
	term_expect(&term, PROMPT);
	ask("bg", "[1] ");
	ask("jobs", "[1]+  Running");
	ask("kill %1; wait %1; echo \"<$?>\"", "<143>");
	/* What still runs in the background ends with the shell. */
	ask("sleep 1000 &", "\r\n");
	leave();
}

static void
keys(void)
{
	start_shell();
	command("sh -c 'trap \"echo caught; exit 5\" INT; echo re\"\"ady; sleep 1000 & wait'",
		"ready");
	term_type(&term, INTR);
	term_expect(&term, "caught");
	term_expect(&term, PROMPT);
	ask("echo \"<$?>\"", "<5>");
	command("sh -c 'echo re\"\"ady; exec cat'", "ready");
	command("one", "one\r\none"); /* ash ignores this key until it has executed cat */
	term_type(&term, QUIT);
	term_expect(&term, "Quit");
	term_expect(&term, PROMPT);
	ask("echo \"<$?>\"", "<131>");
	command("echo re\"\"ady; cat; echo en\"\"ded", "ready");
	command("line", "line\r\nline");
	term_type(&term, END_OF_FILE);
	term_expect(&term, "ended");
	term_expect(&term, PROMPT);
	/* An interrupt at the prompt drops the line. */
	term_type(&term, "exit 9");
	term_expect(&term, "exit 9");
	term_type(&term, INTR);
	term_expect(&term, PROMPT);
	leave();
}

static void
window_size(void)
{
	start_shell();
	ask("stty size", "31 97");
	command("sh -c 'trap \"stty size; exit\" WINCH; echo re\"\"ady; sleep 1000 & wait'",
		"ready");
	term_resize(&term, 40, 100);
	term_expect(&term, "40 100");
	term_expect(&term, PROMPT);
	ask("stty size", "40 100");
	leave();
}

/* A signal for `tine run` itself goes to the program, as if it ran directly. */
static void
terminated(void)
{
	RUN("sh", "-c", "echo ready; exec sleep 1000");
	term_expect(&term, "ready");
	kill(term.pid, SIGTERM);
	end(143);
	RUN("sh", "-c", "trap 'echo caught; exit 6' TERM; echo ready; sleep 1000 & wait");
	term_expect(&term, "ready");
	kill(term.pid, SIGTERM);
	term_expect(&term, "caught");
	end(6);
}

/* Nothing can be done in the killed process: its guard restores the terminal. */
static void
killed(void)
{
	start_shell();
	kill(term.pid, SIGKILL);
	end(137);
}

/* SIGTSTP stops `tine run` like any program: the terminal belongs to the user's shell then. */
static void
stopped(void)
{
	RUN("sh", "-c", "trap 'stty size; exit 8' WINCH; echo ready; sleep 1000 & wait");
	term_expect(&term, "ready");
	kill(term.pid, SIGTSTP);
	term_wait_stopped(&term);
	if (!term_is_restored(&term))
		fail("the terminal is not restored while tine run is stopped");
	term_resize(&term, 20, 60);
	kill(term.pid, SIGCONT);
	term_expect(&term, "20 60");
	end(8);
}

static void
hung_up(void)
{
	start_shell();
	term_hangup(&term);
	end(129);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
    {"exit_status", exit_status}, {"suspend_and_resume", suspend_and_resume},
    {"background", background},   {"keys", keys},
    {"window_size", window_size}, {"terminated", terminated},
    {"killed", killed},           {"stopped", stopped},
    {"hung_up", hung_up},
};

static void
run_case(const char *name)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(name, cases[i].name) == 0) {
			printf("\n== %s\n", name);
			cases[i].run();
			return;
		}
	fail("there is no case %s", name);
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: terminal TINE ROOT [CASE]...\n");
		return 2;
	}
	tine = argv[1];
	root = argv[2];
	for (int i = 3; i < argc; i++)
		run_case(argv[i]);
	for (size_t i = 0; argc == 3 && i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(cases[i].name);
	printf("\nPASS\n");
	return 0;
}
