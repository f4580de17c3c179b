/* SPDX-License-Identifier: ISC */
/* act_misc.c: what the daemon is, how it is, its contract, its figures. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/abi.h"
#include "actions.h"
#include "forkstat.h"
#include "metrics.h"
#include "openapi.h"
#include "sandbox.h"
#include "server.h"

void
act_version(struct request *req)
{
	reply_json(req, 200,
		   json_pack("{s:s, s:s, s:i, s:s}", "name", "tine", "version", TINE_VERSION,
			     "guest_abi", TINE_ABI_VERSION, "api", "v1"));
}

static json_t *
host_json(const struct host_info *host)
{
	return json_pack("{s:b, s:b, s:b, s:b, s:s, s:s, s:s}", "kvm_present", host->kvm_present,
			 "kvm_usable", host->kvm_usable, "nested_paging", host->nested_paging,
			 "capable", host->capable, "vendor", host->vendor, "paging", host->paging,
			 "detail", host->detail);
}

void
act_health(struct request *req)
{
	const struct server *server = req->server;
	const struct sandbox_pool *pool = server->base.pool;
	struct host_info host = {0};
	json_t *states = json_object();

	host_probe(&host);
	for (int i = 0; i < API_NSTATES; i++)
		json_object_set_new(states, api_state_name((enum api_state)i),
				    json_integer((json_int_t)server->nstate[i]));
	reply_json(req, 200,
		   json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "status",
			     host.capable ? "ok" : "degraded", "host", host_json(&host),
			     "sandboxes", states, "max_sandboxes",
			     (json_int_t)server->config.max_sandboxes, "created_total",
			     (json_int_t)server->created_total, "failed_total",
			     (json_int_t)server->failed_total, "uptime_ns",
			     (json_int_t)(loop_now_ns() - server->started_ns), "pool_idle",
			     (json_int_t)(pool != NULL ? sandbox_pool_idle(pool) : 0), "pid",
			     (json_int_t)getpid()));
}

void
act_openapi_json(struct request *req)
{
	reply_text(req, "application/json", openapi_start, openapi_length());
}

/* JSON is YAML too. */
void
act_openapi_yaml(struct request *req)
{
	reply_text(req, "application/yaml", openapi_start, openapi_length());
}

void
act_forkstat(struct request *req)
{
	json_t *doc = forkstat_json(req->sandbox);

	if (doc == NULL)
		request_fail(req, PROBLEM_WRONG_STATE, "the guest has not started yet");
	else
		reply_json(req, 200, doc);
}

void
act_forkstat_all(struct request *req)
{
	reply_json(req, 200, forkstat_sum_json(req->server));
}

void
act_metrics(struct request *req)
{
	size_t len = 0;
	char *text = metrics_text(req->server, &len);

	if (text == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	reply_bytes(req, "text/plain; version=0.0.4; charset=utf-8", text, len);
	free(text);
}
