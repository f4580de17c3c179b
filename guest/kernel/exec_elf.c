/* SPDX-License-Identifier: ISC */
/*
 * exec_elf.c: map an ELF program, and its interpreter if it names one, into a new address space.
 *
 * Segments are private mappings of the file's object, so that all programs share its page cache;
 * only the page in which file data end and bss begins is copied here, as its tail must be zero.
 */
#include <sys/elf.h>
#include <sys/exec_image.h>
#include <sys/fork.h>
#include <sys/kmem.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

#define PIE_BASE 0x555555554000UL /* where Linux starts, too: far from mmap and stack */
#define PIE_RANDOM_PAGES (1u << 24)
#define BRK_RANDOM_PAGES (1u << 8)

struct elf_file {
	struct vnode *vp;
	struct vm_object *object;
	struct elf_ehdr eh;
	struct elf_phdr *ph; /* eh.e_phnum of them, kmalloc'd */
	struct elf_layout layout;
	const char *wrong; /* what made elf_open() return ENOEXEC, or NULL */
};

/* ---- reading headers ---- */

static int
read_exactly(struct vnode *vp, void *buf, size_t len, uint64_t off)
{
	size_t done;
	int error = vn_read(vp, buf, len, off, &done);

	if (error != 0)
		return error;
	return done == len ? 0 : ENOEXEC;
}

static void
elf_close(struct elf_file *ef)
{
	kfree(ef->ph);
	ef->ph = NULL;
}

/* eh has been filled in. */
static int
elf_open(struct elf_file *ef, struct vnode *vp, uint64_t filesize)
{
	size_t len = ef->eh.e_phnum * sizeof(struct elf_phdr);
	struct elf_layout layout;
	int error;

	ef->vp = vp;
	ef->ph = NULL;
	if ((ef->wrong = elf_check_ehdr(&ef->eh, filesize)) != NULL)
		return ENOEXEC;
	if (vp->v_ops->vop_object == NULL || (ef->object = vp->v_ops->vop_object(vp)) == NULL)
		return EACCES;
	if ((ef->ph = kmalloc(len, 0)) == NULL)
		return ENOMEM;
	if ((error = read_exactly(vp, ef->ph, len, ef->eh.e_phoff)) == 0 &&
	    (ef->wrong = elf_check_phdrs(&ef->eh, ef->ph, filesize, &layout)) != NULL)
		error = ENOEXEC;
	if (error == 0)
		ef->layout = layout;
	else
		elf_close(ef);
	return error;
}

/* ---- mapping ---- */

