/* SPDX-License-Identifier: ISC */
/*
 * fake_guest.c: a guest kernel by name only: answers messages as the contract says.
 *
 * Programs: true, false, exit N, echo TEXT..., err TEXT, cat, yes BYTES, sleep (until a signal),
 * fork N (N children that exit at once), spawn N (N children that stay), enosys NR, uid, vmfork
 * (asks for a clone, exits with the errno), and for what must not happen: panic, badmsg, overrun,
 * vanish.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_vmm.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* ---- processes ----------------------------------------------------------------------------- */

static struct fake_process *
process_add(struct sandbox *sb, uint32_t launch, int32_t ppid, const char *program)
{
	struct fake_process *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->launch = launch;
	p->ppid = ppid;
	p->pid = sb->next_pid++;
	p->credit[0] = p->credit[1] = TINE_STREAM_CREDIT;
	snprintf(p->program, sizeof(p->program), "%s", program);
	TAILQ_INSERT_TAIL(&sb->processes, p, link);
	sb->stats.nprocesses++;
	return p;
}

static struct fake_process *
by_launch(struct sandbox *sb, uint32_t launch)
{
	struct fake_process *p;

	TAILQ_FOREACH (p, &sb->processes, link)
		if (p->launch == launch)
			return p;
	return NULL;
}

static void
event(struct sandbox *sb, uint32_t kind, const struct fake_process *p, int32_t other, int status)
{
	struct tine_event ev = {.kind = kind,
				.how = TINE_FORK_FORK,
				.seq = ++sb->event_seq,
				.time_ns = sb->event_seq * 1000,
				.pid = p->pid,
				.other = other,
				.status = status};

	memcpy(ev.comm, p->program, sizeof(ev.comm));
	if (sb->events)
		fake_send(sb, TINE_MSG_EVENT, 0, 0, &ev, sizeof(ev));
}

static void
output(struct sandbox *sb, struct fake_process *p, uint32_t stream, const void *data, size_t len)
{
	len = MIN(len, p->credit[stream - 1]);
	if (len == 0)
		return;
	p->credit[stream - 1] -= (uint32_t)len;
	fake_send(sb, TINE_MSG_OUT, p->launch, stream, data, len);
}

static void
finish(struct sandbox *sb, struct fake_process *p, int status)
{
	struct tine_exited ex = {
	    .pid = p->pid,
	    .status = status,
	    .ru = {.utime_ns = 1000000, .stime_ns = 500000, .maxrss = 1 << 20}};

	event(sb, TINE_EVENT_EXIT, p, 0, status);
	if (p->launch != 0) {
		fake_send(sb, TINE_MSG_OUT, p->launch, TINE_STREAM_STDOUT, NULL, 0);
		if (!p->merged)
			fake_send(sb, TINE_MSG_OUT, p->launch, TINE_STREAM_STDERR, NULL, 0);
		fake_send(sb, TINE_MSG_EXITED, p->launch, 0, &ex, sizeof(ex));
	}
	TAILQ_REMOVE(&sb->processes, p, link);
	sb->stats.nprocesses--;
	sb->stats.exits++;
	free(p->held);
	free(p);
}

static void
count_fork(struct sandbox *sb)
{
	sb->stats.cntfork++;
	sb->stats.forks++;
	sb->stats.sizfork += 10;
	sb->stats.fork.count++;
	sb->stats.fork.sum += 5000;
	sb->stats.fork.bucket[12]++;
}

/* ---- programs ------------------------------------------------------------------------------ */

struct args {
	uint32_t argc, flags, uid;
	const char *argv[8], *env0, *path;
};

static void
run_write(struct sandbox *sb, struct fake_process *p)
{
	static const char line[4096] = "yes";

	while (p->to_write > 0 && p->credit[0] > 0) {
		size_t n = MIN(MIN(p->to_write, sizeof(line)), p->credit[0]);

		output(sb, p, TINE_STREAM_STDOUT, line, n);
		p->to_write -= n;
	}
	if (p->to_write == 0)
		finish(sb, p, 0);
}

