/* SPDX-License-Identifier: ISC */
/* listen.c: listening sockets, peer credentials, bearer tokens. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define TOKEN_MIN 16
#define TOKEN_MAX 4096

void
listen_default_path(char *path, size_t size)
{
	const char *path_given = getenv("TINE_SOCKET"), *dir = getenv("XDG_RUNTIME_DIR");

	if (path_given != NULL && path_given[0] != '\0')
		snprintf(path, size, "%s", path_given);
	else if (dir != NULL && dir[0] == '/')
		snprintf(path, size, "%s/tine.sock", dir);
	else
		snprintf(path, size, "/run/tine.sock");
}

/* ---- Unix ---------------------------------------------------------------------------------- */

static int
fill_address(const char *path, struct sockaddr_un *sun, struct tine_error *error)
{
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] == '\0' || strlen(path) >= sizeof(sun->sun_path))
		return tine_error_set(error, ENAMETOOLONG, "bad-socket",
				      "%s: a socket path has 1 to %zu bytes", path,
				      sizeof(sun->sun_path) - 1);
	memcpy(sun->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Somebody answers: busy.  Nobody does: the leftover of a daemon that was killed; remove it. */
static int
clear_stale(const struct sockaddr_un *sun, struct tine_error *error)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return tine_error_set(error, EEXIST, "bad-socket", "%s: exists and is not a socket",
				      sun->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return tine_error_set(error, errno, "bad-socket", "socket: %m");
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ? 0 : errno;
	close(fd);
	if (rc == 0 || rc == EAGAIN)
		return tine_error_set(error, EADDRINUSE, "socket-in-use",
				      "%s: a daemon is listening there already", sun->sun_path);
	if (rc != ECONNREFUSED)
		return tine_error_set(error, rc, "bad-socket", "%s: %s", sun->sun_path,
				      strerror(rc));
	return unlink(sun->sun_path) == 0 || errno == ENOENT
		   ? 0
		   : tine_error_set(error, errno, "bad-socket", "cannot remove stale socket %s: %m",
				    sun->sun_path);
}

static int
bind_unix(const struct sockaddr_un *sun, struct listener *out, struct tine_error *error)
{
	mode_t mask = umask(0177);
	int rc = bind(out->fd, (const struct sockaddr *)sun, sizeof(*sun));
	int saved = errno;
	struct stat st;

	umask(mask);
	errno = saved;
	if (rc < 0)
		return tine_error_set(error, errno, "bad-socket", "cannot make socket %s: %m",
				      sun->sun_path);
	if (listen(out->fd, BACKLOG) < 0 || lstat(sun->sun_path, &st) < 0)
		return tine_error_set(error, errno, "bad-socket", "%s: %m", sun->sun_path);
	memcpy(out->path, sun->sun_path, sizeof(out->path));
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}

/* Two daemons that start at once must not both take a stale socket over: the directory is locked
 * between the look and the bind, which leaves no lock file behind. */
static int
lock_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	fd = open(dir[0] != '\0' ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

int
listen_unix(const char *path, struct listener *out, struct tine_error *error)
{
	struct sockaddr_un sun;
	int lock, rc;

	*out = (struct listener){.fd = -1};
	rc = fill_address(path, &sun, error);
	if (rc < 0)
		return rc;
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (out->fd < 0)
		return tine_error_set(error, errno, "bad-socket", "socket: %m");
	lock = lock_directory(path);
	rc = clear_stale(&sun, error);
	if (rc == 0)
		rc = bind_unix(&sun, out, error);
	if (lock >= 0)
		close(lock);
	if (rc < 0)
		listen_close(out);
	return rc;
}

void
listen_close(struct listener *listener)
{
	struct stat st;

	/* Another daemon may have put its own socket there since.  Ours is closed only afterwards:
	 * until then its inode number cannot be used again. */
	if (listener->path[0] != '\0' && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->path);
	listener->path[0] = '\0';
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
}

bool
peer_allowed(int fd, uid_t uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == uid || cred.uid == 0;
}

/* ---- TCP ----------------------------------------------------------------------------------- */

bool
split_host_port(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');

	if (colon == NULL || colon[1] == '\0')
		return false;
	*colon = '\0';
	*port = colon + 1;
	*host = text;
	if (text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = text + 1;
	} else if (strchr(text, ':') != NULL) {
		return false; /* an IPv6 address needs its brackets */
	}
	return **host != '\0';
}

static int
bind_tcp(const struct addrinfo *ai)
{
	int one = 1, error;
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int
listen_tcp(const char *where, struct listener *out, struct tine_error *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *ai;
	char *text, *host, *port;
	int rc;

	*out = (struct listener){.fd = -1, .tcp = true};
	text = strdup(where);
	if (text == NULL || !split_host_port(text, &host, &port)) {
		free(text);
		return tine_error_set(error, EINVAL, "bad-address",
				      "%s: HOST:PORT or [ADDRESS]:PORT expected", where);
	}
	rc = getaddrinfo(host, port, &hints, &ai);
	free(text);
	if (rc != 0)
		return tine_error_set(error, EINVAL, "bad-address", "%s: %s", where,
				      gai_strerror(rc));
	out->fd = bind_tcp(ai);
	freeaddrinfo(ai);
	if (out->fd < 0)
		return tine_error_set(error, -out->fd, "bad-address", "cannot listen on %s: %s",
				      where, strerror(-out->fd));
	return 0;
}

/* ---- tokens -------------------------------------------------------------------------------- */

static int
token_check(const char *file, int fd, char *text, ssize_t len, struct tine_error *error)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || len < 0)
		return tine_error_set(error, errno, "bad-token", "%s: %m", file);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		return tine_error_set(
		    error, EPERM, "bad-token",
		    "%s: has to be a file that only its owner can read (mode 0600)", file);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	text[len] = '\0';
	if (len < TOKEN_MIN || strlen(text) != (size_t)len || strpbrk(text, " \t\n") != NULL)
		return tine_error_set(
		    error, EINVAL, "bad-token",
		    "%s: one line of at least %d characters without blanks expected", file,
		    TOKEN_MIN);
	return 0;
}

int
token_load(const char *file, char **token, struct tine_error *error)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;
	char *text;

	if (fd < 0)
		return tine_error_set(error, errno, "bad-token", "%s: %m", file);
	text = calloc(1, TOKEN_MAX + 1);
	if (text == NULL) {
		close(fd);
		return tine_error_set(error, ENOMEM, "bad-token", "no memory");
	}
	rc = token_check(file, fd, text, read(fd, text, TOKEN_MAX), error);
	close(fd);
	if (rc < 0)
		free(text);
	else
		*token = text;
	return rc;
}

bool
token_matches(const char *token, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	size_t want = strlen(token), len, i;
	volatile unsigned char diff = 0;
	const char *given;

	if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return false;
	given = authorization + sizeof(scheme) - 1;
	len = strlen(given);
	/* Every byte of the given string is looked at, whatever the earlier ones were. */
	for (i = 0; i < len; i++)
		diff |= (unsigned char)(given[i] ^ token[i < want ? i : 0]);
	return diff == 0 && len == want;
}
