/* SPDX-License-Identifier: ISC */
/*
 * sandbox_test.c: VMM processes with the fake guest kernel, driven as the daemon drives them.
 *
 * usage: sandbox_test TINE FAKEGUEST EMPTY-DIRECTORY [bochs].  Needs nested paging; exit status 77
 * without.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/vmm.h"
#include "fakeguest/vcpu_items.h"

#define LIMIT_MS 20000

static const char *kernel, *root;
static bool bochs;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct sandbox *
spawn_one(void)
{
	struct sandbox_config config = {.kernel = kernel, .rootfs = root, .memory_mib = 32};
	struct tine_error error;
	struct sandbox *sb;

	if (sandbox_spawn(&config, &sb, &error) != 0) {
		fprintf(stderr, "spawn: %s\n", error.detail);
		exit(1);
	}
	return sb;
}

/* The next message, waited for. */
static int
next(struct sandbox *sb, struct sandbox_msg *msg, struct tine_error *error)
{
	int r;

	while ((r = sandbox_recv(sb, msg, error)) == 0) {
		int more = sandbox_flush(sb, NULL);
		struct pollfd p = {.fd = sandbox_fd(sb),
				   .events = (short)(POLLIN | (more == 1 ? POLLOUT : 0))};

		CHECK(poll(&p, 1, LIMIT_MS) == 1);
	}
	return r;
}

static void
expect(struct sandbox *sb, struct sandbox_msg *msg, uint16_t type)
{
	struct tine_error error;
	int r = next(sb, msg, &error);

	if (r != 1)
		fprintf(stderr, "recv: %s: %s\n", error.type, error.detail);
	CHECK(r == 1);
	if (msg->type != type)
		fprintf(stderr, "got type %u, not %u: %s\n", msg->type, type,
			msg->type == VMM_MSG_FAILED
			    ? ((const struct tine_error *)(const void *)msg->payload)->detail
			    : "");
	CHECK(msg->type == type);
}

static struct sandbox *
boot(void)
{
	struct sandbox *sb = spawn_one();
	struct sandbox_msg msg;

	expect(sb, &msg, VMM_MSG_STARTED);
	CHECK(((const struct vmm_started *)(const void *)msg.payload)->pid == sandbox_pid(sb));
	expect(sb, &msg, TINE_MSG_READY);
	return sb;
}

static void
launch(struct sandbox *sb, uint32_t id, const char *program, const char *arg)
{
	const char *argv[] = {program, arg, NULL};
	struct launch_spec spec = {.argv = argv, .flags = TINE_LAUNCH_STDIN};
	uint8_t *payload;
	size_t len;

	CHECK(launch_encode(&spec, &payload, &len, NULL) == 0);
	CHECK(sandbox_send(sb, TINE_MSG_LAUNCH, id, 0, payload, len, NULL) == 0);
	free(payload);
}

static void
test_echo(void)
{
	struct sandbox *sb = boot();
	struct sandbox_hoststats hs;
	struct sandbox_msg msg;
	struct tine_stats stats;
	bool torn;

	launch(sb, 5, "/echo", "hello");
	expect(sb, &msg, TINE_MSG_REPLY);
	CHECK(msg.id == 5 && msg.arg == 0 && msg.len == sizeof(struct tine_launched));
	expect(sb, &msg, TINE_MSG_OUT);
	CHECK(msg.len == 5 && memcmp(msg.payload, "hello", 5) == 0 && msg.arg == 1);
	expect(sb, &msg, TINE_MSG_OUT);
	expect(sb, &msg, TINE_MSG_OUT);
	CHECK(msg.arg == 2 && msg.len == 5);
	expect(sb, &msg, TINE_MSG_OUT);
	expect(sb, &msg, TINE_MSG_OUT);
	CHECK(msg.len == 0);
	expect(sb, &msg, TINE_MSG_EXITED);
	CHECK(((const struct tine_exited *)(const void *)msg.payload)->status == 7 << 8);
	CHECK(sandbox_stats(sb, &stats, &torn) == 0 && !torn && stats.cntfork == 42);
	CHECK(sandbox_hoststats(sb, &hs, NULL) == 0);
	CHECK(!hs.final && hs.nested_faults > 0 && hs.exits > 0 && hs.mapped_4k + hs.mapped_2m > 0);
	CHECK(hs.private_bytes > 4096 && hs.private_bytes < 32u << 20 && hs.vmm_pss_bytes > 0);
	printf("faults %llu exits %llu private %llu shared %llu pss %llu 4k %llu\n",
	       (unsigned long long)hs.nested_faults, (unsigned long long)hs.exits,
	       (unsigned long long)hs.private_bytes, (unsigned long long)hs.shared_bytes,
	       (unsigned long long)hs.vmm_pss_bytes, (unsigned long long)hs.mapped_4k);
	sandbox_destroy(sb);
}

