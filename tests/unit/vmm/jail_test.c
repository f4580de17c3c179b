/* SPDX-License-Identifier: ISC */
/* jail_test.c: what a confined VMM process can still do, and what kills it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "forkstat.h"
#include "jail.h"
#include "vmm.h"

/* A process of two threads, of which the second confines both; what a child of the zygote inherits
 * is there before. */
struct confined {
	enum jail_filter filter;
	bool second; /* does the work, else the first does */
	void (*body)(void);
};

static void *
second_thread(void *arg)
{
	const struct confined *c = arg;
	struct tine_error error;

	if (jail_threads(c->filter, &error) != 0)
		_exit(9);
	if (c->second) {
		c->body();
		_exit(0);
	}
	return NULL;
}

static void *
nothing(void *arg)
{
	return arg;
}

static void
run_thread(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, arg) != 0 || pthread_join(thread, NULL) != 0)
		_exit(9);
}

static void __attribute__((noreturn)) first_thread(struct confined *c)
{
	struct tine_error error;

	run_thread(nothing, NULL); /* the C library gets ready for threads, as in the zygote */
	if (jail_process(&error) != 0 ||
	    (c->filter == JAIL_FILTER_CHILD && jail_threads(JAIL_FILTER_ZYGOTE, &error) != 0))
		_exit(9);
	run_thread(second_thread, c);
	c->body();
	_exit(0);
}

