/* SPDX-License-Identifier: ISC */
/* fake_vmm.c: vmm.h without virtual machines: child processes, queues and made-up figures. */
#include "fake_vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int
tine_error_set(struct tine_error *error, int code, const char *type, const char *fmt, ...)
{
	va_list ap;

	if (error == NULL)
		return -code;
	error->code = code;
	snprintf(error->type, sizeof(error->type), "%s", type);
	va_start(ap, fmt);
	vsnprintf(error->detail, sizeof(error->detail), fmt, ap);
	va_end(ap);
	return -code;
}

void
host_probe(struct host_info *info)
{
	*info = (struct host_info){.kvm_present = true,
				   .kvm_usable = true,
				   .nested_paging = true,
				   .capable = true,
				   .vendor = "fake",
				   .paging = "npt"};
}

int
sandbox_config_check(const struct sandbox_config *config, struct tine_error *error)
{
	if (config->rootfs != NULL && access(config->rootfs, R_OK) < 0)
		return tine_error_set(error, errno, "no-rootfs", "%s: %s", config->rootfs,
				      strerror(errno));
	return 0;
}

/* ---- start and end ------------------------------------------------------------------------- */

static pid_t
start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		syscall(SYS_close_range, 3u, ~0u, 0u);
		for (;;)
			pause();
	}
	return pid;
}

int
sandbox_spawn(const struct sandbox_config *config, struct sandbox **out, struct tine_error *error)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct sandbox *sb = calloc(1, sizeof(*sb));

	if (sb == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "no memory");
	STAILQ_INIT(&sb->out);
	TAILQ_INIT(&sb->processes);
	sb->pid = start_process();
	sb->pid_fd = (int)syscall(SYS_pidfd_open, sb->pid, 0);
	sb->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sb->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(sb->poll_fd, EPOLL_CTL_ADD, sb->pid_fd, &ev);
	epoll_ctl(sb->poll_fd, EPOLL_CTL_ADD, sb->event_fd, &ev);
	sb->slow = config->hostname != NULL && strcmp(config->hostname, "slow") == 0;
	if (config->template != NULL && !config->template->base) {
		sb->origin = template_hold(config->template);
		guest_clone(sb, config->template);
	} else {
		guest_boot(sb, config);
	}
	*out = sb;
	return 0;
}

void
sandbox_kill(struct sandbox *sb)
{
	if (!sb->dead)
		kill(sb->pid, SIGKILL);
}

static void
free_messages(struct sandbox *sb)
{
	struct fake_msg *msg;

	while ((msg = STAILQ_FIRST(&sb->out)) != NULL) {
		STAILQ_REMOVE_HEAD(&sb->out, link);
		free(msg);
	}
	free(sb->received);
	sb->received = NULL;
}

void
sandbox_destroy(struct sandbox *sb)
{
	sandbox_kill(sb);
	if (!sb->dead)
		waitpid(sb->pid, NULL, 0);
	free_messages(sb);
	guest_end_all(sb);
	if (sb->origin != NULL)
		template_release(sb->origin);
	close(sb->pid_fd);
	close(sb->event_fd);
	close(sb->poll_fd);
	free(sb);
}

int
sandbox_fd(const struct sandbox *sb)
{
	return sb->poll_fd;
}

pid_t
sandbox_pid(const struct sandbox *sb)
{
	return sb->pid;
}

/* ---- messages ------------------------------------------------------------------------------ */

void
fake_send(struct sandbox *sb, uint16_t type, uint32_t id, uint32_t arg, const void *data,
	  size_t len)
{
	struct fake_msg *msg = calloc(1, sizeof(*msg) + len);
	uint64_t one = 1;

	if (msg == NULL)
		abort();
	msg->type = type;
	msg->id = id;
	msg->arg = arg;
	msg->len = len;
	if (len > 0)
		memcpy(msg->payload, data, len);
	STAILQ_INSERT_TAIL(&sb->out, msg, link);
	if (write(sb->event_fd, &one, sizeof(one)) < 0)
		abort();
}

static int
reap(struct sandbox *sb, struct tine_error *error)
{
	int status;

	if (!sb->dead) {
		if (waitpid(sb->pid, &status, WNOHANG) != sb->pid)
			return 0;
		sb->dead = true;
		tine_error_set(&sb->last, ECHILD, "vmm-died",
			       "the VMM process was ended by signal %d", WTERMSIG(status));
	}
	if (error != NULL)
		*error = sb->last;
	return -EPIPE;
}

