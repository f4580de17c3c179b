/* SPDX-License-Identifier: ISC */
/* panic.c: a clone's kernel panics; the report names the function although nobody has loaded a
 * kernel. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

#define VICTIM "sys_getppid"
#define KERNEL_OFFSET                                                                              \
	0xffffffff80000000ull /* virtual minus physical address, guest/arch/x86_64/kernel.ld */
#define PATH "/tmp/clonetest.panic"

/* Where the function lies in guest memory. */
static uint64_t
find_victim(const char *kernel)
{
	int fd = open(kernel, O_RDONLY | O_CLOEXEC);
	Elf *elf = elf_version(EV_CURRENT) != EV_NONE ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	uint64_t found = 0;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Sym sym;

	while (elf != NULL && (scn = elf_nextscn(elf, scn)) != NULL) {
		Elf_Data *data = NULL;

		if (gelf_getshdr(scn, &shdr) != NULL && shdr.sh_type == SHT_SYMTAB)
			data = elf_getdata(scn, NULL);
		for (int i = 0; data != NULL && gelf_getsym(data, i, &sym) != NULL; i++) {
			const char *name = elf_strptr(elf, shdr.sh_link, sym.st_name);

			if (name != NULL && strcmp(name, VICTIM) == 0)
				found = sym.st_value - KERNEL_OFFSET;
		}
	}
	elf_end(elf);
	close(fd);
	if (found == 0)
		fail("%s: no %s", kernel, VICTIM);
	return found;
}

/* An invalid instruction at the function's beginning, in this sandbox alone. */
static void
break_kernel(const struct box *b, uint64_t gpa)
{
	static const uint8_t ud2[] = {0x0f, 0x0b};
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)sandbox_pid(b->sb));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 ||
	    pwrite(fd, ud2, sizeof(ud2), (off_t)(b->started.area[0].addr + gpa)) != sizeof(ud2))
		fail("%s: %m", path);
	close(fd);
}

static void
expect_report(struct box *b)
{
	struct sandbox_msg m;
	int r;

	while ((r = sandbox_recv(b->sb, &m, &error)) >= 0)
		if (r == 1 && m.type == VMM_MSG_FAILED) {
			memcpy(&error, m.payload, sizeof(error));
			if (strcmp(error.type, "guest-panic") != 0 ||
			    strstr(error.detail, "<" VICTIM "+") == NULL)
				fail("%s: %s", error.type, error.detail);
			return;
		}
	fail("no report: %s", error.detail);
}

/* In a clone of the base template, of a sandbox, and of a template from a file. */
void
test_panic(void)
{
	uint64_t gpa = find_victim(getenv("TINE_KERNEL"));
	struct tine_template *bt = base(), *t, *loaded;
	struct box original, clone;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	t = freeze(&original, false, 0);
	need(template_save(t, PATH, &error), "save");
	need(template_load(PATH, &loaded, &error), "load");
	unlink(PATH);
	spawn(&clone, t, NULL, NULL, NULL);
	serve_until(&clone, &clone.ready, NULL);
	break_kernel(&clone, gpa);
	type(&clone, "parent\n");
	expect_report(&clone);
	sandbox_destroy(clone.sb);
	spawn(&clone, loaded, NULL, NULL, NULL);
	serve_until(&clone, &clone.ready, NULL);
	break_kernel(&clone, gpa);
	type(&clone, "parent\n");
	expect_report(&clone);
	sandbox_destroy(clone.sb);
	type(&original, "parent\n"); /* goes on with a kernel that is whole */
	serve_until(&original, NULL, "parent\n");
	break_kernel(&original, gpa);
	type(&original, "parent\n");
	expect_report(&original);
	sandbox_destroy(original.sb);
	template_release(loaded);
	template_release(t);
	template_release(bt);
}
