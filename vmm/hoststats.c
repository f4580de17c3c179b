/* SPDX-License-Identifier: ISC */
/* hoststats.c: what the host's kernel says about a sandbox: KVM's statistics and its memory map. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

#define DESC_MAX 1024u
#define NAME_MAX_BYTES 256u
#define SMAPS_BYTES 65536u

static const char *const vm_items[KVM_ITEMS] = {"pages_4k", "pages_2m"};
/* pf_taken counts violations; Linux before 6.0 has only pf_fixed, without those that it served
 * twice: a write that copies a page which the host had mapped before is one. */
static const char *const vcpu_items[KVM_ITEMS] = {"pf_taken",  "exits",      "io_exits",
						  "irq_exits", "halt_exits", "pf_fixed"};

void
hoststats_attach(struct sandbox *sb, int vm_fd, int vcpu_fd)
{
	sb->vm_stats.fd = vm_fd;
	sb->vcpu_stats.fd = vcpu_fd;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
hoststats_detach(struct sandbox *sb)
{
	close_fd(&sb->vm_stats.fd);
	close_fd(&sb->vcpu_stats.fd);
	close_fd(&sb->smaps_fd);
}

/* Find the wanted names among the descriptors (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD).
 */
static void
parse_descriptors(struct kvm_stats_file *f, const struct kvm_stats_header *h, const uint8_t *descs,
		  const char *const names[KVM_ITEMS])
{
	size_t step = sizeof(struct kvm_stats_desc) + h->name_size;

	for (uint32_t d = 0; d < h->num_desc; d++) {
		struct kvm_stats_desc desc;
		const char *name = (const char *)descs + d * step + sizeof(desc);

		memcpy(&desc, descs + d * step, sizeof(desc));
		for (int i = 0; i < KVM_ITEMS && names[i] != NULL; i++)
			if (strncmp(name, names[i], h->name_size) == 0) {
				f->item[i].offset = desc.offset;
				f->item[i].present = true;
			}
	}
}

static int
parse_stats(struct kvm_stats_file *f, const char *const names[KVM_ITEMS])
{
	struct kvm_stats_header h;
	uint8_t *descs;
	size_t size;
	int r = -EIO;

	if (pread(f->fd, &h, sizeof(h), 0) != sizeof(h) || h.num_desc > DESC_MAX ||
	    h.name_size == 0 || h.name_size > NAME_MAX_BYTES)
		return -EIO;
	size = h.num_desc * (sizeof(struct kvm_stats_desc) + h.name_size);
	descs = malloc(size);
	if (descs == NULL)
		return -ENOMEM;
	if (pread(f->fd, descs, size, h.desc_offset) == (ssize_t)size) {
		parse_descriptors(f, &h, descs, names);
		f->data_offset = h.data_offset;
		f->parsed = true;
		r = 0;
	}
	free(descs);
	return r;
}

static uint64_t
item(const struct kvm_stats_file *f, int i)
{
	uint64_t v = 0;

	if (!f->item[i].present ||
	    pread(f->fd, &v, sizeof(v), (off_t)f->data_offset + f->item[i].offset) != sizeof(v))
		return 0;
	return v;
}

static int
read_kvm(struct sandbox *sb, struct sandbox_hoststats *hs)
{
	struct kvm_stats_file *vm = &sb->vm_stats, *vcpu = &sb->vcpu_stats;

	if (vm->fd < 0 || vcpu->fd < 0)
		return -ENODATA;
	if ((!vm->parsed && parse_stats(vm, vm_items) != 0) ||
	    (!vcpu->parsed && parse_stats(vcpu, vcpu_items) != 0))
		return -EIO;
	hs->mapped_4k = item(vm, 0);
	hs->mapped_2m = item(vm, 1);
	hs->nested_faults = item(vcpu, vcpu->item[0].present ? 0 : 5);
	hs->exits = item(vcpu, 1);
	hs->io_exits = item(vcpu, 2);
	hs->irq_exits = item(vcpu, 3);
	hs->halt_exits = item(vcpu, 4);
	return 0;
}

/* One mapping of the VMM process, in bytes. */
struct mapping {
	uint64_t start, end;
	uint64_t rss, anonymous;
};

static void
account(const struct sandbox *sb, const struct mapping *m, struct sandbox_hoststats *hs)
{
	for (int i = 0; i < 3; i++) {
		uint64_t addr = sb->info.area[i].addr, size = sb->info.area[i].size;

		/* The first and the last of RAM reach beyond it, where nothing is touched. */
		if (size == 0 || m->end <= addr || m->start >= addr + size)
			continue;
		if (i == 0 && m->start == addr + TINE_GPA_SHARED)
			continue; /* the shared region in the midst of RAM */
		/* Anonymous pages of a private mapping are this process's own; the others are the
		 * template's or the image's. */
		hs->private_bytes += m->anonymous;
		hs->shared_bytes += m->rss > m->anonymous ? m->rss - m->anonymous : 0;
	}
}

static void
parse_smaps(const struct sandbox *sb, char *text, struct sandbox_hoststats *hs)
{
	struct mapping m = {0};
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		uint64_t start, end, kb;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
			account(sb, &m, hs);
			m = (struct mapping){.start = start, .end = end};
		} else if (sscanf(line, "Rss: %" SCNu64, &kb) == 1) {
			m.rss = kb << 10;
		} else if (sscanf(line, "Pss: %" SCNu64, &kb) == 1) {
			hs->vmm_pss_bytes += kb << 10;
		} else if (sscanf(line, "Private_Clean: %" SCNu64, &kb) == 1 ||
			   sscanf(line, "Private_Dirty: %" SCNu64, &kb) == 1) {
			hs->vmm_private_bytes += kb << 10;
		} else if (sscanf(line, "Anonymous: %" SCNu64, &kb) == 1) {
			m.anonymous = kb << 10;
		}
	}
	account(sb, &m, hs);
}

