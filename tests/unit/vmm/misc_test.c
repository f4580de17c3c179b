/* SPDX-License-Identifier: ISC */
/* misc_test.c: launch encoding, quantiles, statistics page, queue, command line of `tine vmm`. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "bootblock.h"
#include "forkstat.h"
#include "outq.h"
#include "phases.h"
#include "sandbox.h"
#include "vmm.h"
#include "wire.h"

static void
test_launch_encode(void **state)
{
	static const char *const argv[] = {"/bin/echo", "a", "", NULL};
	static const char *const env[] = {"A=b", NULL};
	struct launch_spec spec = {.path = "/bin/echo",
				   .argv = argv,
				   .env = env,
				   .uid = 5,
				   .gid = 6,
				   .flags = TINE_LAUNCH_TTY,
				   .rows = 24,
				   .cols = 80};
	static const char strings[] = "/bin/echo\0\0/bin/echo\0a\0\0A=b";
	struct tine_launch head;
	uint8_t *out;
	size_t len;

	(void)state;
	assert_int_equal(launch_encode(&spec, &out, &len, NULL), 0);
	memcpy(&head, out, sizeof(head));
	assert_int_equal(head.argc, 3);
	assert_int_equal(head.envc, 1);
	assert_int_equal(head.strings, sizeof(strings));
	assert_int_equal(len, sizeof(head) + sizeof(strings));
	assert_memory_equal(out + sizeof(head), strings, sizeof(strings));
	free(out);
}

static void
test_launch_limits(void **state)
{
	static const char *const none[] = {NULL};
	const char *argv[] = {"", NULL, NULL};
	struct launch_spec spec = {.argv = none};
	char *big = malloc(TINE_LAUNCH_ARGS_MAX + 1);
	struct tine_error error;
	uint8_t *out;
	size_t len;

	(void)state;
	assert_int_equal(launch_encode(&spec, &out, &len, &error), -EINVAL);
	spec.argv = argv;
	assert_int_equal(launch_encode(&spec, &out, &len, &error), -EINVAL);
	memset(big, 'x', TINE_LAUNCH_ARGS_MAX);
	big[TINE_LAUNCH_ARGS_MAX] = '\0';
	argv[0] = big;
	assert_int_equal(launch_encode(&spec, &out, &len, &error), -E2BIG);
	assert_string_equal(error.type, "arguments-too-long");
	big[TINE_LAUNCH_ARGS_MAX - 1] = '\0';
	assert_int_equal(launch_encode(&spec, &out, &len, &error), 0);
	free(out);
	free(big);
}

static void
test_quantiles(void **state)
{
	struct tine_hist h = {0};

	(void)state;
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	h.bucket[0] = 1;
	assert_int_equal(hist_quantile(&h, 0.5), 1);
	h.bucket[0] = 0;
	h.bucket[10] = 90;
	h.bucket[20] = 10;
	assert_int_equal(hist_quantile(&h, 0.0), 2047);
	assert_int_equal(hist_quantile(&h, 0.5), 2047);
	assert_int_equal(hist_quantile(&h, 0.9), 2047);
	assert_int_equal(hist_quantile(&h, 0.91), (1u << 21) - 1);
	assert_int_equal(hist_quantile(&h, 1.0), (1u << 21) - 1);
	assert_int_equal(hist_quantile(&h, 7.0), (1u << 21) - 1);
	assert_int_equal(hist_quantile(&h, -1.0), 0);
	assert_int_equal(hist_quantile(&h, __builtin_nan("")), 0);
	memset(h.bucket, 0xff, sizeof(h.bucket));
	assert_int_equal(hist_quantile(&h, 1.0), (1ull << 48) - 1);
}

struct writer {
	struct tine_stats *page;
	atomic_bool stop;
};

static void *
write_stats(void *arg)
{
	struct writer *w = arg;
	volatile struct tine_stats *p = w->page;

	for (uint64_t v = 1; !atomic_load(&w->stop); v++) {
		__atomic_store_n(&w->page->seq, w->page->seq + 1, __ATOMIC_SEQ_CST);
		p->cntfork = v;
		p->enosys[TINE_NSYSCALL - 1] = (uint32_t)v;
		p->forks = v;
		__atomic_store_n(&w->page->seq, w->page->seq + 1, __ATOMIC_SEQ_CST);
		for (volatile int i = 0; i < 300; i++)
			continue;
	}
	return NULL;
}

static void
test_stats_are_consistent(void **state)
{
	uint8_t *region = calloc(1, TINE_SHARED_SIZE);
	struct writer w = {.page = (void *)(region + TINE_SHARED_STATS)};
	struct tine_stats stats;
	pthread_t thread;
	bool torn;
	int whole = 0;

	(void)state;
	w.page->magic = TINE_STATS_MAGIC;
	w.page->version = TINE_ABI_VERSION;
	assert_int_equal(pthread_create(&thread, NULL, write_stats, &w), 0);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(stats_read(region, &stats, &torn), 0);
		if (torn)
			continue;
		whole++;
		assert_int_equal(stats.cntfork, stats.forks);
		assert_int_equal(stats.enosys[TINE_NSYSCALL - 1], (uint32_t)stats.forks);
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	assert_true(whole > 0);
	free(region);
}

static void
test_stats_of_a_dead_writer(void **state)
{
	uint8_t *region = calloc(1, TINE_SHARED_SIZE);
	struct tine_stats *page = (void *)(region + TINE_SHARED_STATS), stats;
	bool torn = false;

	(void)state;
	assert_int_equal(stats_read(region, &stats, &torn), -ENODATA);
	page->magic = TINE_STATS_MAGIC;
	page->version = TINE_ABI_VERSION;
	page->cntfork = 9;
	page->seq = 7;
	assert_int_equal(stats_read(region, &stats, &torn), 0);
	assert_true(torn);
	assert_int_equal(stats.cntfork, 9);
	free(region);
}

static void
test_stats_json(void **state)
{
	struct tine_stats stats;
	json_t *root;

	(void)state;
	memset(&stats, 0xff, sizeof(stats)); /* the guest may write anything */
	root = stats_json(&stats, true);
	assert_non_null(root);
	assert_true(json_is_true(json_object_get(root, "torn")));
	assert_int_equal(json_array_size(json_object_get(root, "enosys")), TINE_NSYSCALL);
	json_decref(root);
	memset(&stats, 0, sizeof(stats));
	stats.enosys[57] = 2;
	stats.cntfork = 12;
	root = stats_json(&stats, false);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(root, "counters"), "cntfork")), 12);
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(json_object_get(root, "enosys"), 0), "name")),
			    "fork");
	json_decref(root);
}

