/* SPDX-License-Identifier: ISC */
/* template_base.c: the base template: a kernel that has booted, made once and kept in a file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu_x86_64.h"
#include "crc32c.h"
#include "freeze.h"
#include "programs.h"
#include "setup.h"

#define BOOT_TIMEOUT_MS 60000

/* ---- which kernel, which program ---- */

int
template_file_sum(int fd, uint32_t *crc, uint64_t *size, struct tine_error *error)
{
	off_t end = lseek(fd, 0, SEEK_END);
	void *p = end > 0 ? mmap(NULL, (size_t)end, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

	if (p == MAP_FAILED)
		return tine_error_set(error, errno, "no-kernel", "guest kernel: %s",
				      strerror(errno));
	*crc = crc32c(0, p, (size_t)end);
	*size = (uint64_t)end;
	munmap(p, (size_t)end);
	return 0;
}

int
template_kernel_sum(const char *path, uint32_t *crc, uint64_t *size, struct tine_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return tine_error_set(error, errno, "no-kernel", "guest kernel %s: %s", path,
				      strerror(errno));
	r = template_file_sum(fd, crc, size, error);
	close(fd);
	return r;
}

/* Of the file that fd is, if it is not -1. */
static int
stamp(const char *path, int fd, struct template_stamp *out, struct tine_error *error)
{
	struct stat st;

	if ((fd >= 0 ? fstat(fd, &st) : stat(path, &st)) < 0)
		return tine_error_set(error, errno, "no-kernel", "%s: %s", path, strerror(errno));
	*out = (struct template_stamp){
	    .dev = st.st_dev,
	    .ino = st.st_ino,
	    .size = (uint64_t)st.st_size,
	    .mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec,
	};
	return 0;
}

struct stamps {
	struct template_stamp kernel, program;
};

static int
get_stamps(const char *kernel, int kernel_fd, struct stamps *out, struct tine_error *error)
{
	int r = stamp(kernel, kernel_fd, &out->kernel, error);

	return r == 0 ? stamp(vmm_program(), -1, &out->program, error) : r;
}

/* ---- making one ---- */

static int
wait_frozen(const struct vm *vm, struct tine_error *error)
{
	struct pollfd p[2] = {{.fd = vm->pause.notify_fd, .events = POLLIN},
			      {.fd = vm->stopped_fd, .events = POLLIN}};
	int n;

	do
		n = poll(p, 2, BOOT_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n > 0 && p[0].revents != 0)
		return 0;
	if (n > 0 && vm->end.error.code != 0) {
		*error = vm->end.error;
		return -error->code;
	}
	return tine_error_set(error, ETIMEDOUT, "guest-boot", "the guest kernel did not boot");
}

static int
boot(struct vm *vm, int fd, struct template_head *head, struct tine_error *error)
{
	int r;

	atomic_store(&vm->freeze, true);
	r = vm_start(vm, error);
	if (r == 0)
		r = wait_frozen(vm, error);
	if (r == 0)
		r = freeze_state(vm, head, error);
	vm_stop(vm);
	if (r == 0)
		r = template_find_extents(fd, head, error);
	return r;
}

/* A clone's own block takes the place of this identity before anything runs. */
static int
make(int fd, uint64_t bytes, const char *kernel, struct template_head *head,
     struct tine_error *error)
{
	struct console console;
	struct vm_options options = {
	    .kernel = kernel,
	    .memory_bytes = bytes,
	    .rootfs_fd = -1,
	    .hostname = "template",
	    .console = &console,
	    .template_fd = fd,
	};
	struct vm vm;
	int r;

	console_init(&console, STDERR_FILENO, false);
	head->flags = TEMPLATE_BASE;
	r = vm_create(&vm, &options, error);
	if (r != 0)
		return r;
	r = boot(&vm, fd, head, error);
	vm_destroy(&vm);
	return r;
}

static int
new_file(uint64_t bytes, struct tine_error *error)
{
	int fd = memfd_create("tine-template", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, (off_t)freeze_file_size(bytes)) == 0)
		return fd;
	tine_error_set(error, errno, "no-memory", "cannot make a template: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
make_base(uint64_t bytes, const char *kernel, struct tine_template **out, struct tine_error *error)
{
	struct template_head *head = calloc(1, sizeof(*head));
	int fd = new_file(bytes, error), r;
	struct stamps now;

	if (head == NULL || fd < 0) {
		free(head);
		return fd < 0 ? -error->code : -ENOMEM;
	}
	r = make(fd, bytes, kernel, head, error);
	if (r == 0)
		r = get_stamps(kernel, -1, &now, error);
	if (r == 0) {
		head->kernel = now.kernel;
		head->program = now.program;
	}
	if (r == 0)
		r = template_kernel_sum(kernel, &head->kernel_crc, &head->kernel_size, error);
	if (r == 0)
		r = template_write_head(fd, head, error);
	free(head);
	if (r != 0) {
		close(fd);
		return r;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	return template_open(fd, -1, out, error);
}

/* ---- the cache ---- */

static bool
cache_path(char *path, size_t size, uint64_t mib)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	bool own = xdg == NULL || xdg[0] != '/';
	int n;

	if (own && (home == NULL || home[0] != '/'))
		return false;
	n = snprintf(path, size, "%s%s/tine/base-%llu", own ? home : xdg, own ? "/.cache" : "",
		     (unsigned long long)mib);
	return n > 0 && (size_t)n < size;
}

/* The folders of path, the innermost for its owner alone. */
static void
make_folders(char *path)
{
	for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

static bool
same_stamp(const struct template_stamp *a, const struct template_stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* A file that was written or found undamaged since the host has booted need not be read again each
 * time.  Such a file is marked by the time of its last change, which stands for this boot of the
 * host: whatever changes the file also takes the mark away. */
static bool
verified_mark(struct timespec times[2])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char id[64];
	ssize_t n = fd >= 0 ? read(fd, id, sizeof(id)) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	/* any date that a file system can keep */
	times[1] = (struct timespec){.tv_sec = crc32c(0, id, (size_t)n) & 0x3fffffffu};
	return true;
}

static bool
is_undamaged(const struct tine_template *t, const struct stat *st)
{
	struct tine_error error;
	struct timespec mark[2];
	bool known = verified_mark(mark);

	if (known && st->st_mtim.tv_sec == mark[1].tv_sec && st->st_mtim.tv_nsec == 0)
		return true;
	if (template_verify_data(t, &error) != 0)
		return false;
	if (known)
		futimens(t->fd, mark); /* if it cannot be marked, it is read each time */
	return true;
}

/* Whatever is wrong with the file is a reason to make another one, and none to complain. */
static struct tine_template *
from_cache(const char *path, const char *kernel, int kernel_fd, uint64_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	struct tine_template *t = NULL;
	struct tine_error error;
	struct stamps now;
	uint32_t hash = 0;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022) != 0) {
		close(fd);
		return NULL;
	}
	if (template_open(fd, -1, &t, &error) != 0)
		return NULL;
	if (get_stamps(kernel, kernel_fd, &now, &error) == 0 && cpu_hash(&hash, &error) == 0 &&
	    same_stamp(&now.kernel, &t->head.kernel) &&
	    same_stamp(&now.program, &t->head.program) && hash == t->head.cpu_hash &&
	    t->head.ram_low + t->head.ram_high == bytes && t->head.flags == TEMPLATE_BASE &&
	    is_undamaged(t, &st))
		return t;
	template_release(t);
	return NULL;
}

int
template_base(uint64_t memory_mib, const char *kernel, struct tine_template **out,
	      struct tine_error *error)
{
	return template_base_of(memory_mib, kernel, -1, out, error);
}

int
template_base_of(uint64_t memory_mib, const char *kernel, int kernel_fd, struct tine_template **out,
		 struct tine_error *error)
{
	uint64_t mib = memory_mib != 0 ? memory_mib : SANDBOX_MEMORY_DEFAULT_MIB;
	char path[PATH_MAX], found[PATH_MAX];
	bool cached = cache_path(path, sizeof(path), mib);
	struct tine_error ignored;
	int r = 0;

	if (kernel == NULL) {
		r = kernel_find(found, sizeof(found), error);
		kernel = found;
	}
	if (r != 0)
		return r;
	*out = cached ? from_cache(path, kernel, kernel_fd, mib << 20) : NULL;
	if (*out != NULL)
		return 0;
	r = make_base(mib << 20, kernel, out, error);
	if (r == 0 && cached) {
		make_folders(path);
		template_save(*out, path, &ignored);
	}
	return r;
}