/* The whole text, NUL terminated; NULL when there is none (the process has died). */
static char *
read_text(int fd)
{
	size_t n = 0, cap = SMAPS_BYTES;
	char *buf = malloc(cap);
	ssize_t got;

	while (buf != NULL && (got = pread(fd, buf + n, cap - n - 1, (off_t)n)) > 0) {
		n += (size_t)got;
		if (cap - n < SMAPS_BYTES / 2) {
			char *more = realloc(buf, cap * 2);

			if (more == NULL)
				break;
			buf = more;
			cap *= 2;
		}
	}
	if (buf != NULL)
		buf[n] = '\0';
	if (n == 0) {
		free(buf);
		return NULL;
	}
	return buf;
}

/* Most sandboxes are never asked.  As long as the process has not been reaped its number is its
 * own. */
static void
open_smaps(struct sandbox *sb)
{
	char path[32];

	if (sb->smaps_fd >= 0 || sb->reaped)
		return;
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)sb->pid);
	sb->smaps_fd = open(path, O_RDONLY | O_CLOEXEC);
}

int
sandbox_hoststats(struct sandbox *sb, struct sandbox_hoststats *hs, struct tine_error *error)
{
	struct sandbox_hoststats now = {0};
	char *smaps = NULL;

	if (!sb->started)
		return tine_error_set(error, ENODATA, "not-started", "the sandbox has not started");
	if (!sb->last.final) {
		int r = read_kvm(sb, &now);

		open_smaps(sb);
		smaps = sb->smaps_fd >= 0 ? read_text(sb->smaps_fd) : NULL;
		if (smaps != NULL)
			parse_smaps(sb, smaps, &now);
		free(smaps);
		if (smaps == NULL || sb->gone) {
			/* KVM's own figures outlive the process; its memory does not. */
			now.private_bytes = sb->last.private_bytes;
			now.shared_bytes = sb->last.shared_bytes;
			now.mapped_4k = sb->last.mapped_4k;
			now.mapped_2m = sb->last.mapped_2m;
			now.vmm_pss_bytes = sb->last.vmm_pss_bytes;
			now.vmm_private_bytes = sb->last.vmm_private_bytes;
			now.final = true;
		}
		if (r == 0)
			sb->last = now;
		sb->last.final = now.final;
		if (now.final)
			hoststats_detach(sb);
	}
	*hs = sb->last;
	return 0;
}
