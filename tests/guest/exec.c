/* SPDX-License-Identifier: ISC */
/* exec.c: arguments, environment, close-on-exec, scripts, refusals, what survives.  rows: B9 B10
 * B12 */
#include "guest.h"

extern char **environ;

static void
child_checks(int argc, char **argv)
{
	struct sigaction sa;

	CHECK_EQ(argc, 4);
	CHECK(strcmp(argv[2], "") == 0);
	CHECK_EQ(strlen(argv[3]), 100000);
	CHECK(getenv("GREETING") != NULL && strcmp(getenv("GREETING"), "hello") == 0);
	CHECK_ERR(fcntl(100, F_GETFD), EBADF); /* close-on-exec */
	CHECK_EQ(fcntl(101, F_GETFD), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &sa), 0);
	CHECK(sa.sa_handler == SIG_DFL); /* was caught */
	CHECK_EQ(sigaction(SIGUSR2, NULL, &sa), 0);
	CHECK(sa.sa_handler == SIG_IGN); /* stays ignored */
	_exit(17);
}

static void
handler(int sig)
{
	(void)sig;
}

static void
survives(const char *self)
{
	char *big = malloc(100001);
	char *argv[] = {(char *)"exec", (char *)"child", (char *)"", big, NULL};
	char *env[] = {(char *)"GREETING=hello", NULL};
	pid_t pid;

	memset(big, 'a', 100000);
	big[100000] = '\0';
	CHECK_EQ(dup2(0, 100), 100);
	CHECK_EQ(dup2(0, 101), 101);
	CHECK_EQ(fcntl(100, F_SETFD, FD_CLOEXEC), 0);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		execve(self, argv, env);
		_exit(1);
	}
	CHECK_EXIT(pid, 17);
	free(big);
}

static void
make_file(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, len), (ssize_t)len);
	CHECK_EQ(fchmod(fd, mode), 0);
	close(fd);
}

static void
refusals(const char *self)
{
	char *argv[] = {(char *)"x", NULL};
	unsigned char elf[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	char **many;

	CHECK_ERR(execve("/nonexistent", argv, environ), ENOENT);
	CHECK_ERR(execve("/tmp", argv, environ), EACCES);
	make_file("/tmp/plain", "just text\n", 10, 0755);
	CHECK_ERR(execve("/tmp/plain", argv, environ), ENOEXEC);
	make_file("/tmp/noexec", "#!/bin/sh\n", 10, 0644);
	CHECK_ERR(execve("/tmp/noexec", argv, environ), EACCES);
	make_file("/tmp/empty", "", 0, 0755);
	CHECK_ERR(execve("/tmp/empty", argv, environ), ENOEXEC);
	make_file("/tmp/badelf", elf, sizeof(elf), 0755);
	CHECK_ERR(execve("/tmp/badelf", argv, environ), ENOEXEC);
	make_file("/tmp/badscript", "#!/nonexistent/interp\n", 22, 0755);
	CHECK_ERR(execve("/tmp/badscript", argv, environ), ENOENT);
	make_file("/tmp/loop", "#!/tmp/loop\n", 12, 0755);
	CHECK_ERR(execve("/tmp/loop", argv, environ), ELOOP);
	CHECK_ERR(syscall(SYS_execve, self, 8, environ), EFAULT);
	CHECK_ERR(syscall(SYS_execve, 8, argv, environ), EFAULT);
	many = calloc(3000000, sizeof(char *));
	CHECK(many != NULL);
	for (int i = 0; i < 2999999; i++)
		many[i] = argv[0];
	CHECK_ERR(execve(self, many, environ), E2BIG);
	free(many);
}

static void
scripts(const char *self)
{
	char script[256], *argv[] = {(char *)"ignored", (char *)"arg2", NULL};
	int n = snprintf(script, sizeof(script), "#! %s script-arg  \n", self);
	pid_t pid;

	make_file("/tmp/script", script, (size_t)n, 0755);
	pid = fork();
	if (pid == 0) {
		execve("/tmp/script", argv, environ);
		_exit(1);
	}
	CHECK_EXIT(pid, 18);
}

/* A running text cannot be written; /proc/self/exe works after the file is unlinked. */
static void
text(void)
{
	char link[256];
	ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);
	char *argv[] = {(char *)"exec", (char *)"unlinked", NULL};
	pid_t pid;
	int in, out;
	char buf[4096];

	CHECK(n > 0);
	link[n] = '\0';
	CHECK_ERR(open(link, O_WRONLY), ETXTBSY);
	in = open("/proc/self/exe", O_RDONLY);
	out = open("/tmp/copy", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
	pid = fork();
	if (pid == 0) {
		execve("/tmp/copy", argv, environ);
		_exit(1);
	}
	CHECK_EXIT(pid, 19);
}

static void
unlinked_checks(void)
{
	char *argv[] = {(char *)"exec", (char *)"again", NULL};
	pid_t pid;

	CHECK_EQ(unlink("/tmp/copy"), 0);
	pid = fork();
	if (pid == 0) {
		execve("/proc/self/exe", argv, environ);
		_exit(1);
	}
	CHECK_EXIT(pid, 20);
	_exit(19);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		child_checks(argc, argv);
	if (argc > 1 && strcmp(argv[1], "script-arg") == 0) {
		CHECK_EQ(argc, 4);
		CHECK(strcmp(argv[2], "/tmp/script") == 0 && strcmp(argv[3], "arg2") == 0);
		return 18;
	}
	if (argc > 1 && strcmp(argv[1], "unlinked") == 0)
		unlinked_checks();
	if (argc > 1 && strcmp(argv[1], "again") == 0)
		return 20;
	survives("/proc/self/exe");
	refusals("/proc/self/exe");
	{
		char self[256];
		ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

		CHECK(n > 0);
		self[n] = '\0';
		scripts(self);
	}
	text();
	return ok();
}
