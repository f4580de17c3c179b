/* SPDX-License-Identifier: ISC */
/* template_file.c: save and load templates in threads, and the note that goes with each. */
#include "template_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "template.h"
#include "text.h"

/* ---- the note ------------------------------------------------------------------------------ */

static json_t *
base64_json(const void *data, size_t len)
{
	char *text = base64_encode(data, len);
	json_t *value = text != NULL ? json_string(text) : NULL;

	free(text);
	return value;
}

static json_t *
stream_json(const struct launch_record *r, unsigned i)
{
	return json_pack("{s:I, s:b, s:b, s:o}", "cap", (json_int_t)r->out[i].cap, "block",
			 r->out[i].block, "eof", r->out[i].eof, "credit",
			 u64_json(r->out[i].credit));
}

static json_t *
launch_json(const struct launch_record *r)
{
	return json_pack("{s:I, s:i, s:i, s:o, s:I, s:I, s:b, s:b, s:b, s:O, s:s*, s:[o, o]}",
			 "launch", (json_int_t)r->launch, "state", (int)r->state, "pid",
			 (int)r->pid, "exited", base64_json(&r->exited, sizeof(r->exited)), "uid",
			 (json_int_t)r->uid, "gid", (json_int_t)r->gid, "tty", r->tty, "merged",
			 r->merged, "in_open", r->in_open, "argv", r->argv, "cwd", r->cwd, "out",
			 stream_json(r, 0), stream_json(r, 1));
}

/* malloc'd; NULL without memory. */
static char *
note_encode(const struct api_template *t)
{
	json_t *launches = json_array(), *doc;
	char *text = NULL;

	for (size_t i = 0; i < t->nlaunches; i++)
		if (json_array_append_new(launches, launch_json(&t->launches[i])) < 0) {
			json_decref(launches);
			return NULL;
		}
	doc = json_pack("{s:s, s:o, s:o, s:o, s:o}", "source", t->source, "created_ns",
			u64_json(t->created_ns), "pause_ns", u64_json(t->pause_ns), "stats",
			base64_json(&t->stats, sizeof(t->stats)), "launches", launches);
	if (doc != NULL)
		text = json_dumps(doc, JSON_COMPACT);
	json_decref(doc);
	return text;
}

static int
base64_exactly(const char *text, void *out, size_t size)
{
	bool bad;
	size_t len;
	uint8_t *data = base64_decode(text, strlen(text), &len, &bad);
	int rc = data != NULL && len == size ? 0 : -1;

	if (rc == 0)
		memcpy(out, data, size);
	free(data);
	return rc;
}

static bool
all_strings(const json_t *list)
{
	const json_t *value;
	size_t i;

	json_array_foreach (list, i, value)
		if (!json_is_string(value))
			return false;
	return json_is_array(list);
}

static int
stream_decode(json_t *doc, struct launch_record *r, unsigned i)
{
	json_int_t cap, credit;
	int block, eof;

	if (json_unpack_ex(doc, NULL, JSON_STRICT, "{s:I, s:b, s:b, s:I}", "cap", &cap, "block",
			   &block, "eof", &eof, "credit", &credit) < 0 ||
	    cap < OUTBUF_CAP_MIN || cap > OUTBUF_CAP_MAX || credit < 0)
		return -1;
	r->out[i].cap = (size_t)cap;
	r->out[i].block = block;
	r->out[i].eof = eof;
	r->out[i].credit = (uint64_t)credit;
	return 0;
}

/* *r is to be finished in any case. */
static int
launch_decode(json_t *doc, struct launch_record *r)
{
	int state, pid, tty, merged, in_open;
	json_int_t launch, uid, gid;
	const char *exited, *cwd = NULL;
	json_t *argv, *out[2];

	if (json_unpack_ex(doc, NULL, JSON_STRICT,
			   "{s:I, s:i, s:i, s:s, s:I, s:I, s:b, s:b, s:b, s:o, s?:s, s:[o, o]}",
			   "launch", &launch, "state", &state, "pid", &pid, "exited", &exited,
			   "uid", &uid, "gid", &gid, "tty", &tty, "merged", &merged, "in_open",
			   &in_open, "argv", &argv, "cwd", &cwd, "out", &out[0], &out[1]) < 0)
		return -1;
	if (launch <= 0 || launch > UINT32_MAX || state < PROCESS_LAUNCHING ||
	    state > PROCESS_LOST || uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX ||
	    !all_strings(argv) || base64_exactly(exited, &r->exited, sizeof(r->exited)) < 0)
		return -1;
	r->launch = (uint32_t)launch;
	r->state = (enum process_state)state;
	r->pid = pid;
	r->uid = (uint32_t)uid;
	r->gid = (uint32_t)gid;
	r->tty = tty;
	r->merged = merged;
	r->in_open = in_open;
	r->argv = json_incref(argv);
	if (cwd != NULL && (r->cwd = strdup(cwd)) == NULL)
		return -1;
	return stream_decode(out[0], r, 0) < 0 ? -1 : stream_decode(out[1], r, 1);
}

/* The kernel in the template has a launch with this handle, and no record before has it. */
static bool
launch_fits(const struct api_template *t, const struct launch_record *r, const uint32_t *ids,
	    uint32_t n)
{
	bool known = false;

	for (uint32_t i = 0; i < n; i++)
		known |= ids[i] == r->launch;
	for (const struct launch_record *before = t->launches; before < r; before++)
		known &= before->launch != r->launch;
	return known;
}

