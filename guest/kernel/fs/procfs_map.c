/* SPDX-License-Identifier: ISC */
/* procfs_map.c: /proc/PID/maps, smaps, mem: the address space of a process. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pmap.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "procfs.h"

#define NAME_COLUMN 73 /* where names begin in maps */
#define PATH_MAX 4096

/* ---- maps ---- */

static const char *
region_name(const struct region *r, char *buf, size_t size)
{
	if (r->r_vnode != NULL) {
		proc_pathname(r->r_vnode, buf, size);
		return buf;
	}
	if (r->r_object != NULL)
		return "/dev/zero (deleted)"; /* shared anonymous memory */
	if (r->r_flags & R_HEAP)
		return "[heap]";
	return r->r_flags & R_STACK ? "[stack]" : NULL;
}

static void
show_region(struct sbuf *sb, const struct region *r, char *path)
{
	const char *name = region_name(r, path, PATH_MAX);
	size_t start = sb->sb_len, used;
	struct stat st = {0};

	if (r->r_vnode != NULL)
		(void)vn_stat(r->r_vnode, &st);
	sbuf_printf(sb, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", r->r_start, r->r_end,
		    r->r_prot & PROT_READ ? 'r' : '-', r->r_prot & PROT_WRITE ? 'w' : '-',
		    r->r_prot & PROT_EXEC ? 'x' : '-', r->r_flags & R_SHARED ? 's' : 'p',
		    r->r_object != NULL ? r->r_offset : 0, st.st_dev >> 8, st.st_dev & 0xff,
		    st.st_ino);
	used = sb->sb_len - start;
	if (name != NULL)
		sbuf_printf(sb, "%*s%s", used < NAME_COLUMN ? (int)(NAME_COLUMN - used) : 0, "",
			    name);
	sbuf_puts(sb, "\n");
}

/* ---- smaps ---- */

struct pagecount {
	uint64_t rss, shared, dirty;
};

static void
count_page(struct vmspace *vm, const struct region *r, vaddr_t va, struct pagecount *pc)
{
	const struct page *pg;
	paddr_t pa;
	int prot;

	if (!pmap_extract(&vm->vm_pmap, va, &pa, &prot))
		return;
	pg = pa_to_page(pa);
	pc->rss++;
	if (pg == NULL) { /* the host's page cache */
		pc->shared++;
		return;
	}
	/* The object's own reference does not make a file page shared; a private page that cannot
	 * be written although the region can is shared with a fork. */
	if (pg->pg_refs > (r->r_object != NULL ? 2U : 1U) ||
	    (r->r_object == NULL && r->r_prot & PROT_WRITE && !(prot & PROT_WRITE)))
		pc->shared++;
	if (r->r_object == NULL || prot & PROT_WRITE)
		pc->dirty++;
}

/* Empty stretches, which can be huge, are found by halving. */
static void
count_range(struct vmspace *vm, const struct region *r, vaddr_t start, vaddr_t end,
	    struct pagecount *pc)
{
	vaddr_t mid = trunc_page(start + (end - start) / 2);

	if (pmap_resident(&vm->vm_pmap, start, end) == 0)
		return;
	if (end - start > 64 * PAGE_SIZE) {
		count_range(vm, r, start, mid, pc);
		count_range(vm, r, mid, end, pc);
		return;
	}
	for (vaddr_t va = start; va < end; va += PAGE_SIZE)
		count_page(vm, r, va, pc);
}

static void
show_kb(struct sbuf *sb, const char *name, uint64_t pages)
{
	sbuf_printf(sb, "%-15s %8lu kB\n", name, pages * (PAGE_SIZE / 1024));
}

