#!/bin/sh
# SPDX-License-Identifier: ISC
# bad_input.sh: what is wrong with a request is told where it is wrong; nothing of it reaches a sandbox.
. "$(dirname "$0")/lib.sh"

start_daemon
make_sandbox p >/dev/null

# STATUS METHOD PATH PROBLEM POINTER BODY
while IFS='|' read -r status method path slug pointer body; do
	[ -n "$status" ] || continue
	api "$status" "$method" "$path" "$body" >"$work/result"
	expect "$method $path $body" "$(jq -r .type "$work/result")" "urn:tine:problem:$slug"
	[ -z "$pointer" ] || expect "pointer for $body" "$(jq -r .pointer "$work/result")" "$pointer"
done <<'TABLE'
400|POST|/v1/sandboxes|bad-json||{
400|POST|/v1/sandboxes|unknown-field|/bogus|{"bogus":1}
400|POST|/v1/sandboxes|wrong-type|/memory_mib|{"memory_mib":"64"}
400|POST|/v1/sandboxes|out-of-range|/memory_mib|{"memory_mib":1}
400|POST|/v1/sandboxes|bad-value|/rootfs|{"rootfs":"relative"}
400|POST|/v1/sandboxes|bad-value|/rootfs|{"rootfs":"/no/such"}
409|POST|/v1/sandboxes|name-in-use||{"name":"p"}
400|POST|/v1/sandboxes/p/processes|missing-field|/argv|{}
400|POST|/v1/sandboxes/p/processes|wrong-type|/argv/0|{"argv":[1]}
400|POST|/v1/sandboxes/p/processes|bad-value|/stdin|{"argv":["a"],"stdin":"x"}
404|POST|/v1/sandboxes/none/processes|unknown-sandbox||{"argv":["a"]}
400|POST|/v1/sandboxes/p/processes/1/signal|bad-value|/signal|{"signal":"NONE"}
404|POST|/v1/sandboxes/p/processes/99999/signal|unknown-process||{"signal":"TERM"}
405|DELETE|/v1/version|method-not-allowed||{}
404|GET|/v2|not-found||{}
TABLE

# What only the guest kernel can tell.
api 422 POST /v1/sandboxes/p/processes '{"argv":["forks"],"cwd":"/none"}' >"$work/result"
expect "refused launch" "$(jq -r .detail "$work/result")" "forks: working directory /none: No such file or directory"
api 422 POST "/v1/sandboxes?wait=ready" '{"name":"refused","sysctls":{"no.such":"1"}}' >"$work/result"
expect "refused sysctl" "$(jq -r .detail "$work/result")" "kernel variable no.such=1: there is none of this name"

expect "sandboxes" "$(api 200 GET /v1/sandboxes | jq .total)" 1
api 200 POST /v1/sandboxes/p/processes '{"argv":["forks","1"],"wait":true}' >/dev/null
api 204 DELETE /v1/sandboxes/p
echo PASS
