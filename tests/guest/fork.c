/* SPDX-License-Identifier: ISC */
/* fork.c: return values, private copy-on-write memory, shared file offsets, ids.  rows: A1 B1 B8 E6
 */
#include "guest.h"

static int global = 1;

int
main(void)
{
	enum { N = 600 };
	char *m = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), pid;
	int fd, local = 1, p[2];
	char c;

	CHECK(m != MAP_FAILED && shared != MAP_FAILED);
	for (int i = 0; i < N; i++)
		m[(size_t)i * PAGE] = (char)i;
	fd = open("/tmp/fork-offset", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "abcdef", 6), 6);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(pipe(p), 0);

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(getppid(), parent);
		CHECK(getpid() != parent);
		CHECK_EQ(read(p[0], &c, 1), 1); /* the parent has written its memory by now */
		for (int i = 0; i < N; i++)
			CHECK_EQ(m[(size_t)i * PAGE], (char)i);
		CHECK_EQ(global, 1);
		CHECK_EQ(local, 1);
		global = local = 3;
		for (int i = 0; i < N; i++)
			m[(size_t)i * PAGE] = 'c';
		shared[0] = 'S';
		CHECK_EQ(read(fd, &c, 1), 1); /* offset is shared: parent has read 'a' */
		CHECK_EQ(c, 'b');
		_exit(42);
	}
	global = local = 2;
	for (int i = 0; i < N; i++)
		m[(size_t)i * PAGE] = (char)(i + 1);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 'a');
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EXIT(pid, 42);
	for (int i = 0; i < N; i++)
		CHECK_EQ(m[(size_t)i * PAGE], (char)(i + 1));
	CHECK_EQ(global, 2);
	CHECK_EQ(local, 2);
	CHECK_EQ(shared[0], 'S');
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 'c');
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	return ok();
}
