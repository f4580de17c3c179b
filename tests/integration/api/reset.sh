#!/bin/sh
# SPDX-License-Identifier: ISC
# reset.sh: a clone goes back to its template in place; who waits for what was in it is told; counters stay counted.
. "$(dirname "$0")/lib.sh"

start_daemon
make_sandbox p >/dev/null
api 201 POST /v1/sandboxes/p/processes '{"argv":["forks","sleep"]}' >/dev/null
api 409 POST /v1/sandboxes/p/reset | jq -e '.type == "urn:tine:problem:wrong-state"' >/dev/null || fail "reset of no clone"
api 404 POST /v1/sandboxes/none/reset >/dev/null
api 201 POST /v1/sandboxes/p/template '{"name":"warm"}' >/dev/null
api 201 POST /v1/sandboxes '{"template":"warm","name":"c"}' >/dev/null
id=$(many GET /v1/sandboxes/c | jq -r .id)

# Forks, a file, the end of the template's process; then all of it undone, twice.
for round in 1 2; do
	expect "forks" "$(tine exec c forks 5)" "5 forks, 0 vforks"
	tine put c "$forks" /left-behind
	tine signal c l1 KILL
	expect "end of the template's process" "$(many GET /v1/sandboxes/c/processes/l1/wait | jq .signal)" 9
	api 201 POST /v1/sandboxes/c/processes '{"argv":["forks","sleep"]}' | jq .launch >"$work/launch"
	many GET "/v1/sandboxes/c/processes/l$(cat "$work/launch")/wait" >"$work/wait" &
	waiter=$!
	sum=$(many GET /v1/forkstat | jq .counters.cntfork)
	expect "id after the reset" "$(api 200 POST /v1/sandboxes/c/reset | jq -r .id)" "$id"
	wait $waiter
	expect "who waited for a process of the past" "$(jq -r .state "$work/wait")" lost
	expect "the template's process" "$(api 200 GET /v1/sandboxes/c/processes/l1 | jq -r .launched.state)" running
	status=0
	tine exec c /left-behind 1 2>/dev/null || status=$?
	expect "a file of the past" "$status" 127
	expect "processes" "$(api 200 GET /v1/sandboxes/c/processes | jq '[.items[] | select(.comm == "forks")] | length')" 1
	expect "forks in the sum" "$(many GET /v1/forkstat | jq .counters.cntfork)" "$sum"
done
expect "forks of the clone" "$(counter c cntfork)" "$(counter p cntfork)"
expect "forks that were ever made" "$sum" 10

# The template may go; the original never noticed.
api 204 DELETE /v1/templates/warm
api 200 POST /v1/sandboxes/c/reset >/dev/null
expect "original" "$(many GET /v1/sandboxes/p/processes/l1 | jq -r .launched.state)" running
kill -9 "$(many GET /v1/sandboxes/c | jq .vmm_pid)"
await_event c sandbox.failed
api 410 POST /v1/sandboxes/c/reset >/dev/null
echo PASS
