/* SPDX-License-Identifier: ISC */
/* clone.c: a VM in the state of a template: memory by copy-on-write, registers, a new identity. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "bootblock.h"
#include "cpu_x86_64.h"
#include "phases.h"
#include "rings.h"
#include "template.h"
#include "vm.h"

/*
 * The data of a booted kernel and what it has allocated: a guest that goes on from the boot writes
 * to nearly all of it.  Copied in one go a page costs a third of what it costs when the guest reads
 * and then writes it, by up to three nested page faults, between which KVM unmaps it again.
 */
static int
place_extent(struct guest_mem *mem, const struct tine_template *tmpl,
	     const struct template_extent *e, bool text, struct tine_error *error)
{
	const struct template_head *head = &tmpl->head;
	const uint64_t cut[4] = {0, head->kernel_start, head->kernel_data, UINT64_MAX};
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++) {
		uint64_t start = e->start > cut[i] ? e->start : cut[i];
		uint64_t end = e->start + e->len < cut[i + 1] ? e->start + e->len : cut[i + 1];
		uint64_t offset = e->offset + (start - e->start);

		if (start >= end || (i == 1) != text)
			continue;
		r = text ? mem_overlay(mem, start, end - start, tmpl->fd, offset, error)
			 : mem_copy(mem, start, end - start, tmpl->fd, offset, error);
	}
	return r;
}

static int
place_base(struct guest_mem *mem, const struct tine_template *tmpl, bool text,
	   struct tine_error *error)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < tmpl->head.nextents; i++)
		r = place_extent(mem, tmpl, &tmpl->head.extent[i], text, error);
	return r;
}

/* RAM without data in the template stays anonymous: a hole in a memfd would be filled when read. */
static int
create_ram(struct guest_mem *mem, const struct tine_template *tmpl, struct tine_error *error)
{
	return mem_create_ram(mem, tmpl->head.ram_low + tmpl->head.ram_high, -1, 0, error);
}

int
clone_map(struct guest_mem *mem, const struct tine_template *tmpl, struct tine_error *error)
{
	const struct template_head *head = &tmpl->head;
	int r = create_ram(mem, tmpl, error);

	for (uint32_t i = 0; r == 0 && i < head->nextents; i++) {
		const struct template_extent *e = &head->extent[i];

		r = mem_overlay(mem, e->start, e->len, tmpl->fd, e->offset, error);
	}
	if (r == 0 && head->rootfs_size != 0)
		r = mem_attach_rootfs(mem, template_rootfs_fd(tmpl), head->rootfs_offset,
				      head->rootfs_size, error);
	if (r != 0)
		mem_destroy(mem);
	return r;
}

/* Mappings come before pages: to map over memory of which pages have been touched costs three times
 * as much. */
static int
map_base(struct guest_mem *mem, const struct tine_template *tmpl, const struct vm_options *options,
	 struct tine_error *error)
{
	int r = create_ram(mem, tmpl, error);

	if (r == 0)
		r = place_base(mem, tmpl, true, error);
	if (r == 0)
		r = mem_add_shared(mem, error);
	if (r == 0)
		r = place_base(mem, tmpl, false, error);
	if (r == 0 && options->rootfs_fd >= 0)
		r = mem_attach_rootfs(mem, options->rootfs_fd, 0, options->rootfs_size, error);
	return r;
}

static int
map_memory(struct vm *vm, const struct tine_template *tmpl, const struct vm_options *options,
	   struct tine_error *error)
{
	int r = 0;

	if (options->mapped != NULL)
		mem_move(&vm->mem, options->mapped);
	else if (vm->base)
		return map_base(&vm->mem, tmpl, options, error);
	else
		r = clone_map(&vm->mem, tmpl, error);
	return r == 0 ? mem_add_shared(&vm->mem, error) : r;
}

static int
check_cpu(const struct template_head *head, struct tine_error *error)
{
	uint32_t hash;
	int r = cpu_hash(&hash, error);

	if (r == 0 && hash != head->cpu_hash)
		r = tine_error_set(error, ENOTSUP, "template-cpu",
				   "the template was made on a CPU with other features");
	return r;
}

/* Empty rings, whose bell is rung at the guest's first word; counters go on from those of the
 * template. */
static void
set_shared_region(struct vm *vm, const struct template_head *head)
{
	uint8_t *shared = vm->mem.shared;
	struct rings rings;

	memset(shared + TINE_SHARED_RINGS, 0, sizeof(struct tine_rings));
	rings_init(&rings, shared);
	rings_may_sleep(&rings);
	memcpy(shared + TINE_SHARED_STATS, &head->stats, sizeof(head->stats));
}

int
vm_clone(struct vm *vm, const struct tine_template *tmpl, const struct vm_options *options,
	 struct tine_error *error)
{
	const struct template_head *head = &tmpl->head;
	int r = check_cpu(head, error), khz;

	vm->base = (head->flags & TEMPLATE_BASE) != 0;
	vm->generation = head->generation + 1;
	vm->kernel.start = head->kernel_start;
	vm->kernel.data = head->kernel_data;
	vm->kernel.end = head->kernel_end;
	symbols_init_file(&vm->kernel.symbols, vm->symbols_fd, head->kernel_size, head->kernel_crc);
	khz = ioctl(vm->vcpu_fd, KVM_GET_TSC_KHZ, 0);
	vm->tsc_khz = khz > 0 ? (uint64_t)khz : 0;
	if (r == 0)
		r = map_memory(vm, tmpl, options, error);
	if (r == 0)
		r = mem_register(&vm->mem, vm->vm_fd, error);
	if (r == 0)
		r = vcpu_state_set(vm->vcpu_fd, &head->cpu, error);
	if (r != 0)
		return r;
	set_shared_region(vm, head);
	r = bootblock_write(vm, options, error);
	phase_end(START_MEMORY);
	return r;
}

int
vm_identify(struct vm *vm, const struct tine_template *tmpl, const struct vm_options *options,
	    struct tine_error *error)
{
	set_shared_region(vm, &tmpl->head);
	return bootblock_write(vm, options, error);
}
