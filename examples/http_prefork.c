/* SPDX-License-Identifier: ISC */
/*
 * http_prefork.c: an HTTP handler with processes that have been forked before there is a request.
 *
 * A sandbox has no way to the network but the host's hands: examples/host/http_bridge.c brings
 * requests on standard input and takes answers from standard output, each as a line "NUMBER LENGTH"
 * and so many bytes.  As with accept() in the servers of old, whichever worker is free takes the
 * next request; a lock sees to it that it takes a whole one.  A worker that dies over a request is
 * replaced, and the parent answers for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 4
#define REQUEST_MAX 8192
#define LOCK "/tmp/http_prefork.lock"

struct slot {
	volatile unsigned long request; /* it works on, 0: none */
};
static struct slot *slots; /* shared by all */

/* A lock of its own file description: the kernel lets go when its holder dies. */
static int
open_lock(const char *name)
{
	FILE *f = fopen(name, "w");

	if (f == NULL) {
		perror(name);
		_exit(1);
	}
	return fileno(f);
}

static void
send_answer(int lock, unsigned long number, const char *text, size_t len)
{
	flock(lock, LOCK_EX);
	printf("%lu %zu\n", number, len);
	fwrite(text, 1, len, stdout);
	fflush(stdout);
	flock(lock, LOCK_UN);
}

static void
send_page(int lock, unsigned long number, const char *status, const char *body)
{
	char page[1024];
	int n = snprintf(page, sizeof(page),
			 "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			 "Connection: close\r\n\r\n%s",
			 status, strlen(body), body);

	send_answer(lock, number, page, (size_t)n);
}

/* ---- a worker ------------------------------------------------------------------------------ */

static int
read_all(char *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(0, buf + done, len - done);

		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/* Byte for byte: what lies behind the line is for somebody else. */
static int
read_frame_head(unsigned long *number, size_t *len)
{
	char line[64];
	size_t n = 0;

	while (n < sizeof(line) - 1 && read(0, line + n, 1) == 1)
		if (line[n++] == '\n') {
			line[n] = '\0';
			return sscanf(line, "%lu %zu", number, len) == 2 ? 0 : -1;
		}
	return -1;
}

/* The next request, whole; -1 when there will be none. */
static int
take_request(int lock, struct slot *slot, char *buf)
{
	unsigned long number = 0;
	size_t len = 0;
	int r = -1;

	flock(lock, LOCK_EX);
	if (read_frame_head(&number, &len) == 0 && len < REQUEST_MAX && read_all(buf, len) == 0) {
		buf[len] = '\0';
		slot->request = number;
		r = 0;
	}
	flock(lock, LOCK_UN);
	return r;
}

static void
handle(int out_lock, unsigned long number, const char *request)
{
	char body[512], path[256] = "";

	if (sscanf(request, "GET %255s HTTP/", path) != 1) {
		send_page(out_lock, number, "501 Not Implemented", "only GET\n");
	} else if (strcmp(path, "/crash") == 0) {
		abort(); /* as any program does one day */
	} else {
		snprintf(body, sizeof(body), "%s by worker %d\n", path, (int)getpid());
		send_page(out_lock, number, "200 OK", body);
	}
}

static void
work(struct slot *slot)
{
	int in_lock = open_lock(LOCK ".in"), out_lock = open_lock(LOCK ".out");
	char request[REQUEST_MAX];

	while (take_request(in_lock, slot, request) == 0) {
		handle(out_lock, slot->request, request);
		slot->request = 0;
	}
	_exit(0);
}

/* ---- the parent ---------------------------------------------------------------------------- */

static pid_t
start_worker(struct slot *slot)
{
	pid_t pid = fork();

	if (pid == 0)
		work(slot);
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	return pid;
}

int
main(void)
{
	int status, out_lock = open_lock(LOCK ".out"), left = WORKERS;
	pid_t worker[WORKERS], pid;

	slots = mmap(NULL, WORKERS * sizeof(*slots), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (int i = 0; i < WORKERS; i++)
		worker[i] = start_worker(&slots[i]);
	while (left > 0 && (pid = wait(&status)) > 0)
		for (int i = 0; i < WORKERS; i++) {
			if (worker[i] != pid)
				continue;
			if (WIFEXITED(status)) { /* end of its input */
				left--;
				break;
			}
			if (slots[i].request != 0)
				send_page(out_lock, slots[i].request, "500 Internal Server Error",
					  "the worker died\n");
			slots[i].request = 0;
			worker[i] = start_worker(&slots[i]);
		}
	return 0;
}
