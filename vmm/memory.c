/* SPDX-License-Identifier: ISC */
/* memory.c: guest RAM, the shared region and the root image: mappings, memory slots, checked
 * access. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "memory.h"
#include "vmm.h"

#define HUGE ((uint64_t)2 << 20)

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/*
 * RAM begins at a boundary of 2 MiB, for the guest as for the host: KVM maps a huge page by one
 * entry only if it is one for both.  And the host makes none of what a start touches, which lies in
 * 2 MiB with mappings of files (it would clear all of it).  What is mapped beyond for that is never
 * touched; it is not unmapped, which would cost as much as three other mappings.
 */
static int
map_ram(struct mem_region *region, gpa_t gpa, uint64_t size, int fd, uint64_t offset,
	struct tine_error *error)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
	uint64_t len = fd < 0 ? size + HUGE - TINE_PAGE_SIZE : size;
	uint8_t *p;

	if (size == 0)
		return 0;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, fd < 0 ? 0 : (off_t)offset);
	if (p == MAP_FAILED)
		return tine_error_set(error, errno, "no-memory",
				      "cannot map %llu MiB of guest memory: %s",
				      (unsigned long long)size >> 20, strerror(errno));
	/* Both are conveniences: a readable /proc/PID/maps, and core files without the guest's
	 * data. */
	if (fd < 0)
		prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (unsigned long)p, len, "tine-ram");
	madvise(p, len, MADV_DONTDUMP);
	region->map = p;
	region->map_len = len;
	region->gpa = gpa;
	region->size = size;
	region->hva = fd < 0 ? p + (-(uintptr_t)p & (HUGE - 1)) : p;
	return 0;
}

/* In the place of RAM, which it is next to in all page tables, in one memory slot: it takes neither
 * tables nor a slot of its own. */
