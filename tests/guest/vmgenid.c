/* SPDX-License-Identifier: ISC */
/*
 * vmgenid.c: the device that shows the sandbox's generation: what it lets be read, mapped, polled.
 * That it changes is seen by tests/integration/clone.
 */
#include "native.h"
#include <sys/epoll.h>

#define DEVICE "/dev/vmgenid"

static const struct tine_generation none;

static int
device(int flags)
{
	int fd = open(DEVICE, O_RDONLY | flags);

	CHECK(fd >= 0);
	return fd;
}

static const struct tine_generation *
map(int fd, int prot, int flags)
{
	return mmap(NULL, PAGE, prot, flags, fd, 0);
}

static void
reads(void)
{
	int fd = device(O_NONBLOCK), other = device(O_NONBLOCK);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct tine_generation g;
	uint64_t first;
	struct stat st;
	char big[256];

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(S_ISCHR(st.st_mode) && (st.st_mode & 0777) == 0444);
	CHECK_ERR(read(fd, &g, 7), EINVAL);
	CHECK_ERR(read(fd, (void *)8, sizeof(g)), EFAULT);
	CHECK_EQ(poll(&p, 1, 0), 1); /* what failed has not read it */
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(read(fd, &g, sizeof(g)), (long)sizeof(g));
	CHECK_EQ(g.generation, var("kern.generation"));
	CHECK_EQ(g.reserved, 0);
	CHECK(memcmp(g.id, none.id, sizeof(g.id)) != 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERR(read(fd, &g, sizeof(g)), EAGAIN);
	/* Each open file has read for itself; the record is cut short, or a prefix of the buffer.
	 */
	CHECK_EQ(read(other, &first, sizeof(first)), (long)sizeof(first));
	CHECK_EQ(first, g.generation);
	close(other);
	other = device(0);
	CHECK_EQ(read(other, big, sizeof(big)), (long)sizeof(g));
	CHECK_EQ(memcmp(big, &g, sizeof(g)), 0);
	CHECK_ERR(lseek(other, 0, SEEK_SET), ESPIPE);
	close(other);
	close(fd);
	CHECK((fd = open(DEVICE, O_RDWR)) >= 0); /* root may; there is nothing to write to */
	CHECK(write(fd, &g, sizeof(g)) == -1);
	CHECK(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED && errno == EACCES);
	close(fd);
}

/* A blocked reader waits, and lets itself be interrupted. */
static void
blocks(void)
{
	struct tine_generation g;
	int fd = device(0);
	pid_t pid;

	CHECK_EQ(read(fd, &g, sizeof(g)), (long)sizeof(g));
	if ((pid = fork()) == 0)
		_exit(read(fd, &g, sizeof(g)) < 0);
	wait_state(pid, 'S');
	CHECK_EQ(kill(pid, SIGTERM), 0);
	CHECK_KILLED(pid, SIGTERM);
	close(fd);
}

static void
refused(int fd, void *m)
{
	static const int more[] = {PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		CHECK_ERR(mprotect(m, PAGE, more[i]), EACCES);
		CHECK(map(fd, more[i], MAP_SHARED) == MAP_FAILED && errno == EACCES);
		CHECK(map(fd, more[i], MAP_PRIVATE) == MAP_FAILED && errno == EACCES);
	}
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE) == MAP_FAILED && errno == ENXIO);
	CHECK_EQ(mprotect(m, PAGE, PROT_NONE), 0);
	CHECK_EQ(mprotect(m, PAGE, PROT_READ), 0);
}

/* The line of /proc/self/maps for the address says what is mapped there. */
static void
shown(const void *m, const char *rights)
{
	char line[256], start[32];
	FILE *f = fopen("/proc/self/maps", "r");
	int found = 0;

	CHECK(f != NULL);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)m);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, start, strlen(start)) == 0)
			found += strstr(line, rights) != NULL && strstr(line, DEVICE "\n") != NULL;
	CHECK_EQ(found, 1);
	fclose(f);
}

static void
maps(void)
{
	int fd = device(0);
	const struct tine_generation *shared = map(fd, PROT_READ, MAP_SHARED),
				     *private = map(fd, PROT_READ, MAP_PRIVATE);
	const char *rest = (const char *)(shared + 1);
	struct tine_generation g;

	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	CHECK_EQ(read(fd, &g, sizeof(g)), (long)sizeof(g));
	CHECK_EQ(memcmp(shared, &g, sizeof(g)), 0);
	CHECK_EQ(memcmp(private, &g, sizeof(g)), 0);
	for (size_t i = 0; i < PAGE - sizeof(g); i++)
		CHECK_EQ(rest[i], 0);
	refused(fd, (void *)(uintptr_t)shared);
	refused(fd, (void *)(uintptr_t) private);
	shown(shared, "r--s");
	shown(private, "r--p");
	close(fd);
	CHECK_EQ(memcmp(shared, &g, sizeof(g)), 0); /* the mapping needs no descriptor */
	CHECK_EQ(munmap((void *)(uintptr_t)shared, PAGE), 0);
	CHECK_EQ(memcmp(private, &g, sizeof(g)), 0);
	CHECK_EQ(munmap((void *)(uintptr_t) private, PAGE), 0);
}

/* Children of fork have the page, and what becomes of them does not matter to it. */
static void
forks(void)
{
	const volatile struct tine_generation *page = tine_generation_page();
	pid_t pid;

	CHECK(page != NULL);
	CHECK(tine_generation_page() == page);
	CHECK_EQ(page->generation, var("kern.generation"));
	for (int i = 0; i < 3; i++) {
		if ((pid = fork()) == 0) {
			CHECK(tine_generation_page() == page);
			CHECK_EQ(page->generation, var("kern.generation"));
			if (i == 1)
				execl("/proc/self/exe", "vmgenid", "child", NULL);
			if (i == 2)
				CHECK_EQ(munmap((void *)(uintptr_t)page, PAGE), 0);
			_exit(0);
		}
		CHECK_EXIT(pid, 0);
		CHECK_EQ(page->generation, var("kern.generation"));
	}
}

/* A kernel with a leak of references would lose frames or objects here. */
static void
leaks(void)
{
	long frames, objects;

	for (int round = 0; round < 2; round++) {
		frames = var("vm.frames_free");
		objects = var("kern.objects");
		for (int i = 0; i < 50; i++)
			maps();
	}
	CHECK_EQ(var("kern.objects"), objects);
	CHECK(labs(var("vm.frames_free") - frames) < 25);
}

static void
in_epoll(void)
{
	struct epoll_event ev = {.events = EPOLLIN}, got;
	int fd = device(0), ep = epoll_create1(0);
	struct tine_generation g;

	CHECK(ep >= 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(read(fd, &g, sizeof(g)), (long)sizeof(g));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	close(fd);
	close(ep);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		CHECK(tine_generation_page() != NULL);
		return 0;
	}
	reads();
	blocks();
	maps();
	forks();
	leaks();
	in_epoll();
	return ok();
}