/* More than the socket, the ring and the credit hold. */
static void
test_cat(void)
{
	enum { TOTAL = 1 << 20 };
	struct sandbox *sb = boot();
	struct sandbox_msg msg;
	uint32_t sent = 0, got = 0;
	static uint8_t chunk[30000];

	launch(sb, 9, "/cat", "");
	expect(sb, &msg, TINE_MSG_REPLY);
	while (got < TOTAL) {
		uint64_t credit = sandbox_stdin_credit(sb, 9);
		size_t n = TOTAL - sent < sizeof(chunk) ? TOTAL - sent : sizeof(chunk);

		if (sent < TOTAL && credit >= n) {
			for (size_t i = 0; i < n; i++)
				chunk[i] = (uint8_t)((sent + i) * 7);
			CHECK(sandbox_send(sb, TINE_MSG_STDIN, 9, 0, chunk, n, NULL) == 0);
			sent += (uint32_t)n;
			continue;
		}
		CHECK(next(sb, &msg, NULL) == 1);
		if (msg.type == TINE_MSG_OUT) {
			uint32_t back = (uint32_t)msg.len;

			for (size_t i = 0; i < msg.len; i++)
				CHECK(msg.payload[i] == (uint8_t)((got + i) * 7));
			got += back;
			CHECK(sandbox_send(sb, TINE_MSG_CREDIT, 9, 1, &back, 4, NULL) == 0);
		}
	}
	CHECK(sandbox_send(sb, TINE_MSG_STDIN, 9, 0, NULL, 0, NULL) == 0);
	do
		CHECK(next(sb, &msg, NULL) == 1);
	while (msg.type != TINE_MSG_EXITED);
	sandbox_destroy(sb);
}

static void
test_credit_and_ids(void)
{
	static const uint8_t zeros[TINE_STREAM_CREDIT + 1];
	struct sandbox *sb = boot();
	struct sandbox_msg msg;

	launch(sb, 3, "/sleep", "");
	expect(sb, &msg, TINE_MSG_REPLY);
	expect(sb, &msg, TINE_MSG_OUT);
	CHECK(sandbox_send(sb, TINE_MSG_STDIN, 3, 0, zeros, sizeof(zeros), NULL) == -EAGAIN);
	CHECK(sandbox_send(sb, TINE_MSG_PROCS, 3, 0, NULL, 0, NULL) == -EEXIST);
	CHECK(sandbox_send(sb, TINE_MSG_PROCS, 0, 0, NULL, 0, NULL) == -EPROTO);
	sandbox_destroy(sb);
}

static void
bad_guest(const char *program, const char *arg, const char *type, const char *text)
{
	struct sandbox *sb = boot();
	struct tine_error error, why;
	struct tine_stats stats;
	struct sandbox_msg msg;
	bool torn;

	launch(sb, 2, program, arg);
	do
		CHECK(next(sb, &msg, &error) == 1);
	while (msg.type == TINE_MSG_REPLY || msg.type == TINE_MSG_OUT);
	CHECK(msg.type == VMM_MSG_FAILED);
	memcpy(&why, msg.payload, sizeof(why));
	if (strcmp(why.type, type) != 0 || strstr(why.detail, text) == NULL)
		fprintf(stderr, "%s: %s: %s\n", program, why.type, why.detail);
	CHECK(strcmp(why.type, type) == 0 && strstr(why.detail, text) != NULL);
	CHECK(next(sb, &msg, &error) == -EPIPE);
	CHECK(sandbox_stats(sb, &stats, &torn) == 0 && stats.cntfork == 42);
	sandbox_destroy(sb);
}

