#!/bin/sh
# SPDX-License-Identifier: ISC
# vmfork.sh: programs that ask for clones and templates get what the daemon allows, no matter what their kernel claims.
. "$(dirname "$0")/lib.sh"

start_daemon

# box NAME VMFORK
box() {
	api 201 POST /v1/sandboxes "{\"name\":\"$1\",\"memory_mib\":64,\"vmfork\":$2,
		\"files\":[{\"host_path\":\"$forks\",\"guest_path\":\"/bin/forks\"}]}" >/dev/null
}

api 400 POST /v1/sandboxes '{"vmfork":65}' | jq -e '.pointer == "/vmfork"' >/dev/null || fail "vmfork of 65"
api 400 POST /v1/sandboxes '{"vmfork":"all"}' >/dev/null
status=0
tine spawn --vmfork 65 >/dev/null 2>&1 || status=$?
expect "status of spawn --vmfork 65" $status 1

# What the program says that was asking, in a clone.
said() { # SANDBOX ARGUMENT
	handle=$(many GET "/v1/sandboxes/$1/processes?launched=1" |
		jq "[.launched[] | select(.argv[1] == \"$2\") | .launch] | max")
	many GET "/v1/sandboxes/$1/processes/l$handle/stdout?follow=1"
}

# Not allowed; nor when the guest's own count is raised.
box none 0
expect "without permission" "$(tine exec none forks vmfork)" "-1 EPERM"
tine sysctl none kern.vmfork=5 >/dev/null
expect "with a count of its own" "$(tine exec none forks vmfork)" "-1 EPERM"
many DELETE /v1/sandboxes/none

# A clone and a template, and no more.
box two 2
id=$(tine exec two forks vmfork)
api 200 GET "/v1/sandboxes/$id" | jq -e '.state != "failed"' >/dev/null || fail "no clone $id"
expect "what the clone says" "$(said "$id" vmfork)" 0
expect "a clone of its own in the clone" "$(tine exec "$id" forks vmfork)" "-1 EPERM"
template=$(tine exec two forks freeze)
expect "template" "$(api 200 GET "/v1/templates/$template" | jq -r .source)" \
	"$(many GET /v1/sandboxes/two | jq -r .id)"
expect "one too many" "$(tine exec two forks vmfork)" "-1 EPERM"
api 201 POST /v1/sandboxes "{\"template\":\"$template\",\"name\":\"three\"}" >/dev/null
expect "what the template's clone says" "$(said three freeze)" 0
echo PASS