/* Status of a process in which one thread does something after both have been confined. */
static int
confined(enum jail_filter filter, bool second, void (*body)(void))
{
	struct confined c = {.filter = filter, .second = second, .body = body};
	pid_t pid = fork();
	int status;

	if (pid == 0)
		first_thread(&c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_works(enum jail_filter filter, void (*body)(void))
{
	assert_int_equal(confined(filter, false, body), 0);
	assert_int_equal(confined(filter, true, body), 0);
}

static void
assert_killed(enum jail_filter filter, void (*body)(void))
{
	for (int second = 0; second < 2; second++) {
		int status = confined(filter, second, body);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static int
by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What the symbol table's reader does when a guest has died. */
static void
sort_much(void)
{
	static int v[100000];

	for (int i = 0; i < 100000; i++)
		v[i] = i * 7919 % 100003;
	qsort(v, 100000, sizeof(v[0]), by_value);
}

/* The end of `tine run --stats --json`. */
static FILE *stats_out;

static void
print_stats(void)
{
	static _Alignas(struct tine_stats) uint8_t region[TINE_SHARED_SIZE];
	struct tine_stats *stats = (void *)(region + TINE_SHARED_STATS);

	stats->magic = TINE_STATS_MAGIC;
	stats->version = TINE_ABI_VERSION;
	stats->enosys[1] = 1;
	forkstat_print(stats_out, region, true);
	forkstat_print(stats_out, region, false);
	if (fclose(stats_out) != 0)
		_exit(1);
}

static void
work(void)
{
	char *p = malloc(1 << 20);
	struct pollfd none;

	for (int i = 0; i < 1 << 20; i += 4096)
		p[i] = 1;
	free(p);
	if (syscall(SYS_tgkill, getpid(), gettid(), 0) != 0 || write(-1, "", 1) != -1)
		_exit(1);
	ioctl(-1, KVM_SIGNAL_MSI, 0);
	poll(&none, 0, 0);
}

static void
vcpu_work(void)
{
	ioctl(-1, KVM_RUN, 0);
	ioctl(-1, KVM_GET_REGS, 0);
	free(malloc(1 << 20));
}

static void
do_accept(void)
{
	accept4(-1, NULL, NULL, 0);
}

static void
do_reset(void)
{
	ioctl(-1, KVM_GET_DIRTY_LOG, 0);
	ioctl(-1, KVM_SET_MSRS, 0);
}

static void
do_guest_debug(void)
{
	ioctl(-1, KVM_SET_GUEST_DEBUG, 0);
}

/* What the zygote and its children may do until a guest runs.  Refused: before anything is done. */
static const long early_calls[] = {
    SYS_clone,           SYS_clone3, SYS_dup3,    SYS_epoll_create1,
    SYS_eventfd2,        SYS_fcntl,  SYS_getppid, SYS_ftruncate,
    SYS_memfd_create,    SYS_prctl,  SYS_rseq,    SYS_seccomp,
    SYS_set_robust_list,
};

static const unsigned long early_ioctls[] = {
    KVM_CREATE_VM,   KVM_CREATE_VCPU,        KVM_ENABLE_CAP, KVM_GET_STATS_FD, KVM_SET_REGS,
    KVM_GET_TSC_KHZ, KVM_GET_VCPU_MMAP_SIZE, KVM_IOEVENTFD,  KVM_SET_CPUID2,
};

static size_t early; /* which one */
static pid_t tester;

static void
do_early_call(void)
{
	syscall(early_calls[early], -1L, -1L, -1L, -1L, -1L);
}

static void
do_early_ioctl(void)
{
	ioctl(-1, early_ioctls[early], 0);
}

static void
do_all_early(void)
{
	for (early = 0; early < sizeof(early_calls) / sizeof(early_calls[0]); early++)
		do_early_call();
	for (early = 0; early < sizeof(early_ioctls) / sizeof(early_ioctls[0]); early++)
		do_early_ioctl();
	if (syscall(SYS_tgkill, tester, tester, 0) != 0)
		_exit(1);
}

static void
do_open(void)
{
	open("/etc/passwd", O_RDONLY);
}

static void
do_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void
do_fork(void)
{
	fork();
}

static void
do_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, nothing, NULL);
}

/* What has been loaded is final. */
static void
do_filter(void)
{
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL);
}

static void
do_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void
do_map_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
do_protect_code(void)
{
	static char page[8192];

	mprotect(page, 1, PROT_EXEC);
}

static void
do_signal_other(void)
{
	syscall(SYS_tgkill, tester, tester, 0);
}

static void
do_kill(void)
{
	kill(getpid(), 0);
}

static void
do_handler(void)
{
	signal(SIGUSR1, SIG_IGN);
}

static void
do_terminal(void)
{
	struct winsize ws;

	ioctl(0, TIOCGWINSZ, &ws);
}

static void
do_ptrace(void)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void
do_other_ioctl(void)
{
	ioctl(0, KVM_CREATE_VM, 0);
}

static void
do_tiocsti(void)
{
	ioctl(0, TIOCSTI, "x");
}

static void
do_old_abi(void)
{
	__asm__ volatile("int $0x80" : : "a"(20) : "memory"); /* getpid of the 32-bit table */
}

static void
test_allowed(void **state)
{
	(void)state;
	assert_works(JAIL_FILTER_RUN, work);
	assert_works(JAIL_FILTER_RUN, vcpu_work);
	assert_works(JAIL_FILTER_RUN, sort_much);
	assert_works(JAIL_FILTER_SERVED, work);
	assert_works(JAIL_FILTER_SERVED, vcpu_work);
	assert_works(JAIL_FILTER_SERVED, do_reset);
	assert_works(JAIL_FILTER_CHILD, work);
	assert_works(JAIL_FILTER_CHILD, vcpu_work);
	assert_works(JAIL_FILTER_CHILD, sort_much);
	assert_works(JAIL_FILTER_CHILD, do_reset);
	assert_works(JAIL_FILTER_ZYGOTE, work);
	assert_works(JAIL_FILTER_ZYGOTE, vcpu_work);
	assert_works(JAIL_FILTER_ZYGOTE, do_thread);
	assert_works(JAIL_FILTER_ZYGOTE, do_all_early);
	assert_works(JAIL_FILTER_DEBUG, work);
	assert_works(JAIL_FILTER_DEBUG, vcpu_work);
	assert_works(JAIL_FILTER_DEBUG, do_accept);
	assert_works(JAIL_FILTER_DEBUG, do_guest_debug);
	forkstat_prepare();
	stats_out = tmpfile();
	assert_works(JAIL_FILTER_RUN, print_stats);
	assert_works(JAIL_FILTER_RUN, do_terminal);
	assert_works(JAIL_FILTER_DEBUG, do_terminal);
}

static void
test_forbidden(void **state)
{
	static void (*const bodies[])(void) = {
	    do_open,     do_socket,       do_fork,         do_thread, do_exec,
	    do_map_code, do_protect_code, do_signal_other, do_kill,   do_handler,
	    do_ptrace,   do_other_ioctl,  do_tiocsti,      do_filter};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_killed(JAIL_FILTER_RUN, bodies[i]);
		assert_killed(JAIL_FILTER_SERVED, bodies[i]);
		assert_killed(JAIL_FILTER_CHILD, bodies[i]);
		assert_killed(JAIL_FILTER_DEBUG, bodies[i]);
	}
	assert_killed(JAIL_FILTER_RUN, do_reset);
	assert_killed(JAIL_FILTER_SERVED, do_terminal);
	assert_killed(JAIL_FILTER_CHILD, do_terminal);
	assert_killed(JAIL_FILTER_SERVED, do_accept);
	assert_killed(JAIL_FILTER_SERVED, do_guest_debug);
	assert_killed(JAIL_FILTER_CHILD, do_accept);
	assert_killed(JAIL_FILTER_CHILD, do_guest_debug);
}