static void
test_outq(void **state)
{
	struct outq q = {0};
	uint64_t seed = 3;
	uint32_t in = 0, out = 0;
	uint8_t payload[TINE_MSG_FRAG] = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		const uint8_t *bytes;
		struct tine_msg m = {.id = in + 1,
				     .len = (uint32_t)(test_random(&seed) % (TINE_MSG_FRAG + 1))};

		if (test_random(&seed) % 2 == 0 && in - out < 300) {
			payload[0] = (uint8_t)++in;
			assert_int_equal(outq_push(&q, &m, payload), 0);
		} else if (outq_peek(&q, &m, &bytes) > 0) {
			assert_int_equal(m.id, ++out);
			if (m.len > 0)
				assert_int_equal(bytes[sizeof(m)], (uint8_t)out);
			outq_pop(&q);
		}
		assert_int_equal(outq_empty(&q), in == out);
	}
	outq_free(&q);
}

static void
test_vmm_args(void **state)
{
	static const char *const params[] = {"kern.maxproc=5", "a=b c", NULL};
	static const struct rootfs_file files[] = {{"/a b", "/c:d", 0755, 0}, {"/x", "/y", 0, 0}};
	struct vmm_args in = {.control_fd = 3,
			      .spawned_ns = 12345678901234ull,
			      .die_with_parent = true,
			      .config = {.kernel = "/k",
					 .rootfs = "/r",
					 .files = files,
					 .nfiles = 2,
					 .memory_mib = 99,
					 .hostname = "h",
					 .params = params,
					 .id = {1, 2, 0xff},
					 .events = true,
					 .trace = true,
					 .gdb = "1234",
					 .jail = JAIL_NONE}},
			out;
	char **argv = vmm_argv_make(&in);
	int argc = 0;

	(void)state;
	assert_non_null(argv);
	while (argv[argc] != NULL)
		argc++;
	assert_string_equal(argv[1], "vmm");
	assert_int_equal(vmm_args_parse(&out, argc - 1, argv + 1, NULL), 0);
	assert_int_equal(out.control_fd, 3);
	assert_int_equal(out.spawned_ns, in.spawned_ns);
	assert_true(out.die_with_parent && out.config.events && out.config.trace);
	assert_string_equal(out.config.kernel, "/k");
	assert_string_equal(out.config.params[1], "a=b c");
	assert_null(out.config.params[2]);
	assert_int_equal(out.config.nfiles, 2);
	assert_string_equal(out.config.files[0].guest_path, "/c:d");
	assert_int_equal(out.config.files[0].mode, 0755);
	assert_string_equal(out.config.files[1].host_path, "/x");
	assert_memory_equal(out.config.id, in.config.id, 16);
	assert_int_equal(out.config.memory_mib, 99);
	assert_int_equal(out.config.jail, JAIL_NONE);
	vmm_args_free(&out);
	vmm_argv_free(argv);
}

