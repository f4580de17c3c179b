#!/bin/sh
# SPDX-License-Identifier: ISC
# kill_vmm.sh: kill -9 of a VMM process is the end of that sandbox, with a reason, and of nothing else.
. "$(dirname "$0")/lib.sh"

start_daemon
id=$(make_sandbox victim)
make_sandbox other >/dev/null
api 200 POST /v1/sandboxes/victim/processes '{"argv":["forks","9"],"wait":true}' >/dev/null
api 201 POST /v1/sandboxes/victim/processes '{"argv":["forks","sleep"]}' >/dev/null

# One client waits for the process, one follows its output, one the events; all learn of the end.
curl -sS --max-time 120 --unix-socket "$TINE_SOCKET" "http://tine/v1/sandboxes/$id/processes/l2/wait" >"$work/wait" &
waiter=$!
curl -sS --max-time 120 --unix-socket "$TINE_SOCKET" \
	"http://tine/v1/sandboxes/$id/processes/l2/stdout?follow=1" >/dev/null &
reader=$!
mkfifo "$work/events"
curl -sSN --unix-socket "$TINE_SOCKET" "http://tine/v1/events?since=0&sandbox=victim" >"$work/events" &
exec 8<"$work/events"

kill -9 "$(api 200 GET /v1/sandboxes/victim | jq .vmm_pid)"
while read -r line <&8; do
	case $line in *sandbox.failed*) break ;; esac
done
echo "$line" | jq -e '.reason.detail | length > 0' >/dev/null || fail "no reason: $line"
wait $waiter
expect "state of the process" "$(jq -r .state "$work/wait")" lost
wait $reader

expect state "$(api 200 GET /v1/sandboxes/victim | jq -r .state)" failed
api 200 GET /v1/sandboxes/victim/forkstat >"$work/stat"
expect "last forks" "$(jq .counters.cntfork "$work/stat")" 9
expect final "$(jq .final "$work/stat")" true
api 410 POST /v1/sandboxes/victim/processes '{"argv":["forks"]}' >/dev/null
api 200 GET /v1/sandboxes/victim/log >/dev/null

# The other one does not notice.
api 200 POST /v1/sandboxes/other/processes '{"argv":["forks","3"],"wait":true}' >/dev/null
expect "forks of the other" "$(counter other cntfork)" 3
api 204 DELETE /v1/sandboxes/victim
api 404 GET /v1/sandboxes/victim >/dev/null
api 204 DELETE /v1/sandboxes/other
echo PASS