static void
test_bad_guest(const char *program, const char *type, const char *text)
{
	bad_guest(program, "", type, text);
}

/* The guest counts the paravirtual MSRs of KVM that are not as its CPUID says. */
static void
test_paravirtual(void)
{
	struct sandbox *sb = boot();
	struct sandbox_msg msg;

	launch(sb, 3, "/msrs", "");
	do
		CHECK(next(sb, &msg, NULL) == 1);
	while (msg.type != TINE_MSG_EXITED);
	CHECK(((const struct tine_exited *)(const void *)msg.payload)->status == 0);
	sandbox_destroy(sb);
}

static void
check_ready(struct sandbox *sb, const char *when)
{
	static const char *const items[] = {
#define VCPU_ITEM_NAME(name) #name,
	    VCPU_ITEMS(VCPU_ITEM_NAME)
#undef VCPU_ITEM_NAME
	};
	struct sandbox_msg msg;

	expect(sb, &msg, TINE_MSG_READY);
	if (msg.arg != 0)
		fprintf(stderr, "%s: %s is not as in the template\n", when,
			msg.arg <= VCPU_NITEMS ? items[msg.arg - 1] : "?");
	CHECK(msg.arg == 0);
}

/* Whatever a clone leaves behind in its vCPU, after a reset it is as in the template. */
static void
test_reset(void)
{
	/* In Bochs NMIs that a guest's IRET has not unblocked stay blocked, whatever KVM says. */
	static const char *const programs[] = {"/halted", "/dirty", "/spin", "/nmi"};
	const uint32_t n = bochs ? 3 : 4;
	struct sandbox *original = boot(), *clone;
	struct sandbox_config config = {0};
	struct sandbox_msg msg;

	CHECK(sandbox_freeze(original, 4, false, 0, NULL) == 0);
	expect(original, &msg, VMM_MSG_FROZEN);
	CHECK(msg.arg == 0);
	config.template = sandbox_take_template(original, NULL);
	CHECK(config.template != NULL);
	CHECK(sandbox_spawn(&config, &clone, NULL) == 0);
	expect(clone, &msg, VMM_MSG_STARTED);
	check_ready(clone, "clone");
	for (uint32_t i = 0; i < 3 * n; i++) {
		const char *program = programs[i % n];

		launch(clone, 100, program, "");
		expect(clone, &msg, TINE_MSG_REPLY);
		if (strcmp(program, "/spin") != 0)
			expect(clone, &msg, TINE_MSG_OUT); /* it is done */
		CHECK(sandbox_reset(clone, 200 + i, NULL) == 0);
		expect(clone, &msg, VMM_MSG_RESET);
		CHECK(msg.id == 200 + i && msg.arg == 0);
		check_ready(clone, program);
	}
	sandbox_destroy(clone);
	sandbox_destroy(original);
	template_release(config.template);
}

static void
test_halt(void)
{
	struct sandbox *sb = boot();
	struct sandbox_msg msg;

	launch(sb, 2, "/halt", "");
	expect(sb, &msg, TINE_MSG_REPLY);
	expect(sb, &msg, VMM_MSG_HALTED);
	CHECK(msg.arg == 0);
	sandbox_destroy(sb);
}

/* The daemon reads late: all that the guest has said comes before the news of its end. */
static void
test_last_words(void)
{
	enum { N = 2000 }; /* more than the socket holds, no more than the ring does beside it */
	struct sandbox *sb = boot();
	struct sandbox_msg msg;
	struct tine_stats stats;
	bool torn;

	launch(sb, 2, "/halt", "2000");
	do
		CHECK(sandbox_stats(sb, &stats, &torn) == 0);
	while (stats.cntfork != 42 + N);
	expect(sb, &msg, TINE_MSG_REPLY);
	for (int i = 0; i < N; i++)
		expect(sb, &msg, TINE_MSG_OUT);
	expect(sb, &msg, VMM_MSG_HALTED);
	sandbox_destroy(sb);
}