/* As a record the same strings, as long as they fit. */
static void
test_vmm_args_packed(void **state)
{
	static char many[4096];
	const char *params[] = {many, many, many, NULL};
	struct vmm_args args = {.control_fd = 7, .config = {.params = params}};
	struct record rec;
	char **argv;
	size_t at = 0;

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	assert_int_equal(vmm_args_pack(&args, &rec), -E2BIG);
	params[2] = NULL;
	assert_int_equal(vmm_args_pack(&args, &rec), -E2BIG);
	params[1] = NULL;
	assert_int_equal(vmm_args_pack(&args, &rec), 0);
	argv = vmm_argv_make(&args);
	assert_non_null(argv);
	for (int i = 0; argv[i] != NULL; i++) {
		assert_string_equal((char *)rec.payload + at, argv[i]);
		at += strlen(argv[i]) + 1;
	}
	assert_int_equal(at, rec.hdr.len);
	vmm_argv_free(argv);
}

static void
test_config_check(void **state)
{
	static const char *const no_value[] = {"kern.maxproc", NULL};
	static const struct rootfs_file relative = {"/etc/passwd", "etc/x", 0, 0};
	static const struct rootfs_file missing = {"/nowhere/x", "/etc/x", 0, 0};
	struct sandbox_config c = {.memory_mib = 8};
	struct tine_error e;

	(void)state;
	assert_int_equal(sandbox_config_check(&c, &e), -EINVAL);
	assert_string_equal(e.type, "memory-size");
	c = (struct sandbox_config){.rootfs = "/nowhere"};
	assert_true(sandbox_config_check(&c, &e) < 0);
	assert_string_equal(e.type, "rootfs-not-found");
	c = (struct sandbox_config){.params = no_value};
	assert_true(sandbox_config_check(&c, &e) < 0);
	assert_string_equal(e.type, "bad-sysctl");
	c = (struct sandbox_config){.files = &relative, .nfiles = 1};
	assert_true(sandbox_config_check(&c, &e) < 0);
	assert_string_equal(e.type, "rootfs-path");
	c = (struct sandbox_config){.files = &missing, .nfiles = 1};
	assert_true(sandbox_config_check(&c, &e) < 0);
	assert_string_equal(e.type, "not-found");
	c = (struct sandbox_config){.hostname = ""};
	assert_true(sandbox_config_check(&c, &e) < 0);
	assert_string_equal(e.type, "bad-hostname");
	c = (struct sandbox_config){.hostname = "ok"};
	assert_int_equal(sandbox_config_check(&c, &e), 0);
}

