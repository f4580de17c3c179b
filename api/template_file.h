/* SPDX-License-Identifier: ISC */
/*
 * template_file.h: templates as files.
 *
 * A file holds memory and root image (vmm.h), and as a note what the daemon remembers of the
 * template: a loaded one is like the saved one, but for its id and its name.
 *
 * A file takes as long as the disk does, which is too long for the event loop: a thread each writes
 * or reads it, and answers through a pipe.
 */
#ifndef TINE_API_TEMPLATE_FILE_H
#define TINE_API_TEMPLATE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"
#include "vmm/vmm.h"
#include "waitq.h"

#define FILE_JOBS_MAX 8u

struct api_template;
struct server;

struct file_jobs {
	struct loop *loop;
	struct loop_source done; /* pipe: jobs that are over */
	int pipe_fd;             /* its other end */
	unsigned busy;
};

struct file_job {
	int pipe_fd;
	bool save, over;
	bool abandoned; /* nobody waits for it any more */
	char *path;     /* real path */
	void *note;     /* to be saved */
	size_t note_len;
	struct tine_template *tmpl; /* to be saved, or what has been loaded; held */
	int rc;
	struct tine_error error;
	struct waitq changed;
};

int file_jobs_init(struct file_jobs *jobs, struct loop *loop);
/* Wait for those that still go on: none leaves half a file. */
void file_jobs_fini(struct file_jobs *jobs);

/* Start one, which takes path over (also on failure): NULL without memory or thread.  t NULL: load;
 * changed is woken when it is over. */
struct file_job *file_job_start(struct file_jobs *jobs, char *path, const struct api_template *t);
/* Its asker is done with it. */
void file_job_release(struct file_job *job);

/* A reference to a template made of what has been loaded; NULL with *error. */
struct api_template *template_from_file(struct server *server, struct tine_template *tmpl,
					struct tine_error *error);

#endif