int
sandbox_recv(struct sandbox *sb, struct sandbox_msg *msg, struct tine_error *error)
{
	struct fake_msg *next = STAILQ_FIRST(&sb->out);
	uint64_t count;

	free(sb->received);
	sb->received = next;
	if (next == NULL) {
		if (read(sb->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			abort();
		return reap(sb, error);
	}
	STAILQ_REMOVE_HEAD(&sb->out, link);
	*msg = (struct sandbox_msg){next->type, next->id, next->arg, next->len, next->payload};
	return 1;
}

int
sandbox_send(struct sandbox *sb, uint16_t type, uint32_t id, uint32_t arg, const void *payload,
	     size_t len, struct tine_error *error)
{
	(void)error;
	if (sb->dead)
		return -EPIPE;
	if (!sb->mute)
		guest_receive(sb, type, id, arg, payload, len);
	return 0;
}

int
sandbox_refuse_vmfork(struct sandbox *sb, uint32_t id, int err, struct tine_error *error)
{
	struct tine_freeze freeze = {.answer = 1, .error = err};

	return sandbox_send(sb, TINE_MSG_FREEZE, id, 0, &freeze, sizeof(freeze), error);
}

int
sandbox_flush(struct sandbox *sb, struct tine_error *error)
{
	(void)error;
	return sb->dead ? -EPIPE : 0;
}

size_t
sandbox_backlog(const struct sandbox *sb)
{
	(void)sb;
	return 0;
}

/* ---- templates ----------------------------------------------------------------------------- */

int
sandbox_freeze(struct sandbox *sb, uint32_t id, bool answer, uint64_t value,
	       struct tine_error *error)
{
	struct vmm_frozen frozen = {.pause_ns = 1000, .data_bytes = 1 << 20};

	(void)answer, (void)value;
	if (sb->dead)
		return tine_error_set(error, EPIPE, "vmm-died", "gone");
	if (!sb->mute)
		fake_send(sb, VMM_MSG_FROZEN, id, 0, &frozen, sizeof(frozen));
	return 0;
}

int
sandbox_reset(struct sandbox *sb, uint32_t id, struct tine_error *error)
{
	if (sb->origin == NULL)
		return tine_error_set(error, EINVAL, "not-a-clone", "no template");
	guest_reset(sb);
	if (!sb->slow) {
		fake_send(sb, VMM_MSG_RESET, id, 0, NULL, 0);
		fake_send(sb, TINE_MSG_READY, 0, 0, NULL, 0);
	}
	return 0;
}

struct tine_template *
sandbox_take_template(struct sandbox *sb, struct tine_error *error)
{
	struct tine_template *t = calloc(1, sizeof(*t));

	(void)error;
	if (t == NULL)
		abort();
	t->refs = 1;
	guest_freeze(sb, t);
	return t;
}

int
template_base(uint64_t memory_mib, const char *kernel, struct tine_template **out,
	      struct tine_error *error)
{
	(void)kernel;
	if (memory_mib == 17) /* to be tried: a size for which there is none */
		return tine_error_set(error, ENOTSUP, "template-cpu", "on demand");
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		abort();
	(*out)->refs = 1;
	(*out)->base = true;
	return 0;
}

/* A file is the structure itself, and the note. */
int
template_save_new(const struct tine_template *tmpl, const char *path, const void *note,
		  size_t note_len, struct tine_error *error)
{
	FILE *f = fopen(path, "wx");

	if (f == NULL)
		return tine_error_set(error, errno, "template-write", "%s", strerror(errno));
	if (fwrite(tmpl, sizeof(*tmpl), 1, f) != 1 || fwrite(note, note_len, 1, f) != 1 ||
	    fclose(f) != 0)
		abort();
	return 0;
}

int
template_load(const char *path, struct tine_template **out, struct tine_error *error)
{
	struct tine_template *t = calloc(1, sizeof(*t));
	FILE *f = fopen(path, "r");

	if (t == NULL || f == NULL)
		abort();
	if (fread(t, sizeof(*t), 1, f) != 1) {
		fclose(f);
		free(t);
		return tine_error_set(error, EBADMSG, "template-truncated", "too short");
	}
	t->refs = 1;
	t->note_len = fread(t->note, 1, sizeof(t->note), f);
	fclose(f);
	*out = t;
	return 0;
}

const void *
template_note(const struct tine_template *tmpl, size_t *len)
{
	*len = tmpl->note_len;
	return tmpl->note_len > 0 ? tmpl->note : NULL;
}

struct tine_template *
template_hold(struct tine_template *tmpl)
{
	tmpl->refs++;
	return tmpl;
}

void
template_release(struct tine_template *tmpl)
{
	if (--tmpl->refs == 0)
		free(tmpl);
}

void
template_info(const struct tine_template *tmpl, struct template_info *info)
{
	*info = (struct template_info){.base = tmpl->base,
				       .memory_bytes = 256u << 20,
				       .data_bytes = 1u << 20,
				       .nlaunches = (uint32_t)tmpl->n};
}

uint32_t
template_launches(const struct tine_template *tmpl, uint32_t *ids, uint32_t max)
{
	uint32_t n = 0;

	for (size_t i = 0; i < tmpl->n; i++) {
		if (tmpl->process[i].launch == 0)
			continue;
		if (n < max)
			ids[n] = tmpl->process[i].launch;
		n++;
	}
	return n;
}

uint64_t
sandbox_stdin_credit(const struct sandbox *sb, uint32_t id)
{
	(void)sb, (void)id;
	return TINE_STREAM_CREDIT;
}

int
sandbox_pool_create(unsigned size, unsigned jail, bool zygote, struct sandbox_pool **out,
		    struct tine_error *error)
{
	(void)size, (void)jail, (void)zygote;
	*out = NULL;
	return tine_error_set(error, ENOSYS, "no-pool", "no pool here");
}

int
sandbox_pool_refill(struct sandbox_pool *pool, struct tine_error *error)
{
	(void)pool, (void)error;
	return 0;
}

unsigned
sandbox_pool_idle(const struct sandbox_pool *pool)
{
	(void)pool;
	return 0;
}

void
sandbox_pool_prefer(struct sandbox_pool *pool, struct tine_template *tmpl)
{
	(void)pool;
	(void)tmpl;
}

void
sandbox_pool_destroy(struct sandbox_pool *pool)
{
	(void)pool;
}

/* ---- figures ------------------------------------------------------------------------------- */

int
sandbox_stats(struct sandbox *sb, struct tine_stats *stats, bool *torn)
{
	if (!sb->started)
		return -ENODATA;
	*stats = sb->stats;
	*torn = sb->torn;
	return 0;
}

int
sandbox_hoststats(struct sandbox *sb, struct sandbox_hoststats *hs, struct tine_error *error)
{
	(void)error;
	*hs = (struct sandbox_hoststats){.nested_faults = 1000,
					 .exits = 5000,
					 .io_exits = 100,
					 .private_bytes = 4 << 20,
					 .shared_bytes = 1 << 20,
					 .mapped_4k = 1000,
					 .vmm_pss_bytes = 5 << 20,
					 .final = sb->dead};
	return 0;
}

uint64_t
hist_quantile(const struct tine_hist *hist, double q)
{
	uint64_t seen = 0;

	for (unsigned b = 0; b < TINE_HIST_BUCKETS; b++) {
		seen += hist->bucket[b];
		if (seen > 0 && (double)seen >= q * (double)hist->count)
			return (1ull << (b + 1)) - 1;
	}
	return 0;
}

/* ---- shared pieces ------------------------------------------------------------------------- */

static size_t
put_string(uint8_t *at, const char *text)
{
	size_t n = strlen(text) + 1;

	if (at != NULL)
		memcpy(at, text, n);
	return n;
}

static size_t
put_all(uint8_t *at, const struct launch_spec *spec, struct tine_launch *hdr)
{
	size_t n = 0;

	hdr->argc = hdr->envc = 0;
	n += put_string(at, spec->path != NULL ? spec->path : "");
	n += put_string(at ? at + n : NULL, spec->cwd != NULL ? spec->cwd : "");
	for (; spec->argv[hdr->argc] != NULL; hdr->argc++)
		n += put_string(at ? at + n : NULL, spec->argv[hdr->argc]);
	for (; spec->env[hdr->envc] != NULL; hdr->envc++)
		n += put_string(at ? at + n : NULL, spec->env[hdr->envc]);
	return n;
}

/* The fake guest takes every parameter. */
int
ready_check(const char *const *params, uint32_t arg, struct tine_error *error)
{
	(void)params;
	*error = (struct tine_error){.code = EPROTO, .type = "guest-protocol"};
	return arg == 0 ? 0 : -EPROTO;
}

int
launch_encode(const struct launch_spec *spec, uint8_t **out, size_t *len, struct tine_error *error)
{
	struct tine_launch hdr = {.flags = spec->flags,
				  .uid = spec->uid,
				  .gid = spec->gid,
				  .rows = spec->rows,
				  .cols = spec->cols};

	hdr.strings = (uint32_t)put_all(NULL, spec, &hdr);
	*len = sizeof(hdr) + hdr.strings;
	*out = malloc(*len);
	if (*out == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "no memory");
	memcpy(*out, &hdr, sizeof(hdr));
	put_all(*out + sizeof(hdr), spec, &hdr);
	return 0;
}

int
program_check(const char *host_path, struct tine_error *error)
{
	unsigned char head[4] = {0};
	int fd = open(host_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, head, sizeof(head)) : -1;

	if (fd >= 0)
		close(fd);
	if (n >= 2 && (memcmp(head, "#!", 2) == 0 || memcmp(head, "\177ELF", 4) == 0))
		return 0;
	return tine_error_set(error, ENOEXEC, "not-elf", "not a program");
}

int
vmm_cmd_run(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 125;
}

int
vmm_cmd_check(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 0;
}

int
vmm_cmd_vmm(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 125;
}
