/* SPDX-License-Identifier: ISC */
/* mmap.c: anonymous, fixed, shared and file mappings, protection, remap, brk, what fork does to
 * each. */
#include "guest.h"
#include <setjmp.h>

static sigjmp_buf env;
static volatile int fault_sig;

static void
fault(int sig)
{
	fault_sig = sig;
	siglongjmp(env, 1);
}

/* The signal that writing (or reading) there raises, 0 if none. */
static int
probe(volatile char *p, int wr)
{
	fault_sig = 0;
	if (sigsetjmp(env, 1) == 0) {
		if (wr)
			*p = 1;
		else
			(void)*p;
	}
	return fault_sig;
}

static char *
anon(size_t pages, int prot, int flags)
{
	char *m = mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	return m;
}

static void
protections(void)
{
	char *m = anon(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	CHECK_EQ(m[0] | m[PAGE] | m[3 * PAGE], 0);
	memset(m, 'x', 4 * PAGE);
	CHECK_EQ(mprotect(m + PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(probe(m + PAGE, 1), SIGSEGV);
	CHECK_EQ(probe(m + PAGE, 0), 0);
	CHECK_EQ(mprotect(m + 2 * PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQ(probe(m + 2 * PAGE, 0), SIGSEGV);
	CHECK_EQ(mprotect(m, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(m[2 * PAGE], 'x'); /* PROT_NONE keeps the content */
	CHECK_EQ(munmap(m + PAGE, PAGE), 0);
	CHECK_EQ(probe(m + PAGE, 0), SIGSEGV);
	CHECK_EQ(probe(m, 1), 0);
	CHECK_ERR(mprotect(m, 4 * PAGE, PROT_READ), ENOMEM);              /* a hole */
	CHECK_ERR(syscall(SYS_mprotect, m + 1, PAGE, PROT_READ), EINVAL); /* libc may round */
	CHECK_EQ(munmap(m, 4 * PAGE), 0);
	CHECK_ERR(munmap(m + 1, PAGE), EINVAL);
	m = anon(1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	*m = (char)0xc3; /* ret */
	CHECK_EQ(mprotect(m, PAGE, PROT_READ | PROT_EXEC), 0);
	((void (*)(void))(uintptr_t)m)();
	CHECK_EQ(mprotect(m, PAGE, PROT_READ), 0);
	fault_sig = 0;
	if (sigsetjmp(env, 1) == 0)
		((void (*)(void))(uintptr_t)m)();
	CHECK_EQ(fault_sig, SIGSEGV); /* no-execute */
}

static void
fixed(void)
{
	char *m = anon(8, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);

	CHECK(mmap(m + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m + 2 * PAGE);
	CHECK_EQ(probe(m + 2 * PAGE, 1), 0);
	CHECK_EQ(probe(m + PAGE, 1), SIGSEGV);
	CHECK_ERR(mmap(m, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0), EEXIST);
	CHECK_ERR(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(mmap(NULL, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_EQ(munmap(m, 8 * PAGE), 0);
	m = mmap(NULL, 64UL << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(m != MAP_FAILED); /* large reservations cost nothing */
	CHECK_EQ(munmap(m, 64UL << 30), 0);
}

static void
remap(void)
{
	char *m = anon(4, PROT_READ | PROT_WRITE, MAP_PRIVATE), *n;

	for (int i = 0; i < 4; i++)
		m[(size_t)i * PAGE] = (char)('a' + i);
	n = mremap(m, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	CHECK(n != MAP_FAILED);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(n[(size_t)i * PAGE], 'a' + i);
	CHECK_EQ(n[63 * PAGE], 0);
	CHECK(mremap(n, 64 * PAGE, 2 * PAGE, 0) == n);
	CHECK_EQ(probe(n + 2 * PAGE, 0), SIGSEGV);
	CHECK_EQ(n[PAGE], 'b');
}

static void
files(void)
{
	int fd = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600), ro;
	char *s, *p, c;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 3 * PAGE + 10), 0);
	CHECK_EQ(pwrite(fd, "hello", 5, PAGE), 5);
	s = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(s != MAP_FAILED && p != MAP_FAILED);
	CHECK(memcmp(s + PAGE, "hello", 5) == 0 && memcmp(p + PAGE, "hello", 5) == 0);
	s[PAGE] = 'J';
	CHECK_EQ(pread(fd, &c, 1, PAGE), 1);
	CHECK_EQ(c, 'J');
	CHECK_EQ(p[PAGE], 'J'); /* not copied yet */
	p[PAGE] = 'P';
	CHECK_EQ(s[PAGE], 'J');
	CHECK_EQ(pwrite(fd, "Z", 1, 2 * PAGE), 1);
	CHECK_EQ(s[2 * PAGE], 'Z');
	CHECK_EQ(probe(s + 3 * PAGE + 100, 1), 0); /* rest of the last page */
	CHECK_EQ(probe(s + 4 * PAGE, 0), SIGBUS);  /* past the end */
	CHECK_EQ(ftruncate(fd, PAGE), 0);
	CHECK_EQ(probe(s + 2 * PAGE, 0), SIGBUS);
	CHECK_EQ(msync(s, PAGE, MS_SYNC), 0);
	ro = open("/tmp/mapped", O_RDONLY);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0), EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 100), EINVAL);
}

/* private: copied; shared: seen by both; of a file, and anonymous. */
static void
across_fork(void)
{
	int fd = open("/tmp/forked", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *priv = anon(700, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *shar = anon(700, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *file;
	pid_t pid;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	file = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(file != MAP_FAILED);
	priv[0] = shar[0] = 'p';
	pid = fork();
	if (pid == 0) {
		priv[0] = priv[600 * PAGE] = 'c';
		shar[0] = shar[600 * PAGE] = 'c';
		file[3 * PAGE] = 'c';
		CHECK_EQ(munmap(priv + 10 * PAGE, 400 * PAGE), 0);
		CHECK_EQ(mprotect(priv + 500 * PAGE, PAGE, PROT_NONE), 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(priv[0], 'p');
	CHECK_EQ(priv[600 * PAGE], 0);
	CHECK_EQ(shar[0], 'c');
	CHECK_EQ(shar[600 * PAGE], 'c');
	CHECK_EQ(file[3 * PAGE], 'c');
	CHECK_EQ(probe(priv + 11 * PAGE, 1), 0); /* the child's munmap is its own */
	CHECK_EQ(probe(priv + 500 * PAGE, 1), 0);
}

static void
advice(void)
{
	char *m = anon(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *d = anon(1, PROT_READ | PROT_WRITE, MAP_PRIVATE),
	     *w = anon(1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	pid_t pid;

	m[0] = m[PAGE] = 'x';
	CHECK_EQ(madvise(m, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(m[0], 0);
	CHECK_EQ(m[PAGE], 'x');
	CHECK_ERR(madvise(m, PAGE, 9999), EINVAL);
	w[0] = 'w';
	CHECK_EQ(madvise(d, PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(madvise(w, PAGE, MADV_WIPEONFORK), 0);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(probe(d, 0), SIGSEGV);
		CHECK_EQ(w[0], 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(probe(d, 0), 0);
	CHECK_EQ(w[0], 'w');
}

/* musl's sbrk() only ever queries. */
static void
program_break(void)
{
	uintptr_t cur = (uintptr_t)syscall(SYS_brk, 0);

	CHECK(cur != 0);
	CHECK_EQ((uintptr_t)syscall(SYS_brk, cur + 5 * PAGE), cur + 5 * PAGE);
	CHECK_EQ(probe((char *)cur + 4 * PAGE, 1), 0);
	CHECK_EQ((uintptr_t)syscall(SYS_brk, cur), cur);
	CHECK_EQ(probe((char *)(((cur + PAGE - 1) & ~(PAGE - 1)) + PAGE), 1), SIGSEGV);
	CHECK_EQ((uintptr_t)syscall(SYS_brk, 1UL << 62), cur); /* refused: the old break */
}

static int
deep(int n)
{
	volatile char big[8192];

	big[0] = big[8191] = (char)n;
	return n == 0 ? big[0] : deep(n - 1) + big[8191];
}

int
main(void)
{
	struct sigaction sa = {.sa_handler = fault, .sa_flags = SA_ONSTACK};
	static char alt[32768];
	stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};

	CHECK_EQ(sigaltstack(&ss, NULL), 0);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	protections();
	fixed();
	remap();
	files();
	across_fork();
	advice();
	program_break();
	CHECK(deep(500) >= -100000); /* 4 MiB of stack */
	return ok();
}