int
mem_add_shared(struct guest_mem *mem, struct tine_error *error)
{
	const struct mem_region *low = &mem->region[MEM_LOW];
	void *p;

	if (low->size < TINE_GPA_SHARED + TINE_SHARED_SIZE)
		return tine_error_set(error, EINVAL, "memory-size",
				      "the sandbox's memory is too small to boot in");
	mem->shared_fd = memfd_create("tine-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (mem->shared_fd < 0 || ftruncate(mem->shared_fd, TINE_SHARED_SIZE) < 0)
		return tine_error_set(error, errno, "no-memory",
				      "cannot make the shared region: %s", strerror(errno));
	/* A reader in another process must never meet a truncated file (SIGBUS). */
	fcntl(mem->shared_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	p = mmap(low->hva + TINE_GPA_SHARED, TINE_SHARED_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, mem->shared_fd, 0);
	if (p == MAP_FAILED)
		return tine_error_set(error, errno, "no-memory", "cannot map the shared region: %s",
				      strerror(errno));
	mem->shared = p;
	return 0;
}

static void
set_empty(struct guest_mem *mem)
{
	memset(mem, 0, sizeof(*mem));
	mem->shared_fd = mem->rootfs_fd = -1;
}

int
mem_create_ram(struct guest_mem *mem, uint64_t bytes, int fd, uint64_t offset,
	       struct tine_error *error)
{
	uint64_t low = bytes < TINE_GPA_LOW_MAX ? bytes : TINE_GPA_LOW_MAX;
	int r;

	set_empty(mem);
	mem->file_backed = fd >= 0;
	r = map_ram(&mem->region[MEM_LOW], 0, low, fd, offset, error);
	if (r == 0)
		r = map_ram(&mem->region[MEM_HIGH], TINE_GPA_HIGH, bytes - low, fd, offset + low,
			    error);
	if (r != 0)
		mem_destroy(mem);
	return r;
}

int
mem_create(struct guest_mem *mem, uint64_t bytes, int fd, uint64_t offset, struct tine_error *error)
{
	int r = mem_create_ram(mem, bytes, fd, offset, error);

	if (r != 0)
		return r;
	r = mem_add_shared(mem, error);
	if (r != 0)
		mem_destroy(mem);
	return r;
}

static int
overlay(uint8_t *at, uint64_t len, int fd, uint64_t offset, struct tine_error *error)
{
	if (mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, fd,
		 (off_t)offset) == MAP_FAILED)
		return tine_error_set(error, errno, "no-memory", "cannot map the template: %s",
				      strerror(errno));
	madvise(at, len, MADV_DONTDUMP);
	return 0;
}

static int
copy(uint8_t *at, uint64_t len, int fd, uint64_t offset, struct tine_error *error)
{
	while (len > 0) {
		ssize_t n = pread(fd, at, len, (off_t)offset);

		if (n <= 0)
			return tine_error_set(error, n < 0 ? errno : EBADMSG, "template-read",
					      "reading the template: %s",
					      n < 0 ? strerror(errno) : "it is truncated");
		at += n;
		len -= (uint64_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* Remember that a template has content for [start, start + len). */
static int
add_piece(struct guest_mem *mem, uint64_t start, uint64_t len, struct tine_error *error)
{
	struct mem_piece *pieces = reallocarray(mem->overlaid, mem->noverlaid + 1, sizeof(*pieces));

	if (pieces == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	mem->overlaid = pieces;
	pieces[mem->noverlaid++] = (struct mem_piece){start, start + len};
	return 0;
}

/* Apply place() to the parts of a piece below and above the hole. */
static int
place_piece(struct guest_mem *mem, uint64_t start, uint64_t len, int fd, uint64_t offset,
	    int (*place)(uint8_t *, uint64_t, int, uint64_t, struct tine_error *),
	    struct tine_error *error)
{
	uint64_t low = mem->region[MEM_LOW].size;
	uint64_t n = start >= low ? 0 : len < low - start ? len : low - start;
	int r = add_piece(mem, start, len, error);

	if (r == 0 && n > 0)
		r = place(mem->region[MEM_LOW].hva + start, n, fd, offset, error);
	if (r == 0 && n < len)
		r = place(mem->region[MEM_HIGH].hva + (start + n - low), len - n, fd, offset + n,
			  error);
	return r;
}

int
mem_overlay(struct guest_mem *mem, uint64_t start, uint64_t len, int fd, uint64_t offset,
	    struct tine_error *error)
{
	return place_piece(mem, start, len, fd, offset, overlay, error);
}

int
mem_copy(struct guest_mem *mem, uint64_t start, uint64_t len, int fd, uint64_t offset,
	 struct tine_error *error)
{
	return place_piece(mem, start, len, fd, offset, copy, error);
}

int
mem_attach_rootfs(struct guest_mem *mem, int fd, uint64_t offset, uint64_t size,
		  struct tine_error *error)
{
	uint64_t rounded = (size + TINE_PAGE_SIZE - 1) & ~(uint64_t)(TINE_PAGE_SIZE - 1);
	void *p;

	if (size == 0 || size > TINE_ROOTFS_MAX)
		return tine_error_set(
		    error, EFBIG, "rootfs-size",
		    "root image of %llu bytes; it must be between 1 and %llu bytes",
		    (unsigned long long)size, (unsigned long long)TINE_ROOTFS_MAX);
	p = mmap(NULL, rounded, PROT_READ, MAP_SHARED, fd, (off_t)offset);
	if (p == MAP_FAILED)
		return tine_error_set(error, errno, "no-memory", "cannot map the root image: %s",
				      strerror(errno));
	mem->region[MEM_ROOTFS].gpa = TINE_GPA_ROOTFS;
	mem->region[MEM_ROOTFS].size = rounded;
	mem->region[MEM_ROOTFS].hva = mem->region[MEM_ROOTFS].map = p;
	mem->region[MEM_ROOTFS].map_len = rounded;
	mem->region[MEM_ROOTFS].readonly = true;
	mem->rootfs_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	mem->rootfs_offset = offset;
	mem->rootfs_size = size;
	return 0;
}

static int
register_slot(const struct guest_mem *mem, enum mem_slot slot, uint32_t flags, int vm_fd,
	      struct tine_error *error)
{
	const struct mem_region *r = &mem->region[slot];
	struct kvm_userspace_memory_region kr = {
	    .slot = slot,
	    .flags = (r->readonly ? KVM_MEM_READONLY : 0) | flags,
	    .guest_phys_addr = r->gpa,
	    .memory_size = r->size,
	    .userspace_addr = (uintptr_t)r->hva,
	};

	if (r->size != 0 && ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &kr) < 0)
		return tine_error_set(
		    error, errno, "kvm-failed", "KVM refused %llu bytes of memory at %#llx: %s",
		    (unsigned long long)r->size, (unsigned long long)r->gpa, strerror(errno));
	return 0;
}

int
mem_register(const struct guest_mem *mem, int vm_fd, struct tine_error *error)
{
	int r = 0;

	for (int slot = 0; r == 0 && slot < MEM_NSLOTS; slot++)
		r = register_slot(mem, (enum mem_slot)slot, 0, vm_fd, error);
	return r;
}

static int
set_log(const struct guest_mem *mem, uint32_t flags, int vm_fd, struct tine_error *error)
{
	int r = register_slot(mem, MEM_LOW, flags, vm_fd, error);

	return r == 0 ? register_slot(mem, MEM_HIGH, flags, vm_fd, error) : r;
}

int
mem_log_writes(struct guest_mem *mem, enum mem_log log, int vm_fd, struct tine_error *error)
{
	int r = 0;

	/* One log is the other's end: a freeze needs one that begins with it, and what it has seen
	 * is not all that differs from a template. */
	if (atomic_load(&mem->log) != MEM_LOG_OFF)
		r = set_log(mem, 0, vm_fd, error);
	if (r == 0 && log != MEM_LOG_OFF)
		r = set_log(mem, KVM_MEM_LOG_DIRTY_PAGES, vm_fd, error);
	mem->nwritten = 0;
	atomic_store(&mem->log, r == 0 ? log : MEM_LOG_OFF);
	return r;
}

int
mem_read_log(const struct guest_mem *mem, enum mem_slot slot, int vm_fd, uint64_t *bits,
	     struct tine_error *error)
{
	const uint64_t first = TINE_GPA_SHARED / TINE_PAGE_SIZE,
		       n = TINE_SHARED_SIZE / TINE_PAGE_SIZE;
	struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = bits};

	_Static_assert(TINE_GPA_SHARED / TINE_PAGE_SIZE % 64 == 0 &&
			   TINE_SHARED_SIZE / TINE_PAGE_SIZE % 64 == 0,
		       "the shared region has words of the log for itself");
	if (ioctl(vm_fd, KVM_GET_DIRTY_LOG, &log) < 0)
		return tine_error_set(error, errno, "kvm-failed", "KVM_GET_DIRTY_LOG: %s",
				      strerror(errno));
	if (slot == MEM_LOW && mem->shared != NULL)
		memset(&bits[first / 64], 0, n / 8);
	return 0;
}

static void
note_page(struct guest_mem *mem, gpa_t page)
{
	for (uint32_t i = 0; i < mem->nwritten && i < MEM_WRITTEN; i++)
		if (mem->written[i] == page)
			return;
	if (mem->nwritten < MEM_WRITTEN)
		mem->written[mem->nwritten] = page;
	if (mem->nwritten <= MEM_WRITTEN)
		mem->nwritten++;
}

void
mem_note_write(struct guest_mem *mem, gpa_t gpa, uint64_t len)
{
	const gpa_t mask = ~(gpa_t)(TINE_PAGE_SIZE - 1);

	if (atomic_load(&mem->log) != MEM_LOG_RESET)
		return;
	note_page(mem, gpa & mask);
	note_page(mem, (gpa + len - 1) & mask);
}

void
mem_move(struct guest_mem *to, struct guest_mem *from)
{
	*to = *from;
	set_empty(from);
}

void
mem_destroy(struct guest_mem *mem)
{
	for (int slot = 0; slot < MEM_NSLOTS; slot++)
		if (mem->region[slot].map_len != 0)
			munmap(mem->region[slot].map, mem->region[slot].map_len);
	if (mem->shared_fd >= 0)
		close(mem->shared_fd);
	if (mem->rootfs_fd >= 0)
		close(mem->rootfs_fd);
	free(mem->overlaid);
	set_empty(mem);
}

static uint8_t *
region_at(const struct mem_region *r, gpa_t gpa, uint64_t len)
{
	/* Written so that no sum can overflow: gpa and len are the guest's. */
	if (r->size == 0 || len == 0 || gpa < r->gpa || gpa - r->gpa >= r->size ||
	    len > r->size - (gpa - r->gpa))
		return NULL;
	return r->hva + (gpa - r->gpa);
}

void *
mem_at(const struct guest_mem *mem, gpa_t gpa, uint64_t len)
{
	void *p = region_at(&mem->region[MEM_LOW], gpa, len);

	if (p == NULL)
		return region_at(&mem->region[MEM_HIGH], gpa, len);
	return gpa < TINE_GPA_SHARED + TINE_SHARED_SIZE && gpa + len > TINE_GPA_SHARED ? NULL : p;
}

const void *
mem_at_any(const struct guest_mem *mem, gpa_t gpa, uint64_t len)
{
	const void *p = NULL;

	for (int slot = 0; p == NULL && slot < MEM_NSLOTS; slot++)
		p = region_at(&mem->region[slot], gpa, len);
	return p;
}

int
mem_read(const struct guest_mem *mem, gpa_t gpa, void *buf, size_t len)
{
	const void *p = mem_at(mem, gpa, len);

	if (p == NULL)
		return -EFAULT;
	memcpy(buf, p, len);
	return 0;
}

int
mem_write(const struct guest_mem *mem, gpa_t gpa, const void *buf, size_t len)
{
	void *p = mem_at(mem, gpa, len);

	if (p == NULL)
		return -EFAULT;
	memcpy(p, buf, len);
	return 0;
}

/* Has a template content for any of the page-aligned range? */
static bool
is_overlaid(const struct guest_mem *mem, gpa_t gpa, uint64_t len)
{
	uint64_t start =
	    gpa < TINE_GPA_HIGH ? gpa : gpa - TINE_GPA_HIGH + mem->region[MEM_LOW].size;

	for (uint32_t i = 0; i < mem->noverlaid; i++)
		if (start < mem->overlaid[i].end && mem->overlaid[i].start < start + len)
			return true;
	return false;
}

int
mem_discard(const struct guest_mem *mem, gpa_t gpa, uint64_t len)
{
	void *p = mem_at(mem, gpa, len);

	if (p == NULL || ((gpa | len) & (TINE_PAGE_SIZE - 1)) != 0)
		return -EINVAL;
	if (is_overlaid(mem, gpa, len) || atomic_load(&mem->log) == MEM_LOG_FREEZE)
		return -EOPNOTSUPP;
	return madvise(p, len, mem->file_backed ? MADV_REMOVE : MADV_DONTNEED) == 0 ? 0 : -errno;
}