static int
launches_decode(struct api_template *t, const json_t *list)
{
	uint32_t n = template_launches(t->tmpl, NULL, 0), *ids = calloc(n + 1, sizeof(*ids));
	json_t *value;
	size_t i;
	int rc = json_is_array(list) && json_array_size(list) <= n ? 0 : -1;

	t->launches = calloc(n + 1, sizeof(*t->launches));
	if (ids == NULL || t->launches == NULL)
		rc = -1;
	else
		template_launches(t->tmpl, ids, n);
	json_array_foreach (list, i, value) {
		if (rc < 0)
			break;
		t->nlaunches++;
		rc = launch_decode(value, &t->launches[i]);
		if (rc == 0 && !launch_fits(t, &t->launches[i], ids, n))
			rc = -1;
	}
	free(ids);
	return rc;
}

static int
note_decode(struct api_template *t, const char *text, size_t len)
{
	json_t *doc = text != NULL ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *launches;
	json_int_t created, pause;
	const char *source, *stats;
	int rc = json_unpack_ex(doc, NULL, JSON_STRICT, "{s:s, s:I, s:I, s:s, s:o}", "source",
				&source, "created_ns", &created, "pause_ns", &pause, "stats",
				&stats, "launches", &launches);

	if (rc == 0 && (strlen(source) != SANDBOX_ID_LEN || created < 0 || pause < 0 ||
			base64_exactly(stats, &t->stats, sizeof(t->stats)) < 0))
		rc = -1;
	if (rc == 0) {
		memcpy(t->source, source, SANDBOX_ID_LEN);
		t->created_ns = (uint64_t)created;
		t->pause_ns = (uint64_t)pause;
		rc = launches_decode(t, launches);
	}
	json_decref(doc);
	return rc;
}

struct api_template *
template_from_file(struct server *server, struct tine_template *tmpl, struct tine_error *error)
{
	struct api_template *t = template_alloc(server, tmpl, error);
	const char *note;
	size_t len;

	if (t == NULL)
		return NULL;
	note = template_note(tmpl, &len);
	if (note_decode(t, note, len) == 0)
		return t;
	tine_error_set(error, EBADMSG, "template-damaged",
		       "the template does not have the note of a daemon that saved it");
	template_unref(t);
	return NULL;
}

/* ---- threads ------------------------------------------------------------------------------- */

static void
job_free(struct file_job *job)
{
	if (job->tmpl != NULL)
		template_release(job->tmpl);
	free(job->note);
	free(job->path);
	free(job);
}

static void *
work(void *arg)
{
	struct file_job *job = arg;
	ssize_t n;

	if (job->save)
		job->rc =
		    template_save_new(job->tmpl, job->path, job->note, job->note_len, &job->error);
	else
		job->rc = template_load(job->path, &job->tmpl, &job->error);
	/* From here on the job is the loop's again.  The pipe holds all jobs' answers. */
	n = write(job->pipe_fd, &job, sizeof(job));
	(void)n;
	return NULL;
}

static void
take_answer(struct file_jobs *jobs)
{
	struct file_job *job;
	bool abandoned;

	if (read(jobs->done.fd, &job, sizeof(job)) != sizeof(job))
		return;
	jobs->busy--;
	job->over = true;
	abandoned = job->abandoned;
	waitq_wake(&job->changed); /* who waits may free it */
	if (abandoned)
		job_free(job);
}

static void
on_done(struct loop_source *src, uint32_t events)
{
	(void)events;
	take_answer((struct file_jobs *)(void *)((char *)src - offsetof(struct file_jobs, done)));
}

static bool
start(struct file_job *job)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, work, job);
	pthread_attr_destroy(&attr);
	return rc == 0;
}

struct file_job *
file_job_start(struct file_jobs *jobs, char *path, const struct api_template *t)
{
	struct file_job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		free(path);
		return NULL;
	}
	job->path = path;
	job->pipe_fd = jobs->pipe_fd;
	LIST_INIT(&job->changed);
	if (t != NULL) {
		job->save = true;
		job->tmpl = template_hold(t->tmpl);
		job->note = note_encode(t);
		job->note_len = job->note != NULL ? strlen(job->note) : 0;
	}
	if ((job->save && job->note == NULL) || !start(job)) {
		job_free(job);
		return NULL;
	}
	jobs->busy++;
	return job;
}

void
file_job_release(struct file_job *job)
{
	if (job->over)
		job_free(job);
	else
		job->abandoned = true;
}

int
file_jobs_init(struct file_jobs *jobs, struct loop *loop)
{
	int fds[2];

	*jobs = (struct file_jobs){.loop = loop};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	jobs->pipe_fd = fds[1];
	jobs->done = (struct loop_source){.fd = fds[0], .ready = on_done};
	return loop_add(loop, &jobs->done, EPOLLIN);
}

void
file_jobs_fini(struct file_jobs *jobs)
{
	loop_del(jobs->loop, &jobs->done);
	while (jobs->busy > 0)
		take_answer(jobs);
	close(jobs->done.fd);
	close(jobs->pipe_fd);
}
