/* SPDX-License-Identifier: ISC */
/* process_json.c: launched processes as JSON. */
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "names.h"
#include "process.h"
#include "text.h"

const char *
process_state_name(enum process_state state)
{
	static const char *const names[] = {"launching", "running", "exited", "refused", "lost"};

	return names[state];
}

static json_t *
rusage_json(const struct tine_rusage *ru)
{
	json_t *doc = json_object();

#define MEMBER(name) json_object_set_new(doc, #name, u64_json(ru->name))
	MEMBER(utime_ns);
	MEMBER(stime_ns);
	MEMBER(maxrss);
	MEMBER(minflt);
	MEMBER(majflt);
	MEMBER(nvcsw);
	MEMBER(nivcsw);
#undef MEMBER
	return doc;
}

static json_t *
outbuf_json(const struct outbuf *out)
{
	return json_pack("{s:I, s:I, s:I, s:b}", "bytes", (json_int_t)out->end, "kept_from",
			 (json_int_t)out->start, "dropped", (json_int_t)out->dropped, "eof",
			 out->eof);
}

json_t *
process_exit_json(const struct api_process *p)
{
	json_t *doc = json_pack("{s:s, s:b}", "state", process_state_name(p->state), "ended",
				process_ended(p));
	int status = p->exited.status;
	char buf[16];

	json_object_set_new(doc, "stdout", outbuf_json(&p->out[0]));
	json_object_set_new(doc, "stderr", outbuf_json(&p->out[1]));
	if (p->state != PROCESS_EXITED)
		return doc;
	json_object_set_new(doc, "status", json_integer(status));
	if (WIFSIGNALED(status)) {
		json_object_set_new(doc, "signal", json_integer(WTERMSIG(status)));
		json_object_set_new(doc, "signal_name",
				    json_string(signal_name(WTERMSIG(status), buf, sizeof(buf))));
		json_object_set_new(doc, "core_dumped", json_boolean(WCOREDUMP(status)));
	} else {
		json_object_set_new(doc, "exit_code", json_integer(WEXITSTATUS(status)));
	}
	json_object_set_new(doc, "rusage", rusage_json(&p->exited.ru));
	return doc;
}

json_t *
process_json(const struct api_process *p)
{
	json_t *doc = process_exit_json(p);
	char when[RFC3339_LEN];

	json_object_set_new(doc, "launch", json_integer(p->node.id));
	if (p->pid != 0)
		json_object_set_new(doc, "pid", json_integer(p->pid));
	json_object_set(doc, "argv", p->argv);
	json_object_set_new(doc, "cwd", json_string(p->cwd != NULL ? p->cwd : "/"));
	json_object_set_new(doc, "uid", json_integer(p->uid));
	json_object_set_new(doc, "gid", json_integer(p->gid));
	json_object_set_new(doc, "tty", json_boolean(p->tty));
	json_object_set_new(doc, "stdin_open", json_boolean(p->in.open && !p->in.ending));
	json_object_set_new(doc, "launched", json_string(rfc3339(p->launched_ns, when)));
	if (p->ended_ns != 0)
		json_object_set_new(doc, "ended_at", json_string(rfc3339(p->ended_ns, when)));
	return doc;
}
