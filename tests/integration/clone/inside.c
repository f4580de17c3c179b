/* SPDX-License-Identifier: ISC */
/* inside.c: the program in the sandboxes of clonetest. */
#include <limits.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include <tine.h>

#include "../../guest/deadlines.h"
#include "inside.h"
#include "marks.h"

#define FILL_BYTES (256u << 10)

static uint32_t memory[FILL_BYTES / sizeof(uint32_t)];

static void
identity(void)
{
	uint8_t random[16];
	char boot_id[64] = "", host[65];
	struct timespec t;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	if (f != NULL && fgets(boot_id, sizeof(boot_id), f) != NULL)
		boot_id[strcspn(boot_id, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
	getrandom(random, sizeof(random), 0);
	gethostname(host, sizeof(host));
	clock_gettime(CLOCK_REALTIME, &t);
	printf("identity ");
	for (size_t i = 0; i < sizeof(random); i++)
		printf("%02x", random[i]);
	printf("/%s %s %lld.%09ld\n", boot_id, host, (long long)t.tv_sec, t.tv_nsec);
}

static void
fill(uint32_t pattern)
{
	for (size_t i = 0; i < FILL_BYTES / sizeof(memory[0]); i++)
		memory[i] = pattern;
	printf("filled %u\n", pattern);
}

static void
check(uint32_t pattern)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < FILL_BYTES / sizeof(memory[0]); i++)
		wrong += memory[i] != pattern;
	printf("checked %u %u\n", pattern, wrong);
}

/* ---- pages that say who wrote them: the test looks for them from outside ---- */

static uint64_t marks[MARK_PAGES][PAGE_BYTES / sizeof(uint64_t)]
    __attribute__((aligned(PAGE_BYTES)));

/* Pages i with i % of == who % of. */
static void
mark(unsigned who, unsigned of)
{
	for (unsigned i = who % of; i < MARK_PAGES; i += of)
		for (size_t w = 0; w < PAGE_BYTES / sizeof(uint64_t); w++)
			marks[i][w] = MARK(who, i);
	printf("marked %u\n", who);
}

/* Pages of which not every word is as who (or before it the writer 0 of all) has left it. */
static void
marks_check(unsigned who, unsigned of)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < MARK_PAGES; i++) {
		uint64_t want = MARK(i % of == who % of ? who : 0, i);
		bool same = true;

		for (size_t w = 0; w < PAGE_BYTES / sizeof(uint64_t); w++)
			same &= marks[i][w] == want;
		wrong += !same;
	}
	printf("marks %u wrong %u\n", who, wrong);
}

unsigned long
kern_generation(void)
{
	char value[32] = "";
	size_t len = sizeof(value);

	return tine_sysctl("kern.generation", value, &len, NULL) == 0 ? strtoul(value, NULL, 10)
								      : ~0ul;
}

static void
generation(void)
{
	printf("generation %lu\n", kern_generation());
}

/* So much memory of its own, until the end; it must come as zeroes. */
static void
touch(unsigned mib)
{
	size_t size = (size_t)mib << 20;
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char *how = p != MAP_FAILED ? "touched" : "failed";

	for (size_t at = 0; p != MAP_FAILED && at < size; at += PAGE_BYTES) {
		p[at] |= 1;
		for (size_t i = 0; i < PAGE_BYTES; i++)
			if (p[at + i] != (i == 0))
				how = "dirty";
		memset(p + at, TOUCHED, PAGE_BYTES);
	}
	printf("%s %u\n", how, mib);
}

/* What exec has made at random for this program: the seed of its stack guard and pointer mangling
 * (AT_RANDOM), and where it lies. */
static void
layout(const char *what)
{
	const uint64_t *seed = (const uint64_t *)getauxval(AT_RANDOM);
	void *m = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	printf("%s %016llx%016llx/%p/%p\n", what, (unsigned long long)seed[0],
	       (unsigned long long)seed[1], (const void *)seed, m);
	fflush(stdout);
	munmap(m, PAGE_BYTES);
}

static void
layouts(void)
{
	layout("running");
	if (fork() == 0) {
		execl("/inside", "/inside", "layout", NULL);
		_exit(1);
	}
	wait(NULL);
}

/* A file that the test has sent: its length, and each byte says where it stands. */
static int
check_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t at = 0;
	int c;

	if (f == NULL)
		return 1;
	while ((c = fgetc(f)) != EOF && c == (int)(at & 0xff))
		at++;
	fclose(f);
	return c == EOF && at == size ? 0 : 2;
}

