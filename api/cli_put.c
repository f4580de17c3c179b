/* SPDX-License-Identifier: ISC */
/* cli_put.c: tine put. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_simple.h"

static int
put_mapped(struct client *client, char *path, const void *data, size_t len)
{
	json_t *doc = NULL;
	int status = 0;
	int rc =
	    client_try(client, "PUT", path, "application/octet-stream", data, len, &status, &doc);

	if (rc == CMD_OK && status != 204) {
		client_problem(client, status, doc);
		rc = CMD_FAILURE;
	}
	json_decref(doc);
	return rc;
}

int
run_put(struct client *client, int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC), rc;
	char *guest = path_escape(argv[2]), *base, *path;
	void *data = MAP_FAILED;
	struct stat st = {0};

	(void)argc;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd < 0 || !S_ISREG(st.st_mode) || (st.st_size > 0 && data == MAP_FAILED)) {
		client_error(client, "%s: %s", argv[1],
			     fd < 0 || S_ISREG(st.st_mode) ? strerror(errno)
							   : "not a regular file");
		rc = CMD_FAILURE;
	} else {
		base = sandbox_path(argv[0], "files", NULL, NULL);
		path = path_printf("%s?path=%s&mode=%o", base, guest, st.st_mode & 07777u);
		rc = put_mapped(client, path, st.st_size > 0 ? data : "", (size_t)st.st_size);
		free(path);
		free(base);
	}
	if (data != MAP_FAILED)
		munmap(data, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	free(guest);
	return rc;
}