static void
run_forks(struct sandbox *sb, struct fake_process *p, int n, bool stay)
{
	for (int i = 0; i < n; i++) {
		struct fake_process *child = process_add(sb, 0, p->pid, p->program);

		count_fork(sb);
		child->afork = true;
		event(sb, TINE_EVENT_FORK, p, child->pid, 0);
		if (!stay)
			finish(sb, child, 0);
	}
}

static void
run_bad(struct sandbox *sb, struct fake_process *p, const char *program)
{
	struct tine_error error = {
	    .code = EIO, .type = "guest-panic", .detail = "panic: on demand"};
	static const char junk[TINE_STREAM_CREDIT + 1];

	if (strcmp(program, "panic") == 0)
		fake_send(sb, VMM_MSG_FAILED, 0, 0, &error, sizeof(error));
	else if (strcmp(program, "halt") == 0)
		fake_send(sb, VMM_MSG_HALTED, 0, 0, NULL, 0);
	else if (strcmp(program, "badmsg") == 0)
		fake_send(sb, TINE_MSG_REPLY, 4000000000u, 0, NULL, 0);
	else if (strcmp(program, "overrun") == 0)
		fake_send(sb, TINE_MSG_OUT, p->launch, TINE_STREAM_STDOUT, junk, sizeof(junk));
	else
		kill(sb->pid, SIGKILL);
}

static void
run(struct sandbox *sb, struct fake_process *p, const struct args *a)
{
	const char *arg = a->argc > 1 ? a->argv[1] : "", *name = a->argv[0];
	char text[128];

	if (strcmp(name, "true") == 0) {
		finish(sb, p, 0);
	} else if (strcmp(name, "false") == 0) {
		finish(sb, p, 1 << 8);
	} else if (strcmp(name, "exit") == 0) {
		finish(sb, p, (atoi(arg) & 255) << 8);
	} else if (strcmp(name, "echo") == 0) {
		snprintf(text, sizeof(text), "%s\n", arg);
		output(sb, p, TINE_STREAM_STDOUT, text, strlen(text));
		finish(sb, p, 0);
	} else if (strcmp(name, "err") == 0) {
		output(sb, p, p->merged ? TINE_STREAM_STDOUT : TINE_STREAM_STDERR, arg,
		       strlen(arg));
		finish(sb, p, 0);
	} else if (strcmp(name, "uid") == 0) {
		snprintf(text, sizeof(text), "%u %s\n", a->uid, a->env0 ? a->env0 : "");
		output(sb, p, TINE_STREAM_STDOUT, text, strlen(text));
		finish(sb, p, 0);
	} else if (strcmp(name, "cat") == 0) {
		p->cat = true;
		if (!(a->flags & TINE_LAUNCH_STDIN))
			finish(sb, p, 0);
	} else if (strcmp(name, "yes") == 0) {
		p->to_write = strtoull(arg, NULL, 10);
		run_write(sb, p);
	} else if (strcmp(name, "fork") == 0 || strcmp(name, "spawn") == 0) {
		run_forks(sb, p, atoi(arg), strcmp(name, "spawn") == 0);
		finish(sb, p, 0);
	} else if (strcmp(name, "enosys") == 0) {
		sb->stats.enosys[(unsigned)atoi(arg) % TINE_NSYSCALL]++;
		finish(sb, p, 0);
	} else if (strcmp(name, "vmfork") == 0) {
		fake_send(sb, TINE_MSG_VMFORK, 0, TINE_VMFORK_CLONE, NULL, 0);
	} else if (strcmp(name, "sleep") == 0) {
		p->sleeping = true;
	} else {
		run_bad(sb, p, name);
	}
}

