/* SPDX-License-Identifier: ISC */
/* image_test.c: root images from directories and archives, checked by erofs-utils where installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness.h"
#include "erofs_format.h"
#include "image.h"

static char work[64];

static void
sh(const char *fmt, ...)
{
	char cmd[1024], line[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "cd %s && { %s; } >sh.log 2>&1", work, cmd);
	if (system(line) != 0) {
		print_error("failed: %s\n", cmd);
		snprintf(line, sizeof(line), "cat %s/sh.log >&2", work);
		if (system(line) != 0)
			abort();
		fail();
	}
}

static bool
have(const char *tool)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "command -v %s >/dev/null", tool);
	return system(cmd) == 0;
}

static int
setup(void **state)
{
	(void)state;
	strcpy(work, "/tmp/tine-image-XXXXXX");
	return mkdtemp(work) == NULL;
}

static int
teardown(void **state)
{
	char cmd[256];

	(void)state;
	snprintf(cmd, sizeof(cmd), "chmod -R u+rwx %s; rm -rf %s", work, work);
	return system(cmd);
}

static const char *
in_work(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	return path;
}

/* Put the image into a file. */
static void
save(const struct image *image, const char *name)
{
	static char buf[1 << 16];
	int fd = open(in_work(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	off_t off = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = pread(image->fd, buf, sizeof(buf), off)) > 0) {
		assert_int_equal(write(fd, buf, (size_t)n), n);
		off += n;
	}
	assert_int_equal(off, image->size);
	close(fd);
}

static void
open_good(struct image *image, const char *rootfs, const struct rootfs_file *files, size_t n)
{
	struct tine_error error;
	int r = image_open(image, rootfs, files, n, &error);

	if (r != 0)
		print_error("%s: %s\n", error.type, error.detail);
	assert_int_equal(r, 0);
	assert_int_equal(image->size % 4096, 0);
}

static void
expect(const char *rootfs, const struct rootfs_file *files, size_t n, const char *type)
{
	struct tine_error error = {.type = "none"};
	struct image image;

	assert_true(image_open(&image, rootfs, files, n, &error) < 0);
	if (strcmp(error.type, type) != 0)
		print_error("%s: %s\n", error.type, error.detail);
	assert_string_equal(error.type, type);
}

/* fsck.erofs checks the structure and unpacks; diff compares with the source. */
static void
check_against(const struct image *image, const char *source)
{
	save(image, "image");
	if (!have("fsck.erofs"))
		return;
	sh("rm -rf out && fsck.erofs --extract=out image");
	if (geteuid() == 0)
		sh("diff -r --no-dereference -x fifo %s out", source);
	/* fsck.erofs 1.5 copies a file with several names, and loses the set-id bits: no %n, no
	 * file "hello" here. */
	sh("L() { find . ! -type s -printf '%%P %%y %%m %%l %%TY%%Tm%%Td%%TH%%TM\\n' | "
	   "grep -v '^hello\\|^dir/hard' | sort; }; (cd %s && L) >a; (cd out && L) >b; diff a b",
	   source);
	if (have("dump.erofs"))
		sh("dump.erofs --path=/hello image | grep NID >d && grep 'Links: 2' d && "
		   "dump.erofs --path=/dir/hard image | grep NID >e && cmp d e");
}

static void
make_tree(void)
{
	sh("mkdir -p src/dir/sub src/empty src/many && cd src && echo hello >hello && : >zero && "
	   "ln -s ../hello dir/link && ln hello dir/hard && chmod 4755 hello && mkfifo fifo && "
	   "head -c 4096 /dev/zero >page && head -c 4097 /dev/urandom >page1 && "
	   "head -c 300000 /dev/urandom >large && truncate -s 5M holes && echo end >>holes && "
	   "touch -d '2001-02-03 04:05:06' dir/sub && chmod 1777 empty && "
	   "for i in $(seq 700); do echo $i >many/file-with-a-rather-long-name-$i; done && "
	   "touch \"$(printf 'n\\303\\244me')\" && touch -d '1999-01-01' dir");
}

static void
test_directory(void **state)
{
	struct image image;

	(void)state;
	make_tree();
	open_good(&image, in_work("src"), NULL, 0);
	check_against(&image, "src");
	/* holes stay holes */
	{
		struct stat st;

		fstat(image.fd, &st);
		assert_true(st.st_blocks * 512 < 6 << 20);
	}
	image_close(&image);
}

