/* SPDX-License-Identifier: ISC */
/*
 * ktrace.c: records of calls, signals, forks and execs; inherited only when asked for, and whole;
 * ends at errors.  rows: B15
 */
#include "guest.h"
#include "../../guest/kernel/include/sys/native.h"

#define TRACE "/tmp/ktrace.out"
#define MAXREC 4096

static struct ktr_record rec[MAXREC];
static int nrec;

static int
ktrace(int fd, int ops, unsigned facs, pid_t pid)
{
	return (int)syscall(TINE_SYS_ktrace, fd, ops, facs, pid);
}

static int
trace_file(void)
{
	int fd = open(TRACE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	return fd;
}

static void
read_records(int fd)
{
	ssize_t n = pread(fd, rec, sizeof(rec), 0);

	CHECK(n >= 0 && n % (ssize_t)sizeof(rec[0]) == 0);
	nrec = (int)(n / (ssize_t)sizeof(rec[0]));
	for (int i = 1; i < nrec; i++)
		CHECK(rec[i].ktr_time_ns >= rec[i - 1].ktr_time_ns);
}

static int
count(unsigned type, pid_t pid)
{
	int n = 0;

	for (int i = 0; i < nrec; i++)
		n += rec[i].ktr_type == type && (pid == 0 || rec[i].ktr_pid == pid);
	return n;
}

static const struct ktr_record *
find(unsigned type, long nr)
{
	for (int i = 0; i < nrec; i++)
		if (rec[i].ktr_type == type && (nr < 0 || rec[i].u.syscall.nr == (uint64_t)nr))
			return &rec[i];
	return NULL;
}

static void
on_signal(int sig)
{
	(void)sig;
}

static void
calls_and_signals(void)
{
	int fd = trace_file();
	const struct ktr_record *r;

	CHECK_EQ(ktrace(fd, KTROP_SET, KTRFAC_MASK & ~KTRFAC_EXEC, 0), 0);
	syscall(SYS_dup2, 77, 78, 3, 4, 5, 6);
	CHECK(syscall(SYS_getppid) > 0);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	CHECK_EQ(ktrace(fd, KTROP_CLEAR, KTRFAC_SYSCALL, 0), 0);
	syscall(SYS_getuid);
	CHECK_EQ(ktrace(fd, KTROP_CLEAR, KTRFAC_MASK, 0), 0);
	syscall(SYS_getgid);
	read_records(fd);
	CHECK((r = find(KTR_SYSCALL, SYS_dup2)) != NULL);
	CHECK_EQ(r->ktr_pid, getpid());
	CHECK_EQ(r->ktr_tid, getpid());
	CHECK_EQ(strcmp(r->ktr_comm, "ktrace"), 0);
	CHECK_EQ(r->u.syscall.args[0], 77);
	CHECK_EQ(r->u.syscall.args[5], 6);
	CHECK((r = find(KTR_SYSRET, SYS_dup2)) != NULL);
	CHECK_EQ(r->u.sysret.error, EBADF);
	CHECK_EQ(r->u.sysret.retval, -1);
	CHECK((r = find(KTR_SYSRET, SYS_getppid)) != NULL);
	CHECK_EQ(r->u.sysret.retval, getppid());
	CHECK((r = find(KTR_PSIG, -1)) != NULL);
	CHECK_EQ(r->u.psig.signo, SIGUSR1);
	CHECK_EQ(r->u.psig.handler, (uintptr_t)on_signal);
	CHECK(find(KTR_SYSCALL, SYS_getuid) == NULL);
	CHECK(find(KTR_SYSRET, SYS_getuid) != NULL);
	CHECK(find(KTR_SYSRET, SYS_getgid) == NULL);
	close(fd);
}

static pid_t
child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_getuid);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	return pid;
}

