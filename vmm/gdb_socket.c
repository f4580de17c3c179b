/* SPDX-License-Identifier: ISC */
/* gdb_socket.c: where the debugger's stub listens: a Unix socket or a loopback port. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gdb.h"
#include "vmm.h"

#define UNIX_PREFIX "unix:"

/* Port of "PORT" or "127.0.0.1:PORT", 0 if it is neither. */
static uint16_t
parse_port(const char *s)
{
	static const char *const hosts[] = {"127.0.0.1:", "localhost:", ":"};
	unsigned long port;
	char *end;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strncmp(s, hosts[i], strlen(hosts[i])) == 0) {
			s += strlen(hosts[i]);
			break;
		}
	if (*s < '0' || *s > '9')
		return 0;
	port = strtoul(s, &end, 10);
	return *end == '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static int
parse_unix(const char *address, struct sockaddr_un *sun)
{
	const char *path = address + strlen(UNIX_PREFIX);

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0 || path[0] == '\0' ||
	    strlen(path) >= sizeof(sun->sun_path))
		return -EINVAL;
	memcpy(sun->sun_path, path, strlen(path));
	return 0;
}

int
gdb_address_check(const char *address, struct tine_error *error)
{
	struct sockaddr_un sun;

	if (parse_unix(address, &sun) == 0 || parse_port(address) != 0)
		return 0;
	return tine_error_set(error, EINVAL, "bad-gdb-address",
			      "\"%s\" is neither unix:PATH nor a port of 127.0.0.1", address);
}

static int
listen_on(int family, const struct sockaddr *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address, len) < 0 || listen(fd, 1) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int
listen_unix(const struct sockaddr_un *sun)
{
	struct stat st;
	mode_t mask;
	int fd;

	if (lstat(sun->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(sun->sun_path); /* of an earlier run */
	mask = umask(077);
	fd = listen_on(AF_UNIX, (const void *)sun, sizeof(*sun));
	umask(mask);
	return fd;
}

int
gdb_listen(const char *address, struct tine_error *error)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_un sun;
	int fd;

	if (parse_unix(address, &sun) == 0) {
		fd = listen_unix(&sun);
	} else {
		in.sin_port = htons(parse_port(address));
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = listen_on(AF_INET, (const void *)&in, sizeof(in));
	}
	return fd >= 0 ? fd
		       : tine_error_set(error, -fd, "gdb-listen", "cannot listen at %s: %s",
					address, strerror(-fd));
}
