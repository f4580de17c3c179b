#!/bin/sh
# SPDX-License-Identifier: ISC
# clones.sh: sandboxes are clones of a booted kernel; running ones are forked and frozen over the API.
. "$(dirname "$0")/lib.sh"

start_daemon
make_sandbox p >/dev/null
api 200 POST /v1/sandboxes/p/processes '{"argv":["forks","5"],"wait":true}' >/dev/null
api 201 POST /v1/sandboxes/p/processes '{"argv":["forks","sleep"]}' >/dev/null

# Three clones, each with the process that runs in the original, under the same handle.
api 201 POST /v1/sandboxes/p/fork '{"count":3,"names":["a","b","c"]}' >"$work/forked"
expect "clones" "$(jq -c '[.items[].state]' "$work/forked")" '["ready","ready","ready"]'
for name in p a b c; do
	api 200 GET "/v1/sandboxes/$name/processes/l2" | jq -e '.info.comm == "forks"' >/dev/null ||
		fail "the process does not run in $name"
done

# Nor does any have the name of another.
for name in p a b c; do
	id=$(many GET "/v1/sandboxes/$name" | jq -r .id)
	expect "host name of $name" "$(many GET "/v1/sandboxes/$name/sysctl/kern.hostname" | jq -r .value)" "$id"
done

# What happens in one happens in no other.
api 204 POST /v1/sandboxes/a/processes/l2/signal '{"signal":"TERM"}'
expect "signal" "$(api 200 GET /v1/sandboxes/a/processes/l2/wait | jq .signal)" 15
expect "the other clone" "$(api 200 GET /v1/sandboxes/b/processes/l2 | jq -r .launched.state)" running
expect "the original" "$(api 200 GET /v1/sandboxes/p/processes/l2 | jq -r .launched.state)" running
api 200 POST /v1/sandboxes/b/processes '{"argv":["forks","2"],"wait":true}' >/dev/null
expect "forks of b go on from its template's" "$(counter b cntfork)" 7
expect "forks of c" "$(counter c cntfork)" 5
expect "forks of the original" "$(counter p cntfork)" 5
expect "sum" "$(api 200 GET /v1/forkstat | jq .counters.cntfork)" 7

# A template outlives its sandbox, clones outlive their template.
id=$(api 201 POST /v1/sandboxes/p/template '{"name":"warm"}' | jq -r .id)
api 204 DELETE /v1/sandboxes/p
api 201 POST /v1/sandboxes '{"template":"warm","name":"d"}' | jq -e ".template == \"$id\"" >/dev/null ||
	fail "the clone does not tell its template"
expect "clones of it" "$(api 200 GET /v1/templates/warm | jq .clones)" 1
api 200 POST /v1/sandboxes/d/processes '{"argv":["forks","3"],"wait":true}' >/dev/null
api 200 GET /v1/templates/warm/forkstat >"$work/sum"
expect "sandboxes in its sum" "$(jq .sandboxes "$work/sum")" 1
expect "forks of its clones" "$(jq .counters.cntfork "$work/sum")" 3
jq -e '.host | .nested_faults > 0 and .private_pages > 0 and .private_bytes == 4096 * .private_pages and
	.shared_bytes == 4096 * .shared_pages' "$work/sum" >/dev/null || fail "figures of its clones: $(jq .host "$work/sum")"
api 204 DELETE /v1/templates/warm
api 404 POST /v1/sandboxes '{"template":"warm"}' >/dev/null
expect "in the clone" "$(api 200 GET /v1/sandboxes/d/processes/l2 | jq -r .info.comm)" forks
api 200 POST /v1/sandboxes/d/processes '{"argv":["forks","1"],"wait":true}' >/dev/null

for name in a b c d; do
	api 204 DELETE "/v1/sandboxes/$name"
done
echo PASS
