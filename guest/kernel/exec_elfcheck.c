/* SPDX-License-Identifier: ISC */
/* exec_elfcheck.c: are the headers of an ELF file sane?  Every field is hostile. */
#include <sys/elf.h>
#include <machine/pmap.h>

#define ALIGN_MAX (1UL << 30)

/* Is [start, start + len) within [0, end)? */
static bool
range_within(uint64_t start, uint64_t len, uint64_t end)
{
	return start <= end && len <= end - start;
}

const char *
elf_check_ehdr(const struct elf_ehdr *eh, uint64_t filesize)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* LSB */, 1};

	for (unsigned i = 0; i < sizeof(ident); i++)
		if (eh->e_ident[i] != ident[i])
			return i < 4 ? "is neither an ELF file nor a script"
				     : "is not a 64-bit little-endian ELF file";
	if (eh->e_machine != EM_X86_64)
		return "is not for x86-64";
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return "is not an executable";
	if (eh->e_phentsize != sizeof(struct elf_phdr) || eh->e_phnum == 0 ||
	    eh->e_phnum > ELF_PHDR_MAX)
		return "has bad program headers";
	if (!range_within(eh->e_phoff, eh->e_phnum * sizeof(struct elf_phdr), filesize))
		return "ends before its program headers";
	return eh->e_entry < VM_USER_MAX ? NULL : "has a bad entry point";
}

static const char *
check_load(const struct elf_ehdr *eh, const struct elf_phdr *ph, uint64_t filesize,
	   struct elf_layout *lo)
{
	if (ph->p_filesz > ph->p_memsz)
		return "has a segment with more bytes in the file than in memory";
	if (!range_within(ph->p_offset, ph->p_filesz, filesize))
		return "has a segment beyond its end";
	if (!range_within(ph->p_vaddr, ph->p_memsz, VM_USER_MAX) ||
	    (eh->e_type == ET_EXEC && ph->p_vaddr < VM_USER_MIN))
		return "has a segment outside the addresses of programs";
	if (ph->p_filesz > 0 && ((ph->p_vaddr ^ ph->p_offset) & PAGE_MASK) != 0)
		return "has a segment that cannot be mapped by pages";
	if (lo->high != 0 && ph->p_vaddr < lo->end)
		return "has segments that overlap or do not ascend";
	if (lo->high == 0)
		lo->low = trunc_page(ph->p_vaddr);
	lo->end = ph->p_vaddr + ph->p_memsz;
	lo->high = round_page(lo->end);
	if ((ph->p_align & (ph->p_align - 1)) == 0 && ph->p_align <= ALIGN_MAX)
		lo->align = MAX(lo->align, ph->p_align);
	if (eh->e_phoff >= ph->p_offset &&
	    range_within(eh->e_phoff - ph->p_offset, eh->e_phnum * sizeof(*ph), ph->p_filesz))
		lo->phdr = ph->p_vaddr + (eh->e_phoff - ph->p_offset);
	return NULL;
}

static const char *
check_interp(const struct elf_phdr *ph, uint64_t filesize, struct elf_layout *lo)
{
	if (lo->interp_len != 0)
		return NULL; /* the first one counts */
	if (ph->p_filesz < 2 || ph->p_filesz > ELF_INTERP_MAX ||
	    !range_within(ph->p_offset, ph->p_filesz, filesize))
		return "has a bad name of an interpreter";
	lo->interp_off = ph->p_offset;
	lo->interp_len = ph->p_filesz;
	return NULL;
}

const char *
elf_check_phdrs(const struct elf_ehdr *eh, const struct elf_phdr *ph, uint64_t filesize,
		struct elf_layout *lo)
{
	const char *wrong = NULL;

	*lo = (struct elf_layout){.align = PAGE_SIZE};
	for (unsigned i = 0; i < eh->e_phnum && wrong == NULL; i++, ph++) {
		if (ph->p_type == PT_LOAD && ph->p_memsz > 0)
			wrong = check_load(eh, ph, filesize, lo);
		else if (ph->p_type == PT_INTERP)
			wrong = check_interp(ph, filesize, lo);
		else if (ph->p_type == PT_GNU_STACK)
			lo->exec_stack = (ph->p_flags & PF_X) != 0;
	}
	if (wrong != NULL)
		return wrong;
	return lo->high > lo->low ? NULL : "has no segment to load";
}