static bool
known(const char *name)
{
	static const char *const names[] = {
	    "true",  "false",  "exit", "echo",   "err",   "cat",  "yes",    "sleep",   "fork",
	    "spawn", "enosys", "uid",  "vmfork", "panic", "halt", "badmsg", "overrun", "vanish"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* ---- requests ------------------------------------------------------------------------------ */

static void
reply(struct sandbox *sb, uint32_t id, int error, const void *data, size_t len)
{
	fake_send(sb, TINE_MSG_REPLY, id, (uint32_t)error, data, len);
}

static void
on_launch(struct sandbox *sb, uint32_t id, const uint8_t *data)
{
	struct tine_launched done = {0};
	struct tine_launch hdr;
	const char *at = (const char *)data + sizeof(hdr);
	struct args a = {.path = at};
	struct fake_process *p;

	memcpy(&hdr, data, sizeof(hdr));
	at += strlen(at) + 1; /* path */
	at += strlen(at) + 1; /* cwd */
	a.flags = hdr.flags;
	a.uid = hdr.uid;
	for (uint32_t i = 0; i < hdr.argc; i++, at += strlen(at) + 1)
		if (a.argc < 8)
			a.argv[a.argc++] = at;
	a.env0 = hdr.envc > 0 ? at : NULL;
	if (!known(a.argv[0])) {
		reply(sb, id, strcmp(a.argv[0], "noexec") == 0 ? EACCES : ENOENT, NULL, 0);
		return;
	}
	p = process_add(sb, id, 1, a.argv[0]);
	p->merged = (hdr.flags & (TINE_LAUNCH_TTY | TINE_LAUNCH_MERGE)) != 0;
	done.pid = p->pid;
	reply(sb, id, 0, &done, sizeof(done));
	sb->stats.execs++;
	event(sb, TINE_EVENT_EXEC, p, 0, 0);
	run(sb, p, &a);
}

/* Input becomes output as far as there is credit; only then more input may come. */
static void
run_cat(struct sandbox *sb, struct fake_process *p)
{
	uint32_t n = (uint32_t)MIN(p->held_len, p->credit[0]);

	if (n > 0) {
		output(sb, p, TINE_STREAM_STDOUT, p->held, n);
		p->held_len -= n;
		memmove(p->held, p->held + n, p->held_len);
		fake_send(sb, TINE_MSG_CREDIT, p->launch, TINE_STREAM_STDIN, &n, sizeof(n));
	}
	if (p->held_len == 0 && p->ending)
		finish(sb, p, 0);
}

static void
on_stdin(struct sandbox *sb, uint32_t id, const uint8_t *data, size_t len)
{
	struct fake_process *p = by_launch(sb, id);

	if (p == NULL || !p->cat)
		return;
	if (len > 0) {
		p->held = realloc(p->held, p->held_len + len);
		if (p->held == NULL)
			abort();
		memcpy(p->held + p->held_len, data, len);
		p->held_len += len;
	}
	p->ending |= len == 0;
	run_cat(sb, p);
}

static void
on_credit(struct sandbox *sb, uint32_t id, uint32_t stream, const uint8_t *data)
{
	struct fake_process *p = by_launch(sb, id);
	uint32_t bytes;

	if (p == NULL)
		return;
	memcpy(&bytes, data, sizeof(bytes));
	p->credit[stream - 1] += bytes;
	if (p->to_write > 0)
		run_write(sb, p);
	else if (p->cat)
		run_cat(sb, p);
}

static void
on_signal(struct sandbox *sb, uint32_t id, const uint8_t *data)
{
	struct tine_signal s;
	struct fake_process *p, *next;
	bool found = false;

	memcpy(&s, data, sizeof(s));
	for (p = TAILQ_FIRST(&sb->processes); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->pid != abs(s.pid))
			continue;
		found = true;
		if (s.sig != 0)
			finish(sb, p, s.sig);
	}
	reply(sb, id, found ? 0 : ESRCH, NULL, 0);
}

static void
on_sysctl(struct sandbox *sb, uint32_t id, const uint8_t *data, size_t len)
{
	const char *name = (const char *)data;
	size_t n = strlen(name) + 1;
	char old[32];

	if (strcmp(name, "kern.maxproc") != 0) {
		reply(sb, id, ENOENT, NULL, 0);
		return;
	}
	memcpy(old, sb->maxproc, sizeof(old));
	if (n < len) {
		if (data[n] < '0' || data[n] > '9') {
			reply(sb, id, EINVAL, NULL, 0);
			return;
		}
		snprintf(sb->maxproc, sizeof(sb->maxproc), "%s", name + n);
	}
	reply(sb, id, 0, old, strlen(old) + 1);
}

/* The same profile for all processes. */
static void
on_profile(struct sandbox *sb, uint32_t id, uint32_t pid, const uint8_t *data)
{
	static const struct tine_profile_entry counted[] = {
	    {0x401000, 2}, {0x402000, 5}, {UINT64_MAX, 1}};
	struct fake_process *p;
	uint32_t op;

	memcpy(&op, data, sizeof(op));
	TAILQ_FOREACH (p, &sb->processes, link)
		if (p->pid == (int32_t)pid)
			break;
	if (p == NULL)
		reply(sb, id, ESRCH, NULL, 0);
	else if (op == TINE_PROFILE_READ)
		reply(sb, id, 0, counted, sizeof(counted));
	else
		reply(sb, id, 0, NULL, 0);
}

/* Pids are handed out in ascending order, so the list is sorted. */
static void
on_procs(struct sandbox *sb, uint32_t id, uint32_t after)
{
	static struct tine_procinfo list[256];
	struct fake_process *p;
	size_t n = 0;

	memset(list, 0, sizeof(list));
	TAILQ_FOREACH (p, &sb->processes, link) {
		struct tine_procinfo *pi = &list[n];

		if (p->pid <= (int32_t)after || n == 256)
			continue;
		n++;
		pi->pid = p->pid;
		pi->ppid = p->ppid;
		pi->pgid = pi->sid = p->launch ? p->pid : p->ppid;
		pi->state = 'S';
		pi->flags = p->afork ? TINE_PROC_AFORK : 0;
		pi->nthreads = 1;
		pi->launch = p->launch;
		memcpy(pi->comm, p->program, sizeof(pi->comm));
	}
	reply(sb, id, 0, list, n * sizeof(list[0]));
}

/* The answer to `vmfork`, which exits with the errno it got. */
static void
on_freeze(struct sandbox *sb, uint32_t id, const uint8_t *data)
{
	struct fake_process *p, *next;
	struct tine_freeze freeze;

	memcpy(&freeze, data, sizeof(freeze));
	for (p = TAILQ_FIRST(&sb->processes); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		if (strcmp(p->program, "vmfork") == 0)
			finish(sb, p, freeze.error << 8);
	}
	reply(sb, id, 0, NULL, 0);
}

void
guest_receive(struct sandbox *sb, uint16_t type, uint32_t id, uint32_t arg, const uint8_t *data,
	      size_t len)
{
	switch (type) {
	case TINE_MSG_LAUNCH:
		on_launch(sb, id, data);
		break;
	case TINE_MSG_STDIN:
		on_stdin(sb, id, data, len);
		break;
	case TINE_MSG_CREDIT:
		on_credit(sb, id, arg, data);
		break;
	case TINE_MSG_SIGNAL:
		on_signal(sb, id, data);
		break;
	case TINE_MSG_SYSCTL:
		on_sysctl(sb, id, data, len);
		break;
	case TINE_MSG_PROFILE:
		on_profile(sb, id, arg, data);
		break;
	case TINE_MSG_PROCS:
		on_procs(sb, id, arg);
		break;
	case TINE_MSG_EVENTS:
		sb->events = arg != 0;
		reply(sb, id, 0, NULL, 0);
		break;
	case TINE_MSG_FREEZE:
		on_freeze(sb, id, data);
		break;
	case TINE_MSG_PUT:
		reply(sb, id, 0, NULL, 0);
		break;
	default: /* WINSIZE: nothing to answer */
		break;
	}
}

/* ---- clones -------------------------------------------------------------------------------- */

void
guest_freeze(const struct sandbox *sb, struct tine_template *t)
{
	struct fake_process *p;

	t->stats = sb->stats;
	t->next_pid = sb->next_pid;
	TAILQ_FOREACH (p, &sb->processes, link)
		if (t->n < sizeof(t->process) / sizeof(t->process[0]) && p->held == NULL)
			t->process[t->n++] = *p;
}

void
guest_end_all(struct sandbox *sb)
{
	struct fake_process *p;

	while ((p = TAILQ_FIRST(&sb->processes)) != NULL) {
		TAILQ_REMOVE(&sb->processes, p, link);
		free(p->held);
		free(p);
	}
}

static void
restore(struct sandbox *sb, const struct tine_template *t)
{
	sb->stats = t->stats;
	sb->next_pid = t->next_pid;
	snprintf(sb->maxproc, sizeof(sb->maxproc), "1000");
	for (size_t i = 0; i < t->n; i++) {
		struct fake_process *p = calloc(1, sizeof(*p));

		if (p == NULL)
			abort();
		*p = t->process[i];
		TAILQ_INSERT_TAIL(&sb->processes, p, link);
	}
}

void
guest_reset(struct sandbox *sb)
{
	guest_end_all(sb);
	restore(sb, sb->origin);
}

void
guest_clone(struct sandbox *sb, const struct tine_template *t)
{
	/* From a pool: most of it lay before the request. */
	struct vmm_started started = {
	    .pid = sb->pid,
	    .start_ns = 10,
	    .prepared_ns = 5000,
	    .phase_ns = {[START_KVM] = 2000, [START_SETUP] = 10, [START_IDLE] = 3000},
	    .memory_bytes = 256u << 20};

	restore(sb, t);
	fake_send(sb, VMM_MSG_STARTED, 0, 0, &started, sizeof(started));
	sb->started = true;
	fake_send(sb, TINE_MSG_READY, 0, 0, NULL, 0);
}

/* ---- boot ---------------------------------------------------------------------------------- */

void
guest_boot(struct sandbox *sb, const struct sandbox_config *config)
{
	struct tine_error error = {
	    .code = EINVAL, .type = "bad-kernel", .detail = "broken on demand"};
	struct vmm_started started = {.pid = sb->pid,
				      .start_ns = 100,
				      .phase_ns = {[START_PROCESS] = 40, [START_MEMORY] = 60},
				      .memory_bytes = 256u << 20};
	static const char line[] = "fake kernel up";

	sb->events = config->events;
	sb->next_pid = 100;
	snprintf(sb->maxproc, sizeof(sb->maxproc), "1000");
	sb->stats = (struct tine_stats){.magic = TINE_STATS_MAGIC,
					.version = TINE_ABI_VERSION,
					.tsc_khz = 2000000,
					.maxproc = 1000,
					.frames_total = 65536,
					.frames_free = 60000};
	fake_send(sb, VMM_MSG_STARTED, 0, 0, &started, sizeof(started));
	sb->started = true;
	fake_send(sb, TINE_MSG_LOG, 0, 6, line, strlen(line));
	if (config->hostname != NULL && strcmp(config->hostname, "mute") == 0)
		sb->mute = true;
	if (config->hostname != NULL && strcmp(config->hostname, "broken") == 0)
		fake_send(sb, VMM_MSG_FAILED, 0, 0, &error, sizeof(error));
	else if (!sb->slow)
		fake_send(sb, TINE_MSG_READY, 0, 0, NULL, 0);
}
