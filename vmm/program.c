/* SPDX-License-Identifier: ISC */
/* program.c: inspect a program of the host before it goes into a sandbox. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_file.h"
#include "program.h"
#include "vmm.h"

#define SCRIPT_LINE 256u
#define STRINGS_MAX (16u << 20)

/* "#!" with an interpreter: 1 and program filled, 0 if it is no script. */
static int
inspect_script(struct program *program, int fd, const char *path, struct tine_error *error)
{
	char line[SCRIPT_LINE + 1];
	ssize_t n = pread(fd, line, SCRIPT_LINE, 0);
	char *name, *end;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return 0;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	name = line + 2 + strspn(line + 2, " \t");
	end = name + strcspn(name, " \t");
	*end = '\0';
	if (name[0] != '/')
		return tine_error_set(
		    error, ENOEXEC, "bad-script",
		    "%s: \"#!\" is not followed by the absolute path of an interpreter", path);
	program->script = true;
	memcpy(program->interp, name, (size_t)(end + 1 - name)); /* shorter than SCRIPT_LINE */
	return 1;
}

static int
read_interp(struct program *program, const struct elf_file *file, const GElf_Phdr *ph,
	    struct tine_error *error)
{
	int r;

	if (ph->p_filesz < 2 || ph->p_filesz > sizeof(program->interp))
		return tine_error_set(error, ENOEXEC, "bad-elf",
				      "%s: interpreter name of %llu bytes", file->path,
				      (unsigned long long)ph->p_filesz);
	r = elf_file_read(file, ph->p_offset, program->interp, ph->p_filesz, error);
	if (r == 0 && program->interp[ph->p_filesz - 1] != '\0')
		r = tine_error_set(error, ENOEXEC, "bad-elf",
				   "%s: the interpreter's name has no end", file->path);
	return r;
}

/* File offset of the loaded address addr, with the bytes that follow it in its segment. */
static bool
offset_of(const struct elf_file *file, uint64_t addr, uint64_t *off, uint64_t *left)
{
	for (size_t i = 0; i < file->nphdr; i++) {
		const GElf_Phdr *ph = &file->phdr[i];

		if (ph->p_type == PT_LOAD && addr >= ph->p_vaddr &&
		    addr - ph->p_vaddr < ph->p_filesz) {
			*off = ph->p_offset + (addr - ph->p_vaddr);
			*left = ph->p_filesz - (addr - ph->p_vaddr);
			return true;
		}
	}
	return false;
}

static int
read_strings(struct program *program, const struct elf_file *file, uint64_t addr, uint64_t size,
	     struct tine_error *error)
{
	uint64_t off, left;

	if (!offset_of(file, addr, &off, &left) || size == 0 || size > left || size > STRINGS_MAX)
		return tine_error_set(
		    error, ENOEXEC, "bad-elf",
		    "%s: the dynamic string table lies outside the file's segments", file->path);
	program->strings = malloc(size);
	if (program->strings == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	program->strings_size = size;
	return elf_file_read(file, off, program->strings, size, error);
}

/* Keep the offset of a name that lies within the string table and has an end. */
static int
check_name(const struct program *program, const struct elf_file *file, uint64_t off,
	   struct tine_error *error)
{
	if (off >= program->strings_size ||
	    memchr(program->strings + off, '\0', program->strings_size - off) == NULL)
		return tine_error_set(
		    error, ENOEXEC, "bad-elf",
		    "%s: a name of its dynamic section lies outside the string table", file->path);
	return 0;
}

static int
take_names(struct program *program, const struct elf_file *file, const GElf_Dyn *dyn, size_t n,
	   struct tine_error *error)
{
	int r = 0;

