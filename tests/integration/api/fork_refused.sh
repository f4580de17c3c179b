#!/bin/sh
# SPDX-License-Identifier: ISC
# fork_refused.sh: forks and templates that cannot be: each with its reason, and the original goes on.
. "$(dirname "$0")/lib.sh"

start_daemon --max-sandboxes 4
make_sandbox p >/dev/null
api 201 POST /v1/sandboxes/p/template '{"name":"warm"}' >/dev/null

# STATUS METHOD PATH PROBLEM POINTER BODY
while IFS='|' read -r status method path slug pointer body; do
	api "$status" "$method" "$path" "$body" >"$work/result"
	expect "$path $body" "$(jq -r .type "$work/result")" "urn:tine:problem:$slug"
	[ -z "$pointer" ] || expect "pointer for $body" "$(jq -r .pointer "$work/result")" "$pointer"
	jq -e '.detail | length > 0' "$work/result" >/dev/null || fail "no detail for $body"
done <<'TABLE'
400|POST|/v1/sandboxes/p/fork|out-of-range|/count|{"count":0}
400|POST|/v1/sandboxes/p/fork|out-of-range|/count|{"count":65}
400|POST|/v1/sandboxes/p/fork|wrong-type|/count|{"count":"two"}
400|POST|/v1/sandboxes/p/fork|bad-value||{"count":1,"names":["a","b"]}
400|POST|/v1/sandboxes/p/fork|bad-value|/names/0|{"count":1,"names":["../a"]}
409|POST|/v1/sandboxes/p/fork|name-in-use|/names/1|{"count":2,"names":["a","p"]}
409|POST|/v1/sandboxes/p/fork|name-in-use|/names/1|{"count":2,"names":["a","a"]}
429|POST|/v1/sandboxes/p/fork|too-many-sandboxes||{"count":4}
404|POST|/v1/sandboxes/none/fork|unknown-sandbox||{"count":1}
409|POST|/v1/sandboxes/p/template|name-in-use||{"name":"warm"}
404|POST|/v1/sandboxes|unknown-template||{"template":"none"}
422|POST|/v1/sandboxes|template-config||{"template":"warm","memory_mib":64}
TABLE
api 404 DELETE /v1/templates/none >/dev/null
expect "sandboxes" "$(api 200 GET /v1/sandboxes | jq .total)" 1

# One that stands: told at once.
make_sandbox s >/dev/null
kill -9 "$(api 200 GET /v1/sandboxes/s | jq .vmm_pid)"
await_event s sandbox.failed
api 410 POST /v1/sandboxes/s/fork '{"count":1}' | jq -e '.type == "urn:tine:problem:sandbox-failed"' >/dev/null ||
	fail "a fork of a dead sandbox"
api 410 POST /v1/sandboxes/s/template '{}' >/dev/null
api 204 DELETE /v1/sandboxes/s

# One that dies just then: it is forked or it is not, and then the answer says why; never anything between.
round=0
while [ $round -lt 5 ]; do
	make_sandbox "s$round" >/dev/null
	pid=$(many GET "/v1/sandboxes/s$round" | jq .vmm_pid)
	curl -sS --max-time 60 --unix-socket "$TINE_SOCKET" -H 'Content-Type: application/json' -w '\n%{http_code}\n' \
		-d "{\"count\":1,\"names\":[\"c$round\"]}" "http://tine/v1/sandboxes/s$round/fork" >"$work/fork" &
	forker=$!
	kill -9 "$pid"
	wait $forker || fail "no answer to the fork of a dying sandbox"
	status=$(tail -n 1 "$work/fork")
	case $status in
	201) many DELETE "/v1/sandboxes/c$round" ;;
	409 | 410) sed '$d' "$work/fork" | jq -e '.detail | length > 0' >/dev/null || fail "no reason: $(cat "$work/fork")" ;;
	*) fail "fork of a dying sandbox: $(cat "$work/fork")" ;;
	esac
	many DELETE "/v1/sandboxes/s$round"
	round=$((round + 1))
done
expect "sandboxes" "$(api 200 GET /v1/sandboxes | jq .total)" 1

# The original and its template are unharmed.
api 200 POST /v1/sandboxes/p/processes '{"argv":["forks","2"],"wait":true}' >/dev/null
expect "forks of the original" "$(counter p cntfork)" 2
api 201 POST /v1/sandboxes '{"template":"warm","name":"d"}' >/dev/null
api 200 POST /v1/sandboxes/d/processes '{"argv":["forks","1"],"wait":true}' >/dev/null
api 201 POST /v1/sandboxes/p/fork '{"count":1}' >/dev/null
echo PASS
