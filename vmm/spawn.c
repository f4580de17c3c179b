/* SPDX-License-Identifier: ISC */
/* spawn.c: start a VMM process, kill it, reap it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "phases.h"
#include "programs.h"
#include "sandbox.h"
#include "template.h"
#include "zygote.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define CONTROL_FD 3

static int
set_actions(posix_spawn_file_actions_t *fa, posix_spawnattr_t *attr, int control)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	/* Its own process group: keys of the daemon's terminal are for the daemon alone. */
	r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETPGROUP);
	if (r == 0)
		r = posix_spawnattr_setpgroup(attr, 0);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(fa, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fa, STDIN_FILENO, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fa, control, CONTROL_FD);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(fa, CONTROL_FD + 1);
	return r;
}

static int
spawn(char **argv, int control, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&fa);

	if (r != 0)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = set_actions(&fa, &attr, control);
		if (r == 0)
			r = posix_spawn(pid, vmm_program(), &fa, &attr, argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&fa);
	return r;
}

static struct sandbox *
new_sandbox(void)
{
	struct sandbox *sb = calloc(1, sizeof(*sb));

	if (sb != NULL) {
		sb->fd = sb->pidfd = sb->smaps_fd = sb->shared_fd = sb->frozen_fd = sb->rootfs_fd =
		    sb->vm_stats.fd = sb->vcpu_stats.fd = -1;
		sb->reaped = true; /* nothing to reap yet */
		proto_init(&sb->proto);
	}
	return sb;
}

void
sandbox_args(struct vmm_args *args, const struct sandbox_config *config)
{
	*args = (struct vmm_args){
	    .config = *config,
	    .spawned_ns = config->requested_ns != 0 ? config->requested_ns : monotonic_ns(),
	    .control_fd = CONTROL_FD,
	    /* The signal comes when the *thread* ends that started the process. */
	    .die_with_parent = syscall(SYS_gettid) == getpid(),
	    .clone = config->template != NULL,
	};
}

int
vmm_exec(const struct vmm_args *args, int control, pid_t *pid)
{
	char **argv = vmm_argv_make(args);
	int r = argv != NULL ? spawn(argv, control, pid) : ENOMEM;

	vmm_argv_free(argv);
	return -r;
}

/* The process: forked if there is a zygote that can, else executed. */
static int
make_process(struct sandbox *sb, const struct vmm_args *args, struct zygote *zygote,
	     struct tine_error *error)
{
	struct tine_template *held = NULL;
	int pair[2], r = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return tine_error_set(error, errno, "no-files", "socketpair: %s", strerror(errno));
	sb->fd = pair[0];
	if (zygote != NULL)
		r = zygote_fork(zygote, pair[1], &sb->pid, &held);
	if (r != 0)
		r = vmm_exec(args, pair[1], &sb->pid);
	close(pair[1]);
	if (r != 0)
		return tine_error_set(error, -r, "spawn-failed", "cannot start a VMM process: %s",
				      strerror(-r));
	sb->reaped = false;
	sb->held = held != NULL ? template_hold(held) : NULL;
	/* Not reaped yet, so the number is still that process. */
	sb->pidfd = (int)syscall(SYS_pidfd_open, sb->pid, 0);
	if (sb->pidfd < 0)
		return tine_error_set(error, errno, "spawn-failed", "pidfd_open: %s",
				      strerror(errno));
	fcntl(sb->pidfd, F_SETFD, FD_CLOEXEC);
	return 0;
}

static int
start(const struct vmm_args *args, struct zygote *zygote, struct sandbox **out,
      struct tine_error *error)
{
	struct sandbox *sb = new_sandbox();
	int r;

	if (sb == NULL) {
		tine_error_set(error, ENOMEM, "no-memory", "out of memory");
		return -ENOMEM; /* as every caller knows then, analyzers too */
	}
	sb->made_ns = sb->requested_ns = args->spawned_ns;
	r = make_process(sb, args, zygote, error);
	if (r == 0)
		*out = sb;
	else
		sandbox_destroy(sb);
	return r;
}