static void
test_archives(void **state)
{
	static const char *const make[] = {
	    "tar -C src -cf arc .",
	    "tar -C src --format=pax -cf arc .",
	    "tar -C src -czf arc .",
	    "tar -C src --format=ustar -cf arc $(ls src)",
	    "cd src && find . | cpio -o -H newc --quiet -F ../arc",
	    "cd src && find . | cpio -o -H newc --quiet -F ../arc && xz -f ../arc && "
	    "mv ../arc.xz ../arc",
	};

	(void)state;
	make_tree();
	for (size_t i = 0; i < sizeof(make) / sizeof(make[0]); i++) {
		struct image image;

		if (strstr(make[i], "cpio") != NULL && !have("cpio"))
			continue;
		sh("%s", make[i]);
		open_good(&image, in_work("arc"), NULL, 0);
		if (strstr(make[i], "ustar") == NULL) /* has no entry for the root itself */
			check_against(&image, "src");
		else
			save(&image, "image");
		image_close(&image);
	}
}

static void
test_minimal(void **state)
{
	struct rootfs_file files[] = {
	    {"/etc/passwd", "/etc/deep/er/passwd", 0600, 0},
	    {"/bin/sh", "/bin/sh", 0, 0},
	    {"/dev/null", NULL, 0, 0},
	};
	struct image image;

	(void)state;
	sh(": >empty");
	files[2] = (struct rootfs_file){in_work("empty"), "/etc/group", 0640, 0};
	open_good(&image, NULL, files, 3);
	save(&image, "image");
	if (have("fsck.erofs")) {
		sh("fsck.erofs --extract=out image");
		sh("cmp out/etc/deep/er/passwd /etc/passwd && cmp out/bin/sh /bin/sh");
		sh("test \"$(stat -c %%a out/etc/deep/er/passwd)\" = 600");
		sh("test ! -s out/etc/group && test \"$(stat -c %%a out/etc/group)\" = 640");
		sh("test \"$(stat -c %%a out/tmp)\" = 1777 && grep -q ^root: out/etc/passwd");
	}
	image_close(&image);
}

/* The metadata of a small root lies where the superblock is. */
static void
test_small(void **state)
{
	struct rootfs_file file = {.guest_path = "/bin/file"};
	struct image image;

	(void)state;
	sh("head -c 4097 /dev/urandom >file");
	file.host_path = in_work("file");
	open_good(&image, NULL, &file, 1);
	assert_int_equal(image.size, 3 * 4096);
	save(&image, "image");
	if (have("fsck.erofs"))
		sh("fsck.erofs --extract=out image && cmp out/bin/file file");
	image_close(&image);
}

static void
test_added_through_links(void **state)
{
	struct rootfs_file file = {"/etc/passwd", "/lib64/ld.so", 0, 0};
	struct image image;

	(void)state;
	sh("mkdir -p src/usr/lib64 && ln -s usr/lib64 src/lib64 && ln -s loop src/loop && "
	   "ln -s ../../../../usr src/up && : >src/file");
	open_good(&image, in_work("src"), &file, 1);
	save(&image, "image");
	if (have("fsck.erofs")) {
		sh("fsck.erofs --extract=out image && test -L out/lib64 && "
		   "cmp out/usr/lib64/ld.so /etc/passwd");
	}
	image_close(&image);
	file.guest_path = "/up/x"; /* a link that leads above the root stays inside */
	open_good(&image, in_work("src"), &file, 1);
	image_close(&image);
	file.guest_path = "/loop/x";
	expect(in_work("src"), &file, 1, "rootfs-path");
	file.guest_path = "/file/x";
	expect(in_work("src"), &file, 1, "rootfs-path");
	file.guest_path = "/usr";
	expect(in_work("src"), &file, 1, "rootfs-path");
	file.guest_path = "/a/..";
	expect(in_work("src"), &file, 1, "rootfs-path");
}

static void
test_refusals(void **state)
{
	(void)state;
	expect("/nowhere", NULL, 0, "rootfs-not-found");
	expect("/dev/null", NULL, 0, "rootfs-unreadable");
	sh("head -c 100000 /dev/urandom >noise && : >empty");
	expect(in_work("noise"), NULL, 0, "rootfs-archive");
	expect(in_work("empty"), NULL, 0, "rootfs-archive");
	make_tree();
	sh("tar -C src -cf whole . && head -c 200000 whole >cut");
	expect(in_work("cut"), NULL, 0, "rootfs-archive");
}