static int
prot_of(const struct elf_phdr *ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

/* The page at va: the first keep bytes of the file's page, then zeroes. */
static int
map_tail(struct vmspace *vm, struct vm_object *object, uint64_t off, vaddr_t va, size_t keep,
	 int prot)
{
	struct page *pg;
	paddr_t from;
	char *dm;
	int error;

	if ((error = vm_object_page(object, off >> PAGE_SHIFT, false, &from)) != 0)
		return error;
	if ((pg = vm_page_alloc(0)) == NULL) {
		pa_release(from);
		return ENOMEM;
	}
	dm = page_to_dm(pg);
	memcpy(dm, PHYS_TO_DM(from), keep);
	memset(dm + keep, 0, PAGE_SIZE - keep);
	pa_release(from);
	if ((error = pmap_enter(&vm->vm_pmap, va, page_to_pa(pg), prot, 0)) != 0)
		vm_page_release(pg);
	return error;
}

static int
map_range(struct vmspace *vm, const struct elf_file *ef, const struct elf_phdr *ph, vaddr_t start,
	  vaddr_t end, bool file)
{
	struct map_args ma = {.addr = start,
			      .len = end - start,
			      .prot = prot_of(ph),
			      .maxprot = PROT_ALL,
			      .fixed = true};
	vaddr_t at;

	if (start >= end)
		return 0;
	if (file) {
		ma.object = ef->object;
		ma.vnode = ef->vp;
		ma.offset = trunc_page(ph->p_offset);
		ma.rflags = ph->p_flags & PF_X ? R_TEXT : 0;
	}
	return vm_map_enter(vm, &ma, &at);
}

static int
map_segment(struct vmspace *vm, const struct elf_file *ef, const struct elf_phdr *ph, vaddr_t bias)
{
	vaddr_t va = ph->p_vaddr + bias, file_end = va + ph->p_filesz;
	vaddr_t start = trunc_page(va), end = round_page(va + ph->p_memsz);
	vaddr_t bss = ph->p_filesz > 0 ? round_page(file_end) : start;
	int error;

	if ((error = map_range(vm, ef, ph, start, bss, true)) != 0 ||
	    (error = map_range(vm, ef, ph, bss, end, false)) != 0)
		return error;
	if (ph->p_filesz == ph->p_memsz || bss == start || (file_end & PAGE_MASK) == 0 ||
	    !(ph->p_flags & PF_W))
		return 0;
	return map_tail(vm, ef->object, ph->p_offset + ph->p_filesz, trunc_page(file_end),
			file_end & PAGE_MASK, prot_of(ph));
}

static int
map_segments(struct vmspace *vm, const struct elf_file *ef, vaddr_t bias)
{
	const struct elf_phdr *ph = ef->ph;
	int error = 0;

	for (unsigned i = 0; i < ef->eh.e_phnum && error == 0; i++, ph++)
		if (ph->p_type == PT_LOAD && ph->p_memsz > 0)
			error = map_segment(vm, ef, ph, bias);
	return error;
}

/* For /proc/PID/stat: the executable segments and the writable ones. */
static void
note_segments(struct vmspace *vm, const struct elf_file *ef, vaddr_t bias)
{
	const struct elf_phdr *ph = ef->ph;

	for (unsigned i = 0; i < ef->eh.e_phnum; i++, ph++) {
		vaddr_t start = ph->p_vaddr + bias, end = start + ph->p_filesz;

		if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
			continue;
		if (ph->p_flags & PF_X) {
			if (vm->vm_text_start == 0)
				vm->vm_text_start = start;
			vm->vm_text_end = end;
		} else if (ph->p_flags & PF_W) {
			if (vm->vm_data_start == 0)
				vm->vm_data_start = start;
			vm->vm_data_end = end;
		}
	}
}

/* ---- the interpreter ---- */

static int
interp_lookup(struct exec_image *x, const struct elf_file *prog, struct vnode **vpp)
{
	size_t len = prog->layout.interp_len;
	char *path = kmalloc(len, 0);
	struct nameidata nd;
	int error;

	if (path == NULL)
		return ENOMEM;
	error = read_exactly(prog->vp, path, len, prog->layout.interp_off);
	if (error == 0 && strnlen(path, len) != len - 1)
		error = ENOEXEC;
	if (error == 0)
		error = namei(x->td, AT_FDCWD, path, NI_FOLLOW | NI_KERNEL, &nd);
	exec_why(x->args, "its interpreter %s", path); /* until exec_interp() has succeeded */
	kfree(path);
	if (error != 0)
		return error;
	*vpp = vhold(nd.ni_vp);
	namei_done(&nd);
	return 0;
}

/* Top-down among the other mappings, unless it is linked to fixed addresses. */
static int
interp_bias(struct vmspace *vm, const struct elf_file *ef, vaddr_t *bias)
{
	const struct elf_layout *lo = &ef->layout;
	vaddr_t low = lo->low & ~(lo->align - 1), at;

	*bias = 0;
	if (ef->eh.e_type == ET_EXEC)
		return 0;
	at = vm_map_findspace(vm, 0, lo->high - low + lo->align - PAGE_SIZE, false);
	if (at == 0)
		return ENOMEM;
	*bias = roundup(at, lo->align) - low;
	return 0;
}

static int
interp_map(struct exec_image *x, struct vnode *vp)
{
	struct elf_file ef;
	uint64_t size;
	vaddr_t bias;
	int error;

	if ((error = vaccess(vp, X_OK, x->td->td_proc->ps_cred)) != 0 ||
	    (error = vn_size(vp, &size)) != 0)
		return error;
	error = read_exactly(vp, &ef.eh, sizeof(ef.eh), 0);
	if (error == 0)
		error = elf_open(&ef, vp, size);
	if (error != 0)
		return error == ENOEXEC ? ELIBBAD : error;
	if ((error = interp_bias(x->vm, &ef, &bias)) == 0 &&
	    (error = map_segments(x->vm, &ef, bias)) == 0) {
		x->base = bias;
		x->start = ef.eh.e_entry + bias;
	}
	elf_close(&ef);
	return error;
}

static int
exec_interp(struct exec_image *x, const struct elf_file *prog)
{
	struct vnode *vp;
	int error = interp_lookup(x, prog, &vp);

	if (error != 0)
		return error;
	error = S_ISREG(vp->v_type) ? interp_map(x, vp) : EACCES;
	vrele(vp);
	if (error == 0)
		exec_why(x->args, "%s", "");
	return error;
}

/* ---- the program ---- */

static vaddr_t
program_bias(const struct exec_image *x, const struct elf_file *ef)
{
	vaddr_t at = PIE_BASE + exec_random_pages(x, PIE_RANDOM_PAGES);

	if (ef->eh.e_type == ET_EXEC)
		return 0;
	return roundup(at, ef->layout.align) - (ef->layout.low & ~(ef->layout.align - 1));
}

static int
map_program(struct exec_image *x, const struct elf_file *ef)
{
	vaddr_t bias = program_bias(x, ef);
	struct vmspace *vm = x->vm;
	int error;

	/* A bias may be "negative"; high + bias is where the program ends all the same. */
	if (ef->layout.high + bias > vm->vm_mmap_base)
		return ENOMEM;
	if ((error = map_segments(vm, ef, bias)) != 0)
		return error;
	note_segments(vm, ef, bias);
	vm->vm_brk_start = ef->layout.high + bias + exec_random_pages(x, BRK_RANDOM_PAGES);
	vm->vm_brk = vm->vm_brk_start;
	x->entry = x->start = ef->eh.e_entry + bias;
	x->phdr = ef->layout.phdr != 0 ? ef->layout.phdr + bias : 0;
	x->phnum = ef->eh.e_phnum;
	x->exec_stack = ef->layout.exec_stack;
	return 0;
}

int
exec_elf(struct exec_image *x)
{
	struct elf_file ef;
	int error;

	if (x->headlen < sizeof(ef.eh)) {
		exec_why(x->args, "it is too short for an ELF file");
		return ENOEXEC;
	}
	memcpy(&ef.eh, x->head, sizeof(ef.eh));
	if ((error = elf_open(&ef, x->vp, (uint64_t)x->st.st_size)) != 0) {
		if (ef.wrong != NULL)
			exec_why(x->args, "it %s", ef.wrong);
		return error;
	}
	error = map_program(x, &ef);
	if (error == 0 && ef.layout.interp_len != 0)
		error = exec_interp(x, &ef);
	elf_close(&ef);
	if (error == 0 && x->start >= VM_USER_MAX)
		error = ENOEXEC;
	return error;
}
