/* SPDX-License-Identifier: ISC */
/*
 * kdump.c: run a program under ktrace and print what it did: `kdump PROGRAM [ARGS...]`; or print a
 * file of records: `kdump -f FILE`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tine.h>
#include <unistd.h>

static const char *const type_names[] = {
    [KTR_SYSCALL] = "CALL", [KTR_SYSRET] = "RET ", [KTR_PSIG] = "PSIG",
    [KTR_FORK] = "FORK",    [KTR_EXEC] = "EXEC",
};

/* Of the system calls. */
static const char *const call_names[] = {
#define SYSENT(nr, name) [nr] = #name,
#include "../guest/kernel/syscalls.def"
#undef SYSENT
};

static const char *
call_name(uint64_t nr)
{
	if (nr >= sizeof(call_names) / sizeof(call_names[0]) || call_names[nr] == NULL)
		return "?";
	return call_names[nr];
}

static void
die(const char *what)
{
	fprintf(stderr, "kdump: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
print_details(const struct ktr_record *r)
{
	switch (r->ktr_type) {
	case KTR_SYSCALL:
		printf("%s(%#llx, %#llx, %#llx)", call_name(r->u.syscall.nr),
		       (unsigned long long)r->u.syscall.args[0],
		       (unsigned long long)r->u.syscall.args[1],
		       (unsigned long long)r->u.syscall.args[2]);
		break;
	case KTR_SYSRET:
		printf("%s ", call_name(r->u.sysret.nr));
		if (r->u.sysret.error != 0)
			printf("errno %d %s", r->u.sysret.error, strerror(r->u.sysret.error));
		else
			printf("%lld", (long long)r->u.sysret.retval);
		break;
	case KTR_PSIG:
		printf("signal %d, code %d, %s", r->u.psig.signo, r->u.psig.code,
		       r->u.psig.handler == 0   ? "default"
		       : r->u.psig.handler == 1 ? "ignored"
						: "caught");
		break;
	case KTR_FORK:
		printf("%s: child %d", r->u.fork.vfork ? "vfork" : "fork", r->u.fork.child);
		break;
	case KTR_EXEC:
		printf("%.*s", (int)sizeof(r->u.exec.path), r->u.exec.path);
		break;
	}
}

static void
print_records(int fd)
{
	struct ktr_record r;
	ssize_t n;

	while ((n = read(fd, &r, sizeof(r))) == (ssize_t)sizeof(r)) {
		if (r.ktr_type == 0 || r.ktr_type >= sizeof(type_names) / sizeof(type_names[0])) {
			errno = EINVAL;
			die("record");
		}
		printf("%6d %-15.*s %llu.%06llu %s ", r.ktr_tid, (int)sizeof(r.ktr_comm),
		       r.ktr_comm, (unsigned long long)(r.ktr_time_ns / 1000000000),
		       (unsigned long long)(r.ktr_time_ns / 1000 % 1000000),
		       type_names[r.ktr_type]);
		print_details(&r);
		putchar('\n');
	}
	if (n != 0)
		die("read");
}

/* The program inherits the tracing of the child that becomes it. */
static int
run_traced(char **argv, int fd)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ktrace(fd, KTROP_SET, KTRFAC_MASK | KTRFAC_INHERIT, 0) != 0)
			die("ktrace");
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	char path[] = "/tmp/kdump.XXXXXX";
	int fd, status = 0;

	if (argc < 2 || (argv[1][0] == '-' && (argc != 3 || strcmp(argv[1], "-f") != 0))) {
		fprintf(stderr, "usage: kdump PROGRAM [ARGS...]\n       kdump -f FILE\n");
		return 2;
	}
	if (argv[1][0] == '-') {
		if ((fd = open(argv[2], O_RDONLY)) < 0)
			die(argv[2]);
	} else {
		if ((fd = mkostemp(path, O_CLOEXEC)) < 0)
			die(path);
		unlink(path);
		status = run_traced(argv + 1, fd);
		lseek(fd, 0, SEEK_SET);
	}
	print_records(fd);
	return status;
}
