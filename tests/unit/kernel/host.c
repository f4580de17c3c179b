/* SPDX-License-Identifier: ISC */
/* host.c: the libc side of the kernel memory tests: memory, messages, the list of tests. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "hosted.h"

uint64_t hosted_seed, hosted_step;
const char *hosted_what = "";

char *
hosted_map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(77);
	}
	return p;
}

void
hosted_vlog(const char *fmt, va_list ap)
{
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void
hosted_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: seed %#llx step %llu %s: ", file, line,
		(unsigned long long)hosted_seed, (unsigned long long)hosted_step, hosted_what);
	va_start(ap, fmt);
	hosted_vlog(fmt, ap);
	va_end(ap);
	abort(); /* the state is of use only in a debugger, and the next test shares it */
}

bool
hosted_panics(void (*fn)(void *), void *arg)
{
	const struct rlimit no_core = {0};
	int status = 0;
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(77);
	}
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		fn(arg);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frames),
	    cmocka_unit_test(test_frames_random),
	    cmocka_unit_test(test_clean_frames),
	    cmocka_unit_test(test_return),
	    cmocka_unit_test(test_pool),
	    cmocka_unit_test(test_kmalloc),
	    cmocka_unit_test(test_kmalloc_random),
	    cmocka_unit_test(test_space_search),
	    cmocka_unit_test(test_merge),
	    cmocka_unit_test(test_brk),
	    cmocka_unit_test(test_stack),
	    cmocka_unit_test(test_move),
	    cmocka_unit_test(test_stale),
	    cmocka_unit_test(test_stale_object),
	    cmocka_unit_test(test_fork_cost),
	    cmocka_unit_test(test_exhaustion),
	    cmocka_unit_test(test_fork_exceptions),
	    cmocka_unit_test(test_object),
	    cmocka_unit_test(test_radix_failures),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_model_nomem),
	};

	kernel_boot();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