int
sandbox_start(const struct vmm_args *args, struct sandbox **out, struct tine_error *error)
{
	return start(args, NULL, out, error);
}

int
sandbox_start_idle(unsigned jail, struct zygote *zygote, struct sandbox **out,
		   struct tine_error *error)
{
	const struct sandbox_config config = {.jail = jail};
	struct vmm_args args;

	sandbox_args(&args, &config);
	args.clone = args.idle = true;
	return start(&args, zygote, out, error);
}

/* By way of the pool, whose processes have nothing of the configuration on their command line: 0;
 * 1 if it has to be there. */
static int
spawn_from_pool(const struct sandbox_config *config, const struct vmm_args *args,
		struct sandbox **out, struct tine_error *error)
{
	bool waited = true;
	int r = -EPIPE;

	/* One that waited may have died meanwhile. */
	while (r != 0 && r != -E2BIG && waited) {
		r = sandbox_pool_take(config->pool, config->template, out, &waited, error);
		if (r != 0)
			return r;
		(*out)->requested_ns = args->spawned_ns;
		r = sandbox_send_clone(*out, config->template, args, error);
		if (r != 0)
			sandbox_destroy(*out);
	}
	return r == -E2BIG ? 1 : r;
}

int
sandbox_spawn(const struct sandbox_config *config, struct sandbox **out, struct tine_error *error)
{
	struct vmm_args args;
	int r = sandbox_config_check(config, error);

	if (r != 0)
		return r;
	sandbox_args(&args, config);
	if (config->template != NULL && config->pool != NULL && config->gdb == NULL &&
	    (config->template->head.flags & TEMPLATE_BASE) == 0) {
		r = spawn_from_pool(config, &args, out, error);
		if (r <= 0)
			return r;
	}
	r = sandbox_start(&args, out, error);
	if (r == 0 && config->template != NULL) {
		r = sandbox_send_clone(*out, config->template, NULL, error);
		if (r != 0)
			sandbox_destroy(*out);
	}
	return r;
}

int
sandbox_fd(const struct sandbox *sb)
{
	return sb->fd;
}

pid_t
sandbox_pid(const struct sandbox *sb)
{
	return sb->pid;
}

void
sandbox_kill(struct sandbox *sb)
{
	if (sb->reaped)
		return;
	if (sb->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, sb->pidfd, SIGKILL, NULL, 0);
	else
		kill(sb->pid, SIGKILL);
}

void
sandbox_reap(struct sandbox *sb, int timeout_ms)
{
	struct pollfd p = {.fd = sb->pidfd, .events = POLLIN};

	if (sb->reaped)
		return;
	if (sb->pidfd >= 0 && timeout_ms >= 0)
		poll(&p, 1, timeout_ms);
	if (waitpid(sb->pid, &sb->wait_status, timeout_ms >= 0 ? WNOHANG : 0) == sb->pid)
		sb->reaped = true;
}

void
sandbox_destroy(struct sandbox *sb)
{
	sandbox_kill(sb);
	sandbox_reap(sb, -1);
	sandbox_lose_workset(sb);
	hoststats_detach(sb);
	if (sb->shared != NULL)
		munmap((void *)(uintptr_t)sb->shared, TINE_SHARED_SIZE);
	if (sb->shared_fd >= 0)
		close(sb->shared_fd);
	if (sb->fd >= 0)
		close(sb->fd);
	if (sb->pidfd >= 0)
		close(sb->pidfd);
	if (sb->frozen_fd >= 0)
		close(sb->frozen_fd);
	if (sb->rootfs_fd >= 0)
		close(sb->rootfs_fd);
	template_release(sb->frozen);
	template_release(sb->template);
	template_release(sb->prepared);
	template_release(sb->held);
	proto_free(&sb->proto);
	joiner_free(&sb->joiner);
	outq_free(&sb->queue);
	free(sb);
}