	program->needed = calloc(n + 1, sizeof(*program->needed));
	if (program->needed == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (dyn[i].d_tag != DT_NEEDED && dyn[i].d_tag != DT_RPATH &&
		    dyn[i].d_tag != DT_RUNPATH)
			continue;
		r = check_name(program, file, dyn[i].d_un.d_val, error);
		if (dyn[i].d_tag == DT_NEEDED)
			program->needed[program->nneeded++] = dyn[i].d_un.d_val;
		else if (dyn[i].d_tag == DT_RPATH)
			program->rpath = dyn[i].d_un.d_val;
		else
			program->runpath = dyn[i].d_un.d_val;
	}
	return r;
}

static int
read_dynamic(struct program *program, const struct elf_file *file, const GElf_Phdr *ph,
	     struct tine_error *error)
{
	size_t n = ph->p_filesz / sizeof(GElf_Dyn), used = 0;
	uint64_t strtab = 0, strsz = 0;
	GElf_Dyn *dyn;
	int r;

	if (n == 0 || ph->p_filesz > STRINGS_MAX)
		return tine_error_set(error, ENOEXEC, "bad-elf",
				      "%s: dynamic section of %llu bytes", file->path,
				      (unsigned long long)ph->p_filesz);
	dyn = calloc(n, sizeof(*dyn));
	if (dyn == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	r = elf_file_read(file, ph->p_offset, dyn, n * sizeof(*dyn), error);
	for (; r == 0 && used < n && dyn[used].d_tag != DT_NULL; used++) {
		if (dyn[used].d_tag == DT_STRTAB)
			strtab = dyn[used].d_un.d_ptr;
		else if (dyn[used].d_tag == DT_STRSZ)
			strsz = dyn[used].d_un.d_val;
	}
	if (r == 0 && strsz != 0)
		r = read_strings(program, file, strtab, strsz, error);
	if (r == 0 && strsz != 0)
		r = take_names(program, file, dyn, used, error);
	free(dyn);
	return r;
}

static int
inspect_elf(struct program *program, const struct elf_file *file, struct tine_error *error)
{
	int r = elf_file_check_segments(file, error);

	for (size_t i = 0; r == 0 && i < file->nphdr; i++) {
		const GElf_Phdr *ph = &file->phdr[i];

		if (ph->p_type != PT_INTERP && ph->p_type != PT_DYNAMIC)
			continue;
		if (ph->p_offset > file->size || ph->p_filesz > file->size - ph->p_offset)
			return tine_error_set(error, ENOEXEC, "truncated-elf",
					      "%s: segment %zu goes beyond the end of the file",
					      file->path, i);
		r = ph->p_type == PT_INTERP ? read_interp(program, file, ph, error)
					    : read_dynamic(program, file, ph, error);
	}
	return r;
}

int
program_inspect(struct program *program, const char *path, struct tine_error *error)
{
	return program_inspect_open(program, path, -1, error);
}

int
program_inspect_open(struct program *program, const char *path, int fd, struct tine_error *error)
{
	struct elf_file file;
	struct stat st;
	int r;

	memset(program, 0, sizeof(*program));
	program->fd = -1;
	fd =
	    fd < 0 ? program_file_open(path, &st, error) : program_file_check(fd, path, &st, error);
	if (fd < 0)
		return fd;
	r = inspect_script(program, fd, path, error);
	if (r == 0) {
		r = elf_file_begin(&file, path, fd, (uint64_t)st.st_size, error);
		if (r != 0)
			return r;
		r = inspect_elf(program, &file, error);
		file.fd = -1; /* it stays open */
		elf_file_close(&file);
	}
	program->fd = fd;
	if (r < 0)
		program_free(program);
	return r < 0 ? r : 0;
}

void
program_free(struct program *program)
{
	free(program->strings);
	free(program->needed);
	if (program->fd >= 0)
		close(program->fd);
	memset(program, 0, sizeof(*program));
	program->fd = -1;
}

int
program_check(const char *host_path, struct tine_error *error)
{
	struct program program;
	int r = program_inspect(&program, host_path, error);

	if (r == 0)
		program_free(&program);
	return r;
}
