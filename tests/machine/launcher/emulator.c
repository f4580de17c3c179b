/* emulator.c: start and end the emulator; save a booted machine and resume it (QMP). */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "launcher.h"

struct ends {
	int ours, theirs;
};

static struct ends
make_socket(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) != 0)
		fail("socketpair: %s", strerror(errno));
	return (struct ends){s[0], s[1]};
}

static struct ends
make_pipe(void)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		fail("pipe: %s", strerror(errno));
	return (struct ends){p[0], p[1]};
}

static struct ends
make_terminal(void)
{
	struct termios t;
	int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0)
		fail("terminal: %s", strerror(errno));
	int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (theirs < 0 || tcgetattr(theirs, &t) != 0)
		fail("terminal: %s", strerror(errno));
	cfmakeraw(&t);
	tcsetattr(theirs, TCSANOW, &t);
	ioctl(theirs, TIOCSWINSZ, &(struct winsize){.ws_row = 25, .ws_col = 80});
	return (struct ends){ours, theirs};
}

/*
 * dup2 to a fixed number would hit a descriptor that is still needed: all of them go above the
 * fixed ones first.
 */
static void
inherit(const int *fds, const int *numbers, int count)
{
	int high[8];

	for (int i = 0; i < count; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 20);
	for (int i = 0; i < count; i++)
		if (high[i] < 0 || dup2(high[i], numbers[i]) < 0)
			_exit(127);
}

static noreturn void
become_emulator(const struct options *o, pid_t launcher, int input, int channel, int console,
		int monitor, int chatter)
{
	sigset_t none;

	/*
	 * It must not outlive the launcher, whatever ends that, and must not see the terminal's
	 * signals.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launcher)
		_exit(127);
	setsid();
	if (o->terminal)
		ioctl(input, TIOCSCTTY, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	inherit((int[]){input, chatter, chatter, channel, console, monitor},
		(int[]){0, 1, 2, EMULATOR_FD_CHANNEL, EMULATOR_FD_CONSOLE, EMULATOR_FD_MONITOR}, 6);
	setenv("TERM", "xterm", 1);
	execvp(o->emulator[0], o->emulator);
	dprintf(STDERR_FILENO, "%s: %s\n", o->emulator[0], strerror(errno));
	_exit(127);
}

void
emulator_start(struct emulator *e, const struct options *o)
{
	struct ends channel = o->terminal ? make_terminal() : make_socket();
	struct ends chatter = o->terminal ? make_terminal() : make_pipe();
	struct ends console = make_pipe(), monitor = make_socket();
	int input = o->terminal ? chatter.theirs : open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t launcher = getpid();

	*e = (struct emulator){fork(), channel.ours, console.ours, monitor.ours, chatter.ours};
	if (e->pid < 0)
		fail("fork: %s", strerror(errno));
	if (e->pid == 0)
		become_emulator(o, launcher, input, channel.theirs, console.theirs, monitor.theirs,
				chatter.theirs);
	/*
	 * A terminal reports a hang-up while nobody has its slave open, and the emulator opens the
	 * channel late: keep that one.
	 */
	if (!o->terminal)
		close(channel.theirs);
	close(console.theirs);
	close(monitor.theirs);
	close(chatter.theirs);
	fcntl(e->channel, F_SETFL, O_NONBLOCK);
	fcntl(e->console, F_SETFL, O_NONBLOCK);
	fcntl(e->chatter, F_SETFL, O_NONBLOCK);
}

void
emulator_kill(struct emulator *e)
{
	if (e->pid <= 0)
		return;
	kill(e->pid, SIGKILL);
	while (waitpid(e->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	e->pid = 0;
}

static void
monitor_say(const struct emulator *e, const char *command)
{
	if (write(e->monitor, command, strlen(command)) < 0)
		fail("the emulator's monitor: %s", strerror(errno));
}

#define QMP_BEGIN                                                                                  \
	"{\"execute\":\"qmp_capabilities\"}"                                                       \
	"{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":["              \
	"{\"capability\":\"x-ignore-shared\",\"state\":true},{\"capability\":\"events\","          \
	"\"state\":true}]}}"

/* RAM is a file that the emulator maps; what is read here is the state of CPU and devices. */
void
emulator_resume(struct emulator *e, const char *directory)
{
	char text[4096];

	snprintf(
	    text, sizeof(text),
	    QMP_BEGIN
	    "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"exec:cat '%s/state'\"}}",
	    directory);
	monitor_say(e, text);
}

void
emulator_save(struct emulator *e, const char *directory)
{
	char text[8192];
	size_t used = 0;

	snprintf(text, sizeof(text),
		 QMP_BEGIN
		 "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:cat > '%s/state'\"}}",
		 directory);
	monitor_say(e, text);
	/* Answers are short; the event that counts comes last. */
	for (;;) {
		ssize_t n = read(e->monitor, text + used, sizeof(text) - 1 - used);
		if (n <= 0)
			fail("the emulator ended while its machine was saved");
		used += (size_t)n;
		text[used] = '\0';
		if (strstr(text, "\"failed\"") != NULL || strstr(text, "\"error\"") != NULL ||
		    used == sizeof(text) - 1)
			fail("the machine could not be saved: %s", text);
		if (strstr(text, "\"status\": \"completed\"") != NULL)
			break;
	}
	monitor_say(e, "{\"execute\":\"quit\"}");
	while (waitpid(e->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	e->pid = 0;
}