static void
test_zygote_forbidden(void **state)
{
	static void (*const bodies[])(void) = {
	    do_open,   do_socket,  do_exec, do_map_code, do_protect_code, do_ptrace,
	    do_accept, do_tiocsti, do_kill, do_handler,  do_terminal,     do_guest_debug};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_killed(JAIL_FILTER_ZYGOTE, bodies[i]);
	for (early = 0; early < sizeof(early_calls) / sizeof(early_calls[0]); early++) {
		assert_killed(JAIL_FILTER_SERVED, do_early_call);
		assert_killed(JAIL_FILTER_CHILD, do_early_call);
	}
	for (early = 0; early < sizeof(early_ioctls) / sizeof(early_ioctls[0]); early++) {
		assert_killed(JAIL_FILTER_SERVED, do_early_ioctl);
		assert_killed(JAIL_FILTER_CHILD, do_early_ioctl);
	}
}

/* A filter that allows all, which the calling thread has alone. */
static void
filter_oneself(void)
{
	struct sock_filter allow = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	struct sock_fprog prog = {.len = 1, .filter = &allow};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		_exit(9);
}

static void *
confine_first_thread(void *arg)
{
	struct tine_error error;
	char number[32];

	pthread_barrier_wait(arg);
	if (jail_threads(JAIL_FILTER_RUN, &error) != -EBUSY ||
	    strcmp(error.type, "jail-failed") != 0)
		_exit(1);
	snprintf(number, sizeof(number), "thread %d ", (int)getpid());
	_exit(strstr(error.detail, number) != NULL ? 0 : 2);
}

/* A thread that cannot be confined is an error, not a hole. */
static void
test_not_all(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct tine_error error;
		pthread_barrier_t filtered;
		pthread_t thread;

		/* The thread is older than the filter, which it would inherit. */
		pthread_barrier_init(&filtered, NULL, 2);
		if (jail_process(&error) != 0 ||
		    pthread_create(&thread, NULL, confine_first_thread, &filtered) != 0)
			_exit(9);
		filter_oneself();
		pthread_barrier_wait(&filtered);
		pthread_join(thread, NULL);
		_exit(9);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Dead by SIGSYS, or by SIGSEGV on a kernel that does not know the call gate. */
static void
test_old_abi(void **state)
{
	(void)state;
	assert_true(WIFSIGNALED(confined(JAIL_FILTER_RUN, false, do_old_abi)));
	assert_true(WIFSIGNALED(confined(JAIL_FILTER_RUN, true, do_old_abi)));
	assert_true(WIFSIGNALED(confined(JAIL_FILTER_ZYGOTE, false, do_old_abi)));
	assert_true(WIFSIGNALED(confined(JAIL_FILTER_CHILD, true, do_old_abi)));
}

/* Whether this user may have a user namespace is the host's decision. */
static bool
may_unshare(uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit((uid != getuid() && setuid(uid) != 0) || unshare(CLONE_NEWUSER) != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* Before any filter: which checks fail is the status. */
static int
reach_files(uid_t uid)
{
	struct tine_error error;
	struct stat root, up;
	pid_t pid = fork();
	int status, bad = 0;

	if (pid == 0) {
		if ((uid != getuid() && setuid(uid) != 0) || jail_process(&error) != 0)
			_exit(99);
		bad |= access("/etc/passwd", F_OK) == 0 || errno != ENOENT ? 1 : 0;
		bad |= stat("/", &root) != 0 || stat("..", &up) != 0 || root.st_ino != up.st_ino ||
			       root.st_dev != up.st_dev
			   ? 2
			   : 0;
		bad |=
		    open("new", O_CREAT | O_WRONLY, 0600) >= 0 || mkdir("new", 0700) == 0 ? 4 : 0;
		bad |= chroot(".") == 0 || errno != EPERM ? 8 : 0;
		bad |= unshare(CLONE_NEWUSER) == 0 ? 16 : 0;
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_file_system(void **state)
{
	const uid_t nobody = 65534;
	bool privileged = geteuid() == 0;

	(void)state;
	if (privileged || may_unshare(getuid()))
		assert_int_equal(reach_files(getuid()), 0);
	if (privileged && may_unshare(nobody))
		assert_int_equal(reach_files(nobody), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_allowed),          cmocka_unit_test(test_forbidden),
	    cmocka_unit_test(test_zygote_forbidden), cmocka_unit_test(test_not_all),
	    cmocka_unit_test(test_old_abi),          cmocka_unit_test(test_file_system),
	};

	tester = getpid();
#if defined(__SANITIZE_ADDRESS__)
	return 77; /* no filters under the sanitizers */
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