static void
test_ready_check(void **state)
{
	const char *const params[] = {"kern.a=1", "kern.b=2", NULL};
	struct tine_error error;

	(void)state;
	assert_int_equal(ready_check(params, 0, &error), 0);
	assert_int_equal(ready_check(NULL, 0, &error), 0);
	assert_int_equal(ready_check(params, 2u << 16 | ENOENT, &error), -ENOENT);
	assert_string_equal(error.detail, "kernel variable kern.b=2: there is none of this name");
	/* What no honest guest sends. */
	assert_int_equal(ready_check(params, 3u << 16 | ENOENT, &error), -EPROTO);
	assert_int_equal(ready_check(params, 0xffffu << 16 | EPERM, &error), -EPROTO);
	assert_int_equal(ready_check(params, ENOENT, &error), -EPROTO);
	assert_int_equal(ready_check(params, 1u << 16, &error), -EPROTO);
	assert_int_equal(ready_check(NULL, 1u << 16 | EPERM, &error), -EPROTO);
}

static void
test_launch_failure(void **state)
{
	uint8_t text[2 * LAUNCH_WHY_MAX];
	struct sandbox_msg msg = {.type = TINE_MSG_REPLY, .id = 1, .arg = ENOENT};
	struct tine_error error;

	(void)state;
	launch_failure("prog", &msg, &error);
	assert_string_equal(error.detail, "prog: No such file or directory");
	assert_int_equal(error.code, ENOENT);
	msg.payload = (const uint8_t *)"its interpreter /x";
	msg.len = strlen("its interpreter /x");
	launch_failure("prog", &msg, &error);
	assert_string_equal(error.detail, "prog: its interpreter /x: No such file or directory");
	/* More than is allowed, and no end. */
	memset(text, 'a', sizeof(text));
	msg.payload = text;
	msg.len = sizeof(text);
	launch_failure("prog", &msg, &error);
	assert_int_equal(strspn(error.detail + strlen("prog: "), "a"), LAUNCH_WHY_MAX);
}

/* At the other end of whose socket is the test. */
static struct sandbox *
bare_sandbox(int fd)
{
	struct sandbox *sb = calloc(1, sizeof(*sb));

	assert_non_null(sb);
	proto_init(&sb->proto);
	sb->fd = fd;
	sb->pidfd = sb->shared_fd = sb->frozen_fd = sb->rootfs_fd = sb->smaps_fd = sb->vm_stats.fd =
	    sb->vcpu_stats.fd = -1;
	sb->reaped = true; /* there is no process */
	return sb;
}

/* STARTED from a process that was made 1 s before the request, which came 1 s ago.  word: comes
 * along, unless it is NULL; then *msg is that. */
