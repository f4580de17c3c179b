/* SPDX-License-Identifier: ISC */
/* gdb_target.c: registers, memory and breakpoints of a vCPU that stands still. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "gdb.h"
#include "vm.h"

#define INT3 0xcc
#define DR7_FIXED 0x400u
#define BREAK_SOFT 0
#define BREAK_HARD 1
#define WATCH_WRITE 2
#define WATCH_READ 3 /* x86 has none: read or write */

int
gdb_regs_read(const struct gdb *gdb, uint8_t out[GDB_REGS_BYTES])
{
	struct kvm_regs r;
	struct kvm_sregs s;
	uint64_t wide[17];
	uint32_t narrow[7];

	if (ioctl(gdb->vm->vcpu_fd, KVM_GET_REGS, &r) < 0 ||
	    ioctl(gdb->vm->vcpu_fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	memcpy(wide,
	       (uint64_t[17]){r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9,
			      r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip},
	       sizeof(wide));
	memcpy(narrow,
	       (uint32_t[7]){(uint32_t)r.rflags, s.cs.selector, s.ss.selector, s.ds.selector,
			     s.es.selector, s.fs.selector, s.gs.selector},
	       sizeof(narrow));
	memcpy(out, wide, sizeof(wide));
	memcpy(out + sizeof(wide), narrow, sizeof(narrow));
	return 0;
}

/* Segment registers stay as they are: their hidden parts could not follow. */
int
gdb_regs_write(const struct gdb *gdb, const uint8_t in[GDB_REGS_BYTES])
{
	uint64_t w[17];
	uint32_t flags;
	struct kvm_regs r;

	memcpy(w, in, sizeof(w));
	memcpy(&flags, in + sizeof(w), sizeof(flags));
	r = (struct kvm_regs){
	    .rax = w[0],
	    .rbx = w[1],
	    .rcx = w[2],
	    .rdx = w[3],
	    .rsi = w[4],
	    .rdi = w[5],
	    .rbp = w[6],
	    .rsp = w[7],
	    .r8 = w[8],
	    .r9 = w[9],
	    .r10 = w[10],
	    .r11 = w[11],
	    .r12 = w[12],
	    .r13 = w[13],
	    .r14 = w[14],
	    .r15 = w[15],
	    .rip = w[16],
	    .rflags = flags,
	};
	return ioctl(gdb->vm->vcpu_fd, KVM_SET_REGS, &r) < 0 ? -errno : 0;
}

size_t
gdb_reg_place(unsigned nr, size_t *offset)
{
	if (nr >= GDB_REGS)
		return 0;
	*offset = nr < 17 ? nr * 8u : 17u * 8 + (nr - 17) * 4u;
	return nr < 17 ? 8 : 4;
}

/* Host memory of a guest-virtual address, up to the end of its page; NULL if it is not mapped. */
static uint8_t *
virtual_at(const struct gdb *gdb, uint64_t addr, size_t len, size_t *n, bool write)
{
	struct kvm_translation t = {.linear_address = addr};

	*n = TINE_PAGE_SIZE - addr % TINE_PAGE_SIZE;
	*n = *n < len ? *n : len;
	if (ioctl(gdb->vm->vcpu_fd, KVM_TRANSLATE, &t) < 0 || !t.valid)
		return NULL;
	/* Only RAM is written to; the root image is shared with others. */
	if (write)
		return mem_at(&gdb->vm->mem, t.physical_address, *n);
	return (uint8_t *)(uintptr_t)mem_at_any(&gdb->vm->mem, t.physical_address, *n);
}

int
gdb_mem_read(const struct gdb *gdb, uint64_t addr, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len > 0) {
		size_t n;
		const uint8_t *p = virtual_at(gdb, addr, len, &n, false);

		if (p == NULL)
			return -EFAULT;
		memcpy(out, p, n);
		out += n;
		addr += n;
		len -= n;
	}
	return 0;
}

int
gdb_mem_write(const struct gdb *gdb, uint64_t addr, const void *buf, size_t len)
{
	const uint8_t *in = buf;

	while (len > 0) {
		size_t n;
		uint8_t *p = virtual_at(gdb, addr, len, &n, true);

		if (p == NULL)
			return -EFAULT;
		memcpy(p, in, n);
		in += n;
		addr += n;
		len -= n;
	}
	return 0;
}

static int
soft_set(struct gdb *gdb, uint64_t addr)
{
	static const uint8_t int3 = INT3;

	for (size_t i = 0; i < GDB_BREAKPOINTS; i++) {
		struct gdb_breakpoint *b = &gdb->soft[i];

		if (b->used)
			continue;
		if (gdb_mem_read(gdb, addr, &b->saved, 1) != 0 ||
		    gdb_mem_write(gdb, addr, &int3, 1) != 0)
			return -EFAULT;
		b->addr = addr;
		b->used = true;
		return 0;
	}
	return -ENOSPC;
}

static int
soft_clear(struct gdb *gdb, uint64_t addr)
{
	for (size_t i = 0; i < GDB_BREAKPOINTS; i++) {
		struct gdb_breakpoint *b = &gdb->soft[i];

		if (b->used && b->addr == addr) {
			b->used = false;
			return gdb_mem_write(gdb, addr, &b->saved, 1);
		}
	}
	return -ENOENT;
}

/* DR7's two bits of length: 1, 2, 8, 4 bytes. */
static int
length_bits(size_t len)
{
	return len == 1 ? 0 : len == 2 ? 1 : len == 8 ? 2 : len == 4 ? 3 : -EINVAL;
}

static int
hard_set(struct gdb *gdb, int type, uint64_t addr, size_t len)
{
	int bits = length_bits(type <= BREAK_HARD ? 1 : len);

	if (bits < 0)
		return -EINVAL;
	for (size_t i = 0; i < GDB_HW_BREAKPOINTS; i++)
		if (!gdb->hard[i].used) {
			gdb->hard[i] = (struct gdb_hw_breakpoint){
			    .addr = addr,
			    .type = type <= BREAK_HARD    ? 0
				    : type == WATCH_WRITE ? 1
							  : 3,
			    .len = (uint8_t)bits,
			    .used = true,
			    .as_soft = type == BREAK_SOFT,
			};
			return 0;
		}
	return -ENOSPC;
}

static int
hard_clear(struct gdb *gdb, int type, uint64_t addr)
{
	for (size_t i = 0; i < GDB_HW_BREAKPOINTS; i++)
		if (gdb->hard[i].used && gdb->hard[i].addr == addr &&
		    gdb->hard[i].as_soft == (type == BREAK_SOFT)) {
			gdb->hard[i].used = false;
			return 0;
		}
	return -ENOENT;
}

/* Debug registers first, for software breakpoints as well: they leave the guest's text alone, and
 * they work where KVM itself runs in an emulator that delivers int3 to the guest. */
int
gdb_break_set(struct gdb *gdb, int type, uint64_t addr, size_t len)
{
	int r = hard_set(gdb, type, addr, len);

	return r == -ENOSPC && type == BREAK_SOFT ? soft_set(gdb, addr) : r;
}

int
gdb_break_clear(struct gdb *gdb, int type, uint64_t addr)
{
	int r = hard_clear(gdb, type, addr);

	return r == -ENOENT && type == BREAK_SOFT ? soft_clear(gdb, addr) : r;
}

void
gdb_break_clear_all(struct gdb *gdb)
{
	for (size_t i = 0; i < GDB_BREAKPOINTS; i++)
		if (gdb->soft[i].used)
			soft_clear(gdb, gdb->soft[i].addr);
	memset(gdb->hard, 0, sizeof(gdb->hard));
}

bool
gdb_break_is_ours(const struct gdb *gdb, uint64_t addr)
{
	for (size_t i = 0; i < GDB_BREAKPOINTS; i++)
		if (gdb->soft[i].used && gdb->soft[i].addr == addr)
			return true;
	return false;
}

int
gdb_resume(struct gdb *gdb, bool step, bool inject)
{
	struct kvm_guest_debug d = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP};
	uint64_t dr7 = DR7_FIXED;

	for (size_t i = 0; i < GDB_HW_BREAKPOINTS; i++)
		if (gdb->hard[i].used) {
			d.control |= KVM_GUESTDBG_USE_HW_BP;
			d.arch.debugreg[i] = gdb->hard[i].addr;
			dr7 |= 2ull << (2 * i);
			dr7 |= (uint64_t)(gdb->hard[i].type | gdb->hard[i].len << 2)
			       << (16 + 4 * i);
		}
	d.arch.debugreg[7] = dr7;
	if (step)
		d.control |=
		    KVM_GUESTDBG_SINGLESTEP | (gdb->block_irqs ? KVM_GUESTDBG_BLOCKIRQ : 0);
	if (inject)
		d.control |= KVM_GUESTDBG_INJECT_BP;
	if (ioctl(gdb->vm->vcpu_fd, KVM_SET_GUEST_DEBUG, &d) < 0)
		return -errno;
	gdb->running = true;
	vcpu_resume(gdb->vm);
	return 0;
}
