/* SPDX-License-Identifier: ISC */
/*
 * pledge.c: broken promises kill, promises only shrink, fork passes them on, exec does not; paths.
 * rows: B14
 */
#include "guest.h"

#define SYS_pledge 530

static int
pledge(const char *promises, const char *const *paths)
{
	return (int)syscall(SYS_pledge, promises, paths);
}

static void
on_abort(int sig)
{
	(void)sig;
	_exit(99);
}

/* Run fn in a child with these promises (and paths); its wait status.  SIGABRT cannot be caught. */
static int
run(const char *promises, const char *const *paths, void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGABRT, on_abort);
		CHECK_EQ(pledge(promises, paths), 0);
		fn();
		_exit(0);
	}
	CHECK(pid > 0);
	return reap(pid);
}

#define ALLOWED(promises, fn) CHECK_EQ(run(promises, NULL, fn), 0)
#define KILLED(promises, fn)                                                                       \
	do {                                                                                       \
		int st_ = run(promises, NULL, fn);                                                 \
		CHECK(WIFSIGNALED(st_));                                                           \
		CHECK_EQ(WTERMSIG(st_), SIGABRT);                                                  \
	} while (0)

static void
nothing(void)
{
}

static void
get_pid(void)
{
	CHECK(syscall(SYS_getpid) > 0);
}

static void
memory_and_pipes(void)
{
	int p[2];
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(read(p[0], m, 1), 1);
	CHECK_EQ(kill(getpid(), 0), 0);
	CHECK_EQ(raise(SIGCHLD), 0);
}

static void
make_code(void)
{
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	      MAP_FAILED);
}

static void
read_file(void)
{
	int fd = open("/tmp/pledge/file", O_RDONLY);

	CHECK(fd >= 0);
	close(fd);
}

static void
stat_file(void)
{
	struct stat st;

	CHECK_EQ(stat("/tmp/pledge/file", &st), 0);
}

static void
write_file(void)
{
	int fd = open("/tmp/pledge/file", O_WRONLY);

	CHECK(fd >= 0);
}

static void
make_file(void)
{
	CHECK(open("/tmp/pledge/new", O_WRONLY | O_CREAT, 0644) >= 0);
	CHECK_EQ(unlink("/tmp/pledge/new"), 0);
}

static void
change_mode(void)
{
	CHECK_EQ(chmod("/tmp/pledge/file", 0600), 0);
}

static void
temporary(void)
{
	CHECK(open("/tmp/pledge-temporary", O_RDWR | O_CREAT, 0600) >= 0);
	CHECK_EQ(unlink("/tmp/pledge-temporary"), 0);
	CHECK_ERR(open("/tmp/pledge-temporary", O_RDONLY), ENOENT);
}

/* A link in /tmp must not lead out of it. */
static void
temporary_link(void)
{
	open("/tmp/pledge-link", O_RDONLY);
}

static void
null_device(void)
{
	CHECK(open("/dev/null", O_RDWR) >= 0);
}

static void
fork_one(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
}

static char stack[16384] __attribute__((aligned(16)));

static int
thread_main(void *arg)
{
	(void)arg;
	syscall(SYS_exit, 0);
	return 0;
}

static void
make_thread(void)
{
	CHECK(
	    clone(thread_main, stack + sizeof(stack),
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		  NULL) > 0);
}

static void
exec_self(void)
{
	char *argv[] = {"pledge", "unpledged", NULL};

	execv("/proc/self/exe", argv);
	_exit(1);
}

static void
kill_parent(void)
{
	CHECK_EQ(kill(getppid(), 0), 0);
}

static void
set_user(void)
{
	CHECK_EQ(setuid(0), 0);
}

static void
missing_call(void)
{
	CHECK_ERR(syscall(500), ENOSYS); /* there is none: nothing is broken */
}

static void
forbidden_error(void)
{
	CHECK_ERR(open("/tmp/pledge/file", O_RDONLY), ENOSYS);
	CHECK_ERR(fork(), ENOSYS);
}

/* A handler for SIGABRT, blocked or not, never runs. */
static void
blocked_abort(void)
{
	sigset_t set;

	sigfillset(&set);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	fork_one();
}

static void
narrowing(void)
{
	CHECK_EQ(pledge("stdio rpath", NULL), 0);
	read_file();
	CHECK_ERR(pledge("stdio rpath wpath", NULL), EPERM);
	CHECK_ERR(pledge("stdio nonsense", NULL), EINVAL);
	CHECK_ERR(pledge((const char *)8, NULL), EFAULT);
	CHECK_EQ(pledge("  stdio ", NULL), 0);
	CHECK_ERR(pledge("rpath", NULL), EPERM);
	CHECK_EQ(pledge("", NULL), 0);
}