/* Serve commands that come on standard input. */
static int
loop(void)
{
	unsigned who, of;
	char line[64];

	printf("loop\n");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strncmp(line, "identity", 8) == 0)
			identity();
		else if (strncmp(line, "fill ", 5) == 0)
			fill((uint32_t)atoi(line + 5));
		else if (strncmp(line, "check ", 6) == 0)
			check((uint32_t)atoi(line + 6));
		else if (strncmp(line, "generation", 10) == 0)
			generation();
		else if (strncmp(line, "layout", 6) == 0)
			layouts();
		else if (strncmp(line, "parent", 6) == 0)
			printf(getppid() >= 0 ? "parent\n" : "no parent\n");
		else if (sscanf(line, "touch %u", &who) == 1)
			touch(who);
		else if (sscanf(line, "mark %u %u", &who, &of) == 2)
			mark(who, of);
		else if (sscanf(line, "marks %u %u", &who, &of) == 2)
			marks_check(who, of);
	}
	return 0;
}

/* ---- watch: the device of the generation ---- */

static void
print_record(const char *what, const struct tine_generation *g)
{
	printf("%s %llu ", what, (unsigned long long)g->generation);
	for (size_t i = 0; i < sizeof(g->id); i++)
		printf("%02x", g->id[i]);
	printf("\n");
}

/* Both mappings and a second file say what has been read. */
static bool
all_say(const struct tine_generation *g, const void *shared, const void *private)
{
	struct tine_generation other;
	int fd = open("/dev/vmgenid", O_RDONLY | O_CLOEXEC);
	bool same = read(fd, &other, sizeof(other)) == sizeof(other);

	close(fd);
	return same && memcmp(g, &other, sizeof(other)) == 0 &&
	       memcmp(g, shared, sizeof(*g)) == 0 && memcmp(g, private, sizeof(*g)) == 0 &&
	       g->generation == kern_generation();
}

/* A process that sleeps in read() counts the changes. */
static void
count_reads(volatile unsigned *count)
{
	int fd = open("/dev/vmgenid", O_RDONLY);
	struct tine_generation g;

	while (read(fd, &g, sizeof(g)) == sizeof(g))
		++*count;
	_exit(1);
}

/* Say when the generation has changed; and what is mapped, for a line of standard input. */
static int
watch(void)
{
	int fd = open("/dev/vmgenid", O_RDONLY | O_NONBLOCK);
	void *shared = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0),
	     *private = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	volatile unsigned *reads =
	    mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	struct tine_generation g;
	unsigned changes = 0;
	char line[64];

	if (shared == MAP_FAILED || private == MAP_FAILED || reads == MAP_FAILED)
		return 1;
	if (fork() == 0)
		count_reads(reads);
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents & POLLIN) {
			if (read(fd, &g, sizeof(g)) != sizeof(g) || !all_say(&g, shared, private))
				return 2;
			changes++;
			while (*reads < changes)
				sched_yield();
			print_record("changed", &g);
		}
		if (p[1].revents & (POLLIN | POLLHUP)) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				break;
			print_record(*reads == changes ? "mapped" : "woken for nothing", shared);
		}
	}
	return 3;
}

/* ---- fpu: registers that nobody else may change ---- */

struct xmm {
	uint64_t v[16][2];
} __attribute__((aligned(16)));

static struct xmm
pattern(uint64_t seed)
{
	struct xmm x;

	for (uint64_t i = 0; i < 32; i++)
		x.v[i / 2][i % 2] = (seed + i) * 0x9e3779b97f4a7c15u;
	return x;
}

#define XMM_LOAD(n) "movaps " #n "*16(%[in]), %%xmm" #n "\n\t"
#define XMM_STORE(n) "movaps %%xmm" #n ", " #n "*16(%[out])\n\t"
#define XMM_ALL(X)                                                                                 \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define XMM_NAMES                                                                                  \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",   \
	    "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* read() with these in the registers: are they still there afterwards? */
static bool
read_with(const struct xmm *x, char *buf, size_t size)
{
	struct xmm after;
	long n = SYS_read;

	__asm__ volatile(XMM_ALL(XMM_LOAD) "syscall\n\t" XMM_ALL(XMM_STORE)
			 : "+a"(n)
			 : "D"(0L), "S"(buf), "d"(size), [in] "r"(x), [out] "r"(&after)
			 : "rcx", "r11", "memory", XMM_NAMES);
	if (n <= 0)
		exit(1);
	return memcmp(x, &after, sizeof(after)) == 0;
}

