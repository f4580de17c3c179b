/* boot.c: modules, root file system, network, limits and the channel to the launcher. */
/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "agent.h"

#define VIRTIO_CHANNEL "/dev/vport*p1" /* the first number depends on the order of the devices */
#define SERIAL_CHANNEL "/dev/ttyS1"

static void
load_module(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/modules/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST))
		die("module %s: %s", name, strerror(errno));
	close(fd);
}

/* The names begin with a number: they are loaded in the order in which they need each other. */
static void
load_modules(void)
{
	struct dirent **entries;
	int n = scandir("/modules", &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.')
			load_module(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/*
 * Waits until a device node that matches is there (a driver may make it after its module has been
 * loaded); the caller frees the path.
 */
static char *
wait_for_device(const char *pattern)
{
	char events[4096];
	glob_t found;
	int watch = inotify_init1(IN_CLOEXEC);

	inotify_add_watch(watch, "/dev", IN_CREATE);
	while (glob(pattern, 0, NULL, &found) != 0)
		if (read(watch, events, sizeof(events)) < 0 && errno != EINTR)
			die("wait for %s: %s", pattern, strerror(errno));
	close(watch);
	char *path = strdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}

/* Virtio disks, or persistent memory in a machine without virtio. */
static bool
have_virtio(void)
{
	return access("/sys/bus/virtio", F_OK) == 0;
}

const char *
boot_disk(int number)
{
	static char path[16];

	if (have_virtio())
		snprintf(path, sizeof(path), "/dev/vd%c", 'a' + number);
	else
		snprintf(path, sizeof(path), "/dev/pmem%d", number);
	return path;
}

/*
 * Makes the tools image, with a writable layer in memory, the root directory. The initramfs cannot
 * stay: pivot_root(2) and unprivileged user namespaces refuse to work below it.
 */
static void
enter_root(void)
{
	mount_or_die("sysfs", "/sys", "sysfs", 0, NULL);
	char *device = wait_for_device(boot_disk(0));
	mount_or_die("layers", "/run/machine", "tmpfs", 0, "size=90%,mode=700");
	mount_image(device, "root");
	free(device);
	if (have_virtio())
		read_ahead("root");
	mount_overlay("root", "/root.new");
	make_directories("/root.new/dev");
	if (mount("/dev", "/root.new/dev", NULL, MS_MOVE, NULL) != 0 || chdir("/root.new") != 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0)
		die("enter the root file system: %s", strerror(errno));
}

static void
loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &ifr) != 0)
		die("loopback interface: %s", strerror(errno));
	close(s);
}

static void
raise_limits(void)
{
	struct rlimit files = {1 << 20, 1 << 20}, processes = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_NPROC, &processes);
}

void
boot_machine(void)
{
	mount_or_die("dev", "/dev", "devtmpfs", 0, NULL);
	int console = open("/dev/console", O_RDWR | O_NOCTTY);
	for (int fd = 0; fd <= 2 && console >= 0; fd++)
		dup2(console, fd);
	load_modules();
	enter_root();
	mount_system();
	loopback_up();
	raise_limits();
	sethostname("machine", 7);
}

int
boot_channel(void)
{
	struct termios t;
	bool serial = !have_virtio();
	char *path = wait_for_device(serial ? SERIAL_CHANNEL : VIRTIO_CHANNEL);
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	free(path);
	if (serial && tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		cfsetspeed(&t, B115200);
		t.c_cflag = (t.c_cflag | CLOCAL | CREAD) & ~(tcflag_t)CRTSCTS;
		tcsetattr(fd, TCSANOW, &t);
	}
	return fd;
}
