/* SPDX-License-Identifier: ISC */
/* symbols.c: symbol table of the guest kernel, for panic reports and exit reports. */
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"
#include "symbols.h"

static int
by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static Elf_Data *
find_symtab(Elf *elf, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;

	while (elf != NULL && (scn = elf_nextscn(elf, scn)) != NULL)
		if (gelf_getshdr(scn, shdr) != NULL && shdr->sh_type == SHT_SYMTAB)
			return elf_getdata(scn, NULL);
	return NULL;
}

static bool
wanted(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_NOTYPE) && sym->st_shndx != SHN_UNDEF &&
	       sym->st_shndx != SHN_ABS;
}

static void
append(struct symbols *symbols, const GElf_Shdr *shdr, const GElf_Sym *sym)
{
	const char *name = elf_strptr(symbols->elf, shdr->sh_link, sym->st_name);

	if (name == NULL || name[0] == '\0')
		return;
	symbols->sym[symbols->n++] =
	    (struct symbol){.addr = sym->st_value, .size = sym->st_size, .name = name};
}

/* Into memory, because libelf's ways to read a file are not all allowed in the jail.  It stays
 * there for the names. */
static Elf *
open_file(const struct symbols *symbols)
{
	char *image = symbols->fd >= 0 ? malloc(symbols->size) : NULL;
	Elf *elf = NULL;

	if (image != NULL &&
	    pread(symbols->fd, image, symbols->size, 0) == (ssize_t)symbols->size &&
	    crc32c(0, image, symbols->size) == symbols->crc && elf_version(EV_CURRENT) != EV_NONE)
		elf = elf_memory(image, symbols->size);
	if (elf == NULL)
		free(image);
	return elf;
}

static void
load(struct symbols *symbols)
{
	GElf_Shdr shdr;
	GElf_Sym sym;
	Elf_Data *data;
	size_t count;

	symbols->loaded = true;
	if (symbols->elf == NULL)
		symbols->elf = open_file(symbols);
	data = find_symtab(symbols->elf, &shdr);
	if (data == NULL || shdr.sh_entsize == 0)
		return;
	count = data->d_size / shdr.sh_entsize;
	symbols->sym = calloc(count + 1, sizeof(*symbols->sym));
	if (symbols->sym == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		if (gelf_getsym(data, (int)i, &sym) != NULL && wanted(&sym))
			append(symbols, &shdr, &sym);
	if (symbols->n > 1)
		qsort(symbols->sym, symbols->n, sizeof(*symbols->sym), by_addr);
}

void
symbols_init(struct symbols *symbols, Elf *elf)
{
	memset(symbols, 0, sizeof(*symbols));
	pthread_mutex_init(&symbols->lock, NULL);
	symbols->elf = elf;
	symbols->fd = -1;
}

void
symbols_init_file(struct symbols *symbols, int fd, uint64_t size, uint32_t crc)
{
	symbols_init(symbols, NULL);
	symbols->fd = fd;
	symbols->size = size;
	symbols->crc = crc;
}

void
symbols_free(struct symbols *symbols)
{
	free(symbols->sym);
	symbols->sym = NULL;
	symbols->n = 0;
	pthread_mutex_destroy(&symbols->lock);
}

/* The last symbol at or below addr, NULL if none or if addr lies beyond its known end. */
static const struct symbol *
lookup(const struct symbols *symbols, uint64_t addr)
{
	const struct symbol *s;
	size_t lo = 0, hi = symbols->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (symbols->sym[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	s = &symbols->sym[lo - 1];
	/* A return address may be one past the end of a function whose last call never returns. */
	return s->size != 0 && addr - s->addr > s->size ? NULL : s;
}

const char *
symbols_format(struct symbols *symbols, uint64_t addr, char *buf, size_t size)
{
	const struct symbol *s;

	pthread_mutex_lock(&symbols->lock);
	if (!symbols->loaded)
		load(symbols);
	s = lookup(symbols, addr);
	if (s == NULL)
		snprintf(buf, size, "%#llx", (unsigned long long)addr);
	else
		snprintf(buf, size, "%#llx <%s+%#llx>", (unsigned long long)addr, s->name,
			 (unsigned long long)(addr - s->addr));
	pthread_mutex_unlock(&symbols->lock);
	return buf;
}