/* The same for a while in user mode. */
static bool
spin_with(const struct xmm *x, long turns)
{
	struct xmm after;

	__asm__ volatile(XMM_ALL(XMM_LOAD) "1: dec %[n]\n\tjnz 1b\n\t" XMM_ALL(XMM_STORE)
			 : [n] "+r"(turns)
			 : [in] "r"(x), [out] "r"(&after)
			 : "cc", "memory", XMM_NAMES);
	return memcmp(x, &after, sizeof(after)) == 0;
}

/* Other registers each time: those that the kernel has saved before are wrong. */
static void
count_turns(volatile unsigned *turns)
{
	struct xmm x;

	do
		x = pattern(100 * ++*turns);
	while (spin_with(&x, 100000));
	turns[1] = 1;
	_exit(1);
}

/* A line: has anything of this process or of the other one changed?  "spin" goes on with other
 * registers, for ever. */
static int
fpu(void)
{
	const struct xmm mine = pattern(1), last = pattern(2);
	volatile unsigned *turns =
	    mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char line[16];

	if (turns == MAP_FAILED)
		return 1;
	if (fork() == 0)
		count_turns(turns);
	while (*turns < 2)
		sched_yield();
	printf("fpu\n");
	for (;;) {
		bool kept = read_with(&mine, line, sizeof(line));
		unsigned goal = *turns + 2;

		while (*turns < goal && turns[1] == 0)
			sched_yield();
		printf("registers %s\n", kept && turns[1] == 0 ? "kept" : "changed");
		while (line[0] == 's' && spin_with(&last, LONG_MAX))
			continue;
	}
}

/* ---- deadlines: on a clock that is two hours slow, sleepers wait for what is in one hour ---- */

#define HOUR 3600000l

static int
deadlines(void)
{
	struct itimerspec its = {0};
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	pid_t pid[NWAITS];
	uint64_t n;

	move_wall(-2 * HOUR);
	its.it_value = wall_after(10 * HOUR);
	start_waiting(wall_after(HOUR), pid);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its, NULL), 0);
	all_waiting(pid);
	printf("waiting\n");
	CHECK_ERR(read(fd, &n, sizeof(n)), ECANCELED);
	all_done(pid);
	printf("woken\n");
	return 0;
}

/* So many bytes to standard output, whenever poll() says that it takes some.  Others may be quicker
 * now and then, but not always. */
static int
polling(size_t bytes)
{
	static const char zero[4096];
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	CHECK_EQ(fcntl(STDOUT_FILENO, F_SETFL, O_WRONLY | O_NONBLOCK), 0);
	for (unsigned refused = 0; bytes > 0;) {
		ssize_t n;

		CHECK_EQ(poll(&p, 1, -1), 1);
		n = write(STDOUT_FILENO, zero, bytes < sizeof(zero) ? bytes : sizeof(zero));
		if (n < 0 && (errno != EAGAIN || ++refused > 1000))
			return 1;
		if (n > 0)
			bytes -= (size_t)n;
	}
	return 0;
}

static void *
stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* So many bytes to standard output, then the end of a process with another thread. */
static int
last_words(size_t bytes)
{
	char *zero = calloc(1, bytes);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), 0);
	return zero != NULL && write(STDOUT_FILENO, zero, bytes) == (ssize_t)bytes ? 0 : 1;
}

static int
ask_for_clone(const volatile struct tine_generation *page)
{
	long r = vmfork();
	int error = r < 0 ? errno : 0;

	printf("vmfork %ld %d generation %llu\n", r, error, (unsigned long long)page->generation);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const volatile struct tine_generation *page = tine_generation_page();

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "loop") == 0)
		return loop();
	if (strcmp(what, "storm") == 0)
		return storm();
	if (strcmp(what, "fpu") == 0)
		return fpu();
	if (strcmp(what, "layout") == 0) {
		layout("started");
		return 0;
	}
	if (strcmp(what, "file") == 0)
		return check_file(argv[2], (size_t)atoi(argv[3]));
	if (strcmp(what, "polling") == 0)
		return polling((size_t)atoi(argv[2]));
	if (strcmp(what, "lastwords") == 0)
		return last_words((size_t)atoi(argv[2]));
	if (strcmp(what, "deadlines") == 0)
		return deadlines();
	if (strcmp(what, "watch") == 0)
		return watch();
	if (strcmp(what, "vmfork") == 0)
		return ask_for_clone(page);
	if (strcmp(what, "vmforks") == 0) { /* twice at the same time */
		if (fork() == 0)
			_exit(ask_for_clone(page) + fflush(stdout));
		ask_for_clone(page);
		return wait(NULL) > 0 ? 0 : 1;
	}
	return 2;
}