/* The child has the promises of its parent, and cannot widen them either. */
static void
inheriting(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		CHECK_ERR(pledge("stdio proc rpath wpath", NULL), EPERM);
		CHECK_EQ(pledge("stdio", NULL), 0);
		read_file();
		_exit(0);
	}
	CHECK_KILLED(pid, SIGABRT);
	pid = fork(); /* what the child gave up is still ours */
	if (pid == 0)
		_exit(6);
	CHECK_EXIT(pid, 6);
}

static void
paths_hold(void)
{
	struct stat st;
	int dir;
	pid_t pid;

	read_file();
	CHECK_ERR(open("/etc", O_RDONLY), ENOENT);
	CHECK_ERR(stat("/proc/self/stat", &st), ENOENT);
	CHECK_ERR(stat("/tmp/pledge-not", &st), ENOENT); /* only a common beginning */
	CHECK_ERR(open("/tmp/pledge/../pledge-not", O_RDONLY), ENOENT);
	CHECK_ERR(open("/tmp/pledge/out", O_RDONLY), ENOENT); /* a link to elsewhere */
	CHECK((dir = open("/tmp/pledge", O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK(openat(dir, "file", O_RDONLY) >= 0);
	CHECK_ERR(openat(dir, "../pledge-not", O_RDONLY), ENOENT);
	CHECK_ERR(pledge("stdio rpath proc", (const char *const[]){"/", NULL}), EPERM);
	pid = fork();
	if (pid == 0) {
		read_file();
		CHECK_ERR(open("/etc", O_RDONLY), ENOENT);
		_exit(7);
	}
	CHECK_EXIT(pid, 7);
}

static void
set_up(void)
{
	int fd;

	mkdir("/tmp", 0777);
	mkdir("/etc", 0755);
	CHECK(mkdir("/tmp/pledge", 0755) == 0 || errno == EEXIST);
	CHECK((fd = open("/tmp/pledge/file", O_WRONLY | O_CREAT, 0644)) >= 0);
	close(fd);
	CHECK((fd = open("/tmp/pledge-not", O_WRONLY | O_CREAT, 0644)) >= 0);
	close(fd);
	CHECK((fd = open("/etc/secret", O_WRONLY | O_CREAT, 0600)) >= 0);
	close(fd);
	CHECK_EQ(symlink("/tmp/pledge-not", "/tmp/pledge/out"), 0);
	CHECK_EQ(symlink("/etc/secret", "/tmp/pledge-link"), 0);
}

int
main(int argc, char **argv)
{
	static const char *const paths[] = {"/tmp/pledge", NULL};
	int st;

	if (argc == 2 && strcmp(argv[1], "unpledged") == 0) {
		fork_one();
		return 0;
	}
	set_up();
	ALLOWED("", nothing);
	KILLED("", get_pid);
	ALLOWED("stdio", get_pid);
	ALLOWED("stdio", memory_and_pipes);
	ALLOWED("stdio", make_thread);
	ALLOWED("stdio", missing_call);
	ALLOWED("stdio", null_device);
	KILLED("stdio", make_code);
	ALLOWED("stdio prot_exec", make_code);
	KILLED("stdio", read_file);
	KILLED("stdio", stat_file);
	ALLOWED("stdio rpath", read_file);
	ALLOWED("stdio rpath", stat_file);
	KILLED("stdio rpath", write_file);
	ALLOWED("stdio wpath", write_file);
	KILLED("stdio rpath wpath", make_file);
	ALLOWED("stdio wpath cpath", make_file);
	KILLED("stdio rpath wpath cpath", change_mode);
	ALLOWED("stdio fattr", change_mode);
	ALLOWED("stdio tmppath", temporary);
	KILLED("stdio tmppath", temporary_link);
	KILLED("stdio tmppath", read_file); /* not right below /tmp */
	KILLED("stdio", fork_one);
	KILLED("stdio", blocked_abort);
	ALLOWED("stdio proc", fork_one);
	KILLED("stdio", kill_parent);
	KILLED("stdio", set_user);
	ALLOWED("stdio id", set_user);
	KILLED("stdio proc", exec_self);
	ALLOWED("stdio rpath proc exec", exec_self);
	ALLOWED("stdio error", forbidden_error);
	ALLOWED("stdio rpath wpath", narrowing);
	ALLOWED("stdio rpath proc", inheriting);
	st = run("stdio rpath proc", paths, paths_hold);
	CHECK_EQ(st, 0);
	CHECK_ERR(pledge("stdio", (const char *const *)8), EFAULT);
	CHECK_ERR(pledge("stdio", (const char *const[]){"/no/such", NULL}), ENOENT);
	CHECK_EQ(getpid() > 0, 1); /* a failed pledge changes nothing */
	fork_one();
	return ok();
}