static void
inheritance(void)
{
	int fd = trace_file();
	const struct ktr_record *r;
	pid_t pid;

	CHECK_EQ(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL | KTRFAC_FORK, 0), 0);
	pid = child();
	CHECK_EQ(ktrace(fd, KTROP_CLEAR, KTRFAC_MASK, 0), 0);
	read_records(fd);
	CHECK_EQ(count(KTR_FORK, getpid()), 1);
	CHECK((r = find(KTR_FORK, -1)) != NULL);
	CHECK_EQ(r->u.fork.child, pid);
	for (int i = 0; i < nrec; i++)
		CHECK_EQ(rec[i].ktr_pid, getpid()); /* nothing of the child */

	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL | KTRFAC_FORK | KTRFAC_INHERIT, 0), 0);
	pid = child();
	CHECK_EQ(ktrace(fd, KTROP_CLEAR, KTRFAC_MASK, 0), 0);
	read_records(fd);
	CHECK(count(KTR_SYSCALL, pid) >= 2);
	CHECK_EQ(count(KTR_SYSRET, 0), 0);
	close(fd);
}

static void
descendants_and_exec(void)
{
	int fd = trace_file(), p[2];
	const struct ktr_record *r;
	pid_t pid;
	char c;

	CHECK_EQ(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		pid_t below = fork();

		if (below == 0) {
			char *argv[] = {"ktrace", "exit", NULL};

			CHECK_EQ(read(p[0], &c, 1), 1);
			execv("/proc/self/exe", argv);
			_exit(1);
		}
		CHECK_EXIT(below, 0);
		_exit(0);
	}
	wait_state(pid, 'S');
	CHECK_EQ(ktrace(fd, KTROP_SET | KTRFLAG_DESCEND, KTRFAC_MASK, pid), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EXIT(pid, 0);
	read_records(fd);
	CHECK((r = find(KTR_EXEC, -1)) != NULL);
	CHECK(r->ktr_pid != pid);
	CHECK(strstr(r->u.exec.path, "ktrace") != NULL);
	CHECK_EQ(count(KTR_SYSCALL, getpid()), 0);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void
errors(void)
{
	int fd = trace_file(), ro = open(TRACE, O_RDONLY), p[2];
	struct rlimit rl = {3 * sizeof(struct ktr_record), RLIM_INFINITY};
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	CHECK_ERR(ktrace(99, KTROP_SET, KTRFAC_SYSCALL, 0), EBADF);
	CHECK_ERR(ktrace(ro, KTROP_SET, KTRFAC_SYSCALL, 0), EBADF);
	CHECK_ERR(ktrace(p[1], KTROP_SET, KTRFAC_SYSCALL, 0), EINVAL); /* could block */
	CHECK_ERR(ktrace(fd, KTROP_SET, 0, 0), EINVAL);
	CHECK_ERR(ktrace(fd, 3, KTRFAC_SYSCALL, 0), EINVAL);
	CHECK_ERR(ktrace(fd, KTROP_SET, KTRFAC_ROOT, 0), EINVAL);
	CHECK_ERR(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL, 999999), ESRCH);
	CHECK_ERR(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL, 1), EPERM);
	/* The file may not grow: tracing ends, the process goes on, without SIGXFSZ. */
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &rl), 0);
	CHECK_EQ(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL, 0), 0);
	for (int i = 0; i < 10; i++)
		syscall(SYS_getuid);
	rl.rlim_cur = RLIM_INFINITY;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &rl), 0);
	syscall(SYS_getgid);
	read_records(fd);
	CHECK_EQ(nrec, 3);
	/* Tracing to a file ends for everybody. */
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL, 0), 0);
		CHECK_EQ(ktrace(fd, KTROP_CLEARFILE, 0, 0), 0);
		CHECK_EQ(ftruncate(fd, 0), 0);
		syscall(SYS_getuid);
		read_records(fd);
		CHECK_EQ(nrec, 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	close(fd);
	close(ro);
}

/* What root traces another user cannot end, and other users' processes are not his to trace. */
static void
permission(void)
{
	int fd = trace_file();
	pid_t pid = fork();

	if (pid == 0) {
		CHECK_EQ(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL, 0), 0);
		CHECK_EQ(setgid(1000), 0);
		CHECK_EQ(setuid(1000), 0);
		CHECK_ERR(ktrace(fd, KTROP_CLEAR, KTRFAC_MASK, 0), EPERM);
		CHECK_ERR(ktrace(fd, KTROP_SET, KTRFAC_SYSCALL, getppid()), EPERM);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	close(fd);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return 0;
	mkdir("/tmp", 0777);
	calls_and_signals();
	inheritance();
	descendants_and_exec();
	errors();
	permission();
	return ok();
}