static void
show_pagecount(struct sbuf *sb, const struct region *r, const struct pagecount *pc)
{
	uint64_t priv = pc->rss - pc->shared;
	bool dirty = pc->dirty > 0;

	show_kb(sb, "Size:", atop(r->r_end - r->r_start));
	show_kb(sb, "KernelPageSize:", 1);
	show_kb(sb, "MMUPageSize:", 1);
	show_kb(sb, "Rss:", pc->rss);
	show_kb(sb, "Pss:", priv + pc->shared / 2);
	show_kb(sb, "Shared_Clean:", dirty ? 0 : pc->shared);
	show_kb(sb, "Shared_Dirty:", dirty ? pc->shared : 0);
	show_kb(sb, "Private_Clean:", priv - MIN(priv, pc->dirty));
	show_kb(sb, "Private_Dirty:", MIN(priv, pc->dirty));
	show_kb(sb, "Referenced:", pc->rss);
	show_kb(sb, "Anonymous:", r->r_object == NULL ? pc->rss : 0);
	show_kb(sb, "LazyFree:", 0);
	show_kb(sb, "AnonHugePages:", 0);
	show_kb(sb, "Swap:", 0);
	show_kb(sb, "SwapPss:", 0);
	show_kb(sb, "Locked:", r->r_flags & R_LOCKED ? pc->rss : 0);
	sbuf_printf(sb, "VmFlags: %s%s%s%smr mw me %s%s\n", r->r_prot & PROT_READ ? "rd " : "",
		    r->r_prot & PROT_WRITE ? "wr " : "", r->r_prot & PROT_EXEC ? "ex " : "",
		    r->r_flags & R_SHARED ? "sh " : "", r->r_flags & R_STACK ? "gd " : "",
		    r->r_flags & R_LOCKED ? "lo " : "");
}

static void
show_smap(struct sbuf *sb, struct vmspace *vm, const struct region *r)
{
	struct pagecount pc = {0};

	count_range(vm, r, r->r_start, r->r_end, &pc);
	show_pagecount(sb, r, &pc);
}

static int
show_map(struct sbuf *sb, struct vnode *vp, bool smaps)
{
	struct process *p;
	struct vmspace *vm;
	char *path;
	int error = proc_find(vp, &p, NULL);

	if (error != 0)
		return error;
	if ((vm = p->ps_vmspace) == NULL)
		return 0;
	if ((path = kmalloc(PATH_MAX, 0)) == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < vm->vm_map->m_count && sb->sb_error == 0; i++) {
		const struct region *r = &vm->vm_map->m_region[i];

		show_region(sb, r, path);
		if (smaps)
			show_smap(sb, vm, r);
	}
	kfree(path);
	return 0;
}

int
proc_showmaps(struct sbuf *sb, struct vnode *vp)
{
	return show_map(sb, vp, false);
}

int
proc_showsmaps(struct sbuf *sb, struct vnode *vp)
{
	return show_map(sb, vp, true);
}

/* ---- mem ---- */

/* The file position is an address.  Writes go through write protection, as a debugger's do. */
static int
mem_rw(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	size_t total = uio->uio_resid;
	uint8_t buf[512];
	struct process *p;
	int error = 0;

	if (proc_find(fp->f_vnode, &p, NULL) != 0 || p->ps_vmspace == NULL)
		return 0;
	while (uio->uio_resid > 0 && error == 0) {
		vaddr_t va = (vaddr_t)uio->uio_offset;
		size_t n = MIN(uio->uio_resid, sizeof(buf) - (va & (sizeof(buf) - 1)));

		if (va >= VM_USER_MAX)
			error = EIO;
		else if (uio->uio_write && (error = uiomove(buf, n, uio)) == 0) {
			error = vmspace_rw(p->ps_vmspace, va, buf, n, true, true) != 0 ? EIO : 0;
			if (error != 0)
				uio->uio_resid += n; /* not written */
		} else if (!uio->uio_write) {
			error = vmspace_rw(p->ps_vmspace, va, buf, n, false, true) != 0 ? EIO : 0;
			if (error == 0)
				error = uiomove(buf, n, uio);
		}
	}
	return uio->uio_resid != total ? 0 : error;
}

static int
mem_stat(struct file *fp, struct stat *st)
{
	return vn_stat(fp->f_vnode, st);
}

static int
mem_seek(struct file *fp, off_t off, int whence, off_t *newoff)
{
	if (whence != 0 && whence != 1)
		return EINVAL;
	*newoff = (off_t)((uint64_t)(whence == 1 ? fp->f_offset : 0) + (uint64_t)off);
	return 0;
}

static const struct fileops mem_fileops = {
    .fo_read = mem_rw,
    .fo_write = mem_rw,
    .fo_stat = mem_stat,
    .fo_seek = mem_seek,
    .fo_name = "mem",
};

static int
mem_open(struct vnode *vp, struct file *fp, int flags __unused, struct thread *td)
{
	if (!proc_mayaccess(td, PTONODE(vp)->pn_proc))
		return EACCES;
	fp->f_ops = &mem_fileops;
	return 0;
}

const struct vnodeops proc_memops = {
    .vop_getattr = proc_getattr,
    .vop_setattr = proc_setattr,
    .vop_open = mem_open,
    .vop_parent = proc_parent,
    .vop_inactive = proc_inactive,
};