static int
receive_started(const struct vmm_started *info, bool made_for_it, const struct tine_msg *word,
		struct sandbox_msg *msg)
{
	const uint64_t second = 1000000000u;
	struct record rec = {.hdr = {.type = VMM_MSG_STARTED, .len = sizeof(*info)}};
	int shared = memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING), pair[2], r;
	const int fds[WIRE_FDS] = {shared, shared, shared, shared};
	struct tine_error error = {0};
	struct sandbox *sb;

	assert_int_equal(ftruncate(shared, TINE_SHARED_SIZE), 0);
	assert_int_equal(fcntl(shared, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	sb = bare_sandbox(pair[0]);
	sb->requested_ns = monotonic_ns() - second;
	sb->made_ns = sb->requested_ns - (made_for_it ? 0 : second);
	memcpy(rec.payload, info, sizeof(*info));
	if (word != NULL) {
		memcpy(rec.payload + sizeof(*info), word, sizeof(*word));
		rec.hdr.len += sizeof(*word);
	}
	assert_int_equal(
	    wire_send(pair[1], (uint8_t *)&rec, sizeof(rec.hdr) + rec.hdr.len, fds, WIRE_FDS), 0);
	r = sandbox_recv(sb, msg, &error);
	if (r == 1) {
		assert_int_equal(msg->type, VMM_MSG_STARTED);
		assert_int_equal(msg->len, sizeof(*info));
	}
	if (r == 1 && word != NULL)
		r = sandbox_recv(sb, msg, &error);
	else if (r != 1 && word == NULL)
		assert_string_equal(error.detail, "the times in STARTED make no sense");
	close(pair[1]);
	close(shared);
	sandbox_destroy(sb);
	return r;
}

static void
test_start_times(void **state)
{
	const uint64_t ms = 1000000;
	const struct vmm_started good = {
	    .start_ns = 10 * ms,
	    .prepared_ns = 500 * ms,
	    .phase_ns = {[START_KVM] = 4 * ms, [START_SETUP] = 6 * ms, [START_IDLE] = 500 * ms}};
	struct vmm_started bad = good;
	struct sandbox_msg msg;

	(void)state;
	assert_int_equal(receive_started(&good, false, NULL, &msg), 1);
	assert_int_equal(receive_started(&good, true, NULL, &msg),
			 -EPROTO);      /* nobody prepared anything */
	bad.phase_ns[START_MEMORY] = 1; /* the sum is more than the time */
	assert_int_equal(receive_started(&bad, false, NULL, &msg), -EPROTO);
	bad = good;
	bad.phase_ns[START_IDLE] -= 1;
	assert_int_equal(receive_started(&bad, false, NULL, &msg), -EPROTO);
	bad = good;
	bad.phase_ns[START_KVM] = UINT64_MAX; /* it is right again, modulo 2^64 */
	bad.phase_ns[START_JAIL] = 4 * ms + 1;
	assert_int_equal(receive_started(&bad, false, NULL, &msg), -EPROTO);
	bad = good;
	bad.start_ns = 1000 * 1000 * ms; /* of one second */
	bad.phase_ns[START_SETUP] = 1000 * 1000 * ms - 4 * ms;
	assert_int_equal(receive_started(&bad, false, NULL, &msg), -EPROTO);
	bad = good;
	bad.prepared_ns = bad.phase_ns[START_IDLE] = 1001 * ms; /* in one second */
	assert_int_equal(receive_started(&bad, false, NULL, &msg), -EPROTO);
	bad = good;
	bad.phase_ns[START_SETUP] -= 1;
	bad.phase_ns[START_GUEST] = 1; /* which has not begun */
	assert_int_equal(receive_started(&bad, false, NULL, &msg), -EPROTO);
}

/* The guest's first word may come with STARTED: it is checked as if it had come by itself. */
static void
test_started_along(void **state)
{
	const struct vmm_started info = {.start_ns = 1, .phase_ns = {[START_KVM] = 1}};
	const struct tine_msg ready = {.type = TINE_MSG_READY, .arg = 5};
	const struct tine_msg long_one = {.type = TINE_MSG_READY, .len = 4};
	const struct tine_msg again = {.type = VMM_MSG_STARTED}, unknown = {.type = 999};
	struct sandbox_msg msg;

	(void)state;
	assert_int_equal(receive_started(&info, true, &ready, &msg), 1);
	assert_true(msg.type == TINE_MSG_READY && msg.arg == 5 && msg.len == 0);
	assert_int_equal(receive_started(&info, true, &long_one, &msg), -EPROTO);
	assert_int_equal(receive_started(&info, true, &again, &msg), -EPROTO);
	assert_int_equal(receive_started(&info, true, &unknown, &msg), -EPROTO);
}

/* A process that was made for its request, one that waited for it, and that nothing is left out. */
static void
test_phases(void **state)
{
	const uint64_t begin = monotonic_ns() - 1000;
	struct vmm_started s;
	uint64_t sum = 0;

	(void)state;
	phases_begin(begin);
	phases_request(begin - 500);
	phase_end(START_KVM);
	phases_report(&s);
	assert_true(s.prepared_ns == 0 && s.phase_ns[START_PROCESS] >= 1500);
	assert_true(s.start_ns == s.phase_ns[START_PROCESS] + s.phase_ns[START_KVM]);
	phases_request(begin + 300);
	phase_end(START_IDLE);
	phase_end(START_KVM);
	phases_report(&s);
	for (int i = 0; i < START_NPHASES; i++)
		sum += s.phase_ns[i];
	assert_true(s.prepared_ns == 800 && sum == s.prepared_ns + s.start_ns);
	assert_true(begin + 300 + s.start_ns <= monotonic_ns());
}

/* A message whose descriptors do not all fit says so, and those that came are not lost. */
static void
test_lost_descriptors(void **state)
{
	const struct tine_msg m = {.type = VMM_MSG_STARTED};
	struct rlimit all, few;
	int pair[2], sent[WIRE_FDS], fds[WIRE_FDS], nfds = 0;
	struct tine_error error;
	struct record rec;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < WIRE_FDS; i++)
		sent[i] = pair[0];
	assert_int_equal(wire_send(pair[0], (const uint8_t *)&m, sizeof(m), sent, WIRE_FDS), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = (rlim_t)pair[1] + 3; /* room for two */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(wire_recv(pair[1], &rec, fds, &nfds, &error), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_string_equal(error.type, "no-files");
	assert_int_equal(nfds, 2);
	close(fds[0]);
	close(fds[1]);
	close(pair[0]);
	close(pair[1]);
}

/* Many records that make no message: others get their turn in between. */
static void
test_pieces(void **state)
{
	const struct {
		struct tine_msg hdr;
		uint32_t bytes;
	} credit = {.hdr = {.type = TINE_MSG_CREDIT, .id = 7, .len = 4}, .bytes = 1};
	const struct tine_msg last = {.type = TINE_MSG_LOG};
	int pair[2], sent = 0, calls = 1, n;
	struct sandbox_msg msg;
	struct sandbox *sb;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	sb = bare_sandbox(pair[0]);
	for (; sent < 200; sent++) /* credit for no launch is passed over */
		assert_int_equal(wire_send_record(pair[1], &credit.hdr, &credit.bytes), 0);
	assert_int_equal(wire_send_record(pair[1], &last, NULL), 0);
	while ((n = sandbox_recv(sb, &msg, NULL)) == 0 && calls < sent)
		calls++;
	assert_int_equal(n, 1);
	assert_int_equal(msg.type, TINE_MSG_LOG);
	assert_in_range(calls, 2, 100);
	assert_int_equal(sandbox_recv(sb, &msg, NULL), 0);
	close(pair[1]);
	sandbox_destroy(sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_launch_encode),
	    cmocka_unit_test(test_launch_limits),
	    cmocka_unit_test(test_ready_check),
	    cmocka_unit_test(test_launch_failure),
	    cmocka_unit_test(test_quantiles),
	    cmocka_unit_test(test_stats_are_consistent),
	    cmocka_unit_test(test_stats_of_a_dead_writer),
	    cmocka_unit_test(test_stats_json),
	    cmocka_unit_test(test_outq),
	    cmocka_unit_test(test_vmm_args),
	    cmocka_unit_test(test_vmm_args_packed),
	    cmocka_unit_test(test_config_check),
	    cmocka_unit_test(test_start_times),
	    cmocka_unit_test(test_started_along),
	    cmocka_unit_test(test_phases),
	    cmocka_unit_test(test_lost_descriptors),
	    cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