static void
test_kill(void)
{
	struct sandbox *sb = boot();
	struct sandbox_hoststats hs;
	struct tine_error error;
	struct tine_stats stats;
	struct sandbox_msg msg;
	bool torn;

	launch(sb, 2, "/spin", "");
	expect(sb, &msg, TINE_MSG_REPLY);
	CHECK(sandbox_hoststats(sb, &hs, NULL) == 0 && !hs.final);
	sandbox_kill(sb);
	CHECK(next(sb, &msg, &error) == -EPIPE);
	CHECK(strcmp(error.type, "vmm-killed") == 0 && strstr(error.detail, "signal 9") != NULL);
	CHECK(sandbox_stats(sb, &stats, &torn) == 0 && stats.cntfork == 42);
	CHECK(sandbox_hoststats(sb, &hs, NULL) == 0 && hs.final && hs.private_bytes > 0);
	CHECK(sandbox_send(sb, TINE_MSG_PROCS, 3, 0, NULL, 0, NULL) == -EPIPE);
	sandbox_destroy(sb);
}

static void
test_bad_kernel(void)
{
	struct sandbox_config config = {.kernel = "/proc/self/exe", .rootfs = root};
	struct sandbox *sb;
	struct sandbox_msg msg;
	struct tine_error why;

	CHECK(sandbox_spawn(&config, &sb, NULL) == 0);
	expect(sb, &msg, VMM_MSG_FAILED);
	memcpy(&why, msg.payload, sizeof(why));
	CHECK(strcmp(why.type, "bad-kernel") == 0);
	sandbox_destroy(sb);
}

/* The daemon dies: its sandboxes do, too. */
static void
test_orphan(void)
{
	int p[2], status;
	char c;
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		struct sandbox *sb = boot();
		pid_t child = sandbox_pid(sb);
		struct sandbox_msg msg;

		launch(sb, 2, "/spin", "");
		expect(sb, &msg, TINE_MSG_REPLY);
		CHECK(write(p[1], &child, sizeof(child)) == sizeof(child));
		kill(getpid(), SIGKILL);
	}
	CHECK(read(p[0], &status, sizeof(status)) == sizeof(status));
	CHECK(waitpid(pid, NULL, 0) == pid);
	/* No longer our child; it is gone when its number is. */
	for (int i = 0; kill(status, 0) == 0 && i < LIMIT_MS; i++)
		poll(NULL, 0, 1);
	CHECK(kill(status, 0) < 0 && errno == ESRCH);
	(void)c;
}

int
main(int argc, char **argv)
{
	struct host_info info;

	CHECK(argc == 4 || argc == 5);
	bochs = argc == 5;
	host_probe(&info);
	if (!info.capable) {
		fprintf(stderr, "skipped: %s\n", info.detail);
		return 77;
	}
	sandbox_set_program(argv[1]);
	kernel = argv[2];
	root = argv[3];
	test_echo();
	test_cat();
	test_credit_and_ids();
	test_paravirtual();
	test_reset();
	test_halt();
	test_last_words();
	test_kill();
	test_bad_kernel();
	test_bad_guest("/triple", "guest-triple-fault", "triple fault");
	test_bad_guest("/panic", "guest-panic", "as asked");
	test_bad_guest("/mmio", "guest-memory", "0xe0000000");
	test_bad_guest("/port", "guest-io", "port 0x80");
	test_bad_guest("/hypercall", "guest-protocol", "bad address");
	test_bad_guest("/long", "guest-protocol", "4294967280");
	test_bad_guest("/position", "guest-protocol", "impossible");
	test_bad_guest("/type", "guest-protocol", "type 1");
	test_bad_guest("/overcredit", "guest-protocol", "credit");
	for (char seed[2] = "1"; seed[0] <= '5'; seed[0]++)
		bad_guest("/garbage", seed, "guest-protocol", "");
	test_orphan();
	puts("ok");
	return 0;
}