static void
test_hostile_archive(void **state)
{
	struct image image;

	(void)state;
	/* Names that lead out of the root, twice the same name, a link to a missing file. */
	sh("python3 -c \"\n"
	   "import tarfile, io\n"
	   "t = tarfile.open('bad', 'w')\n"
	   "def f(n, d=b'x', **k):\n"
	   "    i = tarfile.TarInfo(n); i.size = len(d)\n"
	   "    for a, v in k.items(): setattr(i, a, v)\n"
	   "    t.addfile(i, io.BytesIO(d))\n"
	   "f('../../../up'); f('/abs'); f('a/../b'); f('twice', b'1'); f('twice', b'22')\n"
	   "f('l', b'', type=tarfile.SYMTYPE, linkname='/etc'); f('l/inside', b'y')\n"
	   "t.close()\n"
	   "t = tarfile.open('bad2', 'w'); f('h', b'', type=tarfile.LNKTYPE, linkname='none'); "
	   "t.close()\n"
	   "t = tarfile.open('bad3', 'w'); f('d/x'); f('d'); t.close()\n"
	   "\"");
	open_good(&image, in_work("bad"), NULL, 0);
	save(&image, "image");
	if (have("fsck.erofs"))
		sh("fsck.erofs --extract=out image && test -f out/up && test -f out/abs && "
		   "test -f out/b && test \"$(cat out/twice)\" = 22 && test -f out/etc/inside");
	image_close(&image);
	expect(in_work("bad2"), NULL, 0, "rootfs-archive");
	expect(in_work("bad3"), NULL, 0, "rootfs-path");
}

static void
test_passthrough(void **state)
{
	struct rootfs_file file = {"/etc/passwd", "/x", 0, 0};
	struct erofs_super sb;
	struct image image;
	int fd;

	(void)state;
	make_tree();
	open_good(&image, in_work("src"), NULL, 0);
	save(&image, "image");
	image_close(&image);
	open_good(&image, in_work("image"), NULL, 0);
	image_close(&image);
	expect(in_work("image"), &file, 1, "rootfs-erofs");
	fd = open(in_work("image"), O_RDWR);
	assert_int_equal(pread(fd, &sb, sizeof(sb), 1024), sizeof(sb));
	sb.feature_incompat = 1;
	assert_int_equal(pwrite(fd, &sb, sizeof(sb), 1024), sizeof(sb));
	expect(in_work("image"), NULL, 0, "rootfs-erofs");
	sb.feature_incompat = 0;
	sb.blocks += 1;
	assert_int_equal(pwrite(fd, &sb, sizeof(sb), 1024), sizeof(sb));
	expect(in_work("image"), NULL, 0, "rootfs-erofs");
	close(fd);
}

static void
test_devices_and_owners(void **state)
{
	struct image image;

	(void)state;
	sh("python3 -c \"\n"
	   "import tarfile, io\n"
	   "t = tarfile.open('dev', 'w')\n"
	   "def f(n, d=b'', **k):\n"
	   "    i = tarfile.TarInfo(n); i.size = len(d)\n"
	   "    for a, v in k.items(): setattr(i, a, v)\n"
	   "    t.addfile(i, io.BytesIO(d))\n"
	   "f('null', type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)\n"
	   "f('big', type=tarfile.BLKTYPE, devmajor=259, devminor=70000, mode=0o600)\n"
	   "f('owned', b'x', uid=70000, gid=80000, mode=0o640)\n"
	   "t.close()\"");
	open_good(&image, in_work("dev"), NULL, 0);
	save(&image, "image");
	if (have("fsck.erofs") && geteuid() == 0)
		sh("fsck.erofs --extract=out --preserve image && "
		   "test \"$(stat -c '%%t %%T' out/null)\" = '1 3' && "
		   "test \"$(stat -c '%%t %%T' out/big)\" = '103 11170' && "
		   "test \"$(stat -c '%%u %%g %%a' out/owned)\" = '70000 80000 640'");
	image_close(&image);
}

/* Files of /proc cannot be sent from file to file; some file systems' neither. */
static void
test_copy_by_reading(void **state)
{
	struct tree_node node = {.size = 64};
	int to = memfd_create("image", MFD_CLOEXEC), from = open("/proc/self/limits", O_RDONLY);
	struct tine_error error;
	struct erofs_writer w;
	char text[65] = "";

	(void)state;
	assert_true(to >= 0 && from >= 0);
	erofs_begin(&w, to);
	assert_int_equal(erofs_reserve(&w, &node, node.size, &error), 0);
	assert_int_equal(erofs_copy(&w, &node, 0, from), 64);
	assert_int_equal(pread(to, text, 64, (off_t)node.block * 4096), 64);
	assert_memory_equal(text, "Limit ", 6);
	assert_int_equal(erofs_copy(&w, &node, 60, from), 4);
	close(from);
	close(to);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_copy_by_reading), T(test_directory),           T(test_archives),
	    T(test_minimal),         T(test_added_through_links), T(test_refusals),
	    T(test_hostile_archive), T(test_passthrough),         T(test_devices_and_owners),
	    T(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
