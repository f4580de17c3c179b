#!/bin/sh
# SPDX-License-Identifier: ISC
# processes.sh: launches, uploads, the process tree, signals, variables, the command line client.
. "$(dirname "$0")/lib.sh"

start_daemon
make_sandbox a >/dev/null

# A program that the sandbox does not have comes with the launch.
base64 -w0 "$forks" >"$work/base64"
jq -n --rawfile data "$work/base64" \
	'{argv: ["/opt/up/load", "1"], wait: true, executable: {path: "/opt/up/load", data: $data}}' \
	>"$work/upload.json"
api 200 POST /v1/sandboxes/a/processes "@$work/upload.json" >"$work/result"
expect "uploaded program" "$(jq -r .stdout.data "$work/result")" "1 forks, 0 vforks"

# Or is put there before.
tine put a "$forks" /opt/put
expect "put program" "$(tine exec a /opt/put 2)" "2 forks, 0 vforks"

# What cannot be executed is told apart.
api 422 POST /v1/sandboxes/a/processes '{"argv":["/no/such"]}' >"$work/result"
expect errno "$(jq -r .errno "$work/result")" ENOENT
jq -n --arg data "$(printf 'no program' | base64)" \
	'{argv: ["/x"], executable: {path: "/x", data: $data}}' >"$work/upload.json"
api 422 POST /v1/sandboxes/a/processes "@$work/upload.json" | jq -e '.pointer == "/executable/data"' >/dev/null ||
	fail "a file that is no program was not refused as such"

# The tree, a signal, the end.
pid=$(api 201 POST /v1/sandboxes/a/processes '{"argv":["forks","sleep"]}' | jq .pid)
api 200 GET /v1/sandboxes/a/processes | jq -e ".items[] | select(.pid == $pid) |
	.comm == \"forks\" and .afork == false and .launch > 0" >/dev/null || fail "not in the tree"
api 204 POST "/v1/sandboxes/a/processes/$pid/signal" '{"signal":"TERM"}'
expect "signal" "$(api 200 GET "/v1/sandboxes/a/processes/$pid/wait" | jq .signal)" 15
api 404 POST "/v1/sandboxes/a/processes/$pid/signal" '{"signal":"TERM"}' >/dev/null

# Where a process spends its time: this one sleeps, so its profile stays empty (row B16: tests/integration/profile).
pid=$(api 201 POST /v1/sandboxes/a/processes '{"argv":["forks","sleep"]}' | jq .pid)
api 204 POST "/v1/sandboxes/a/processes/$pid/profile" '{"action":"start"}'
expect "profile" "$(api 200 GET "/v1/sandboxes/a/processes/$pid/profile" | jq -c '[.lost, (.entries | type)]')" '[0,"array"]'
tine profile a "$pid" stop
tine profile a "$pid" | grep -q ' samples, 0 of them lost' || fail "tine profile shows no sum"
api 204 POST "/v1/sandboxes/a/processes/$pid/signal" '{"signal":"KILL"}'
api 200 GET "/v1/sandboxes/a/processes/$pid/wait" >/dev/null
api 404 GET "/v1/sandboxes/a/processes/$pid/profile" >/dev/null

# Exit status, as for a program run here.
status=0
tine exec a /no/such 2>/dev/null || status=$?
expect "status of a missing program" $status 127

# Variables.
old=$(api 200 GET /v1/sandboxes/a/sysctl/kern.maxproc | jq -r .value)
expect "old value" "$(api 200 PUT /v1/sandboxes/a/sysctl/kern.maxproc '{"value":40}' | jq -r .old)" "$old"
expect "new value" "$(api 200 GET /v1/sandboxes/a/sysctl/kern.maxproc | jq -r .value)" 40
api 404 GET /v1/sandboxes/a/sysctl/no.such >/dev/null

tine rm a
expect "sandboxes left" "$(api 200 GET /v1/sandboxes | jq .total)" 0
echo PASS
