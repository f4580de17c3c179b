#!/bin/sh
# SPDX-License-Identifier: ISC
# forkstat.sh: counters are exact, for one sandbox, in the sum, and after the sandbox is gone.  rows: E1 E2 E7 E8
. "$(dirname "$0")/lib.sh"

start_daemon
make_sandbox a >/dev/null
make_sandbox b >/dev/null

run() { # SANDBOX FORKS VFORKS
	api 200 POST "/v1/sandboxes/$1/processes" \
		"{\"argv\":[\"forks\",\"$2\",\"$3\"],\"wait\":true}" >"$work/result"
	expect "exit code" "$(jq .exit_code "$work/result")" 0
	expect output "$(jq -r .stdout.data "$work/result")" "$2 forks, $3 vforks"
}

all=$(api 200 GET /v1/forkstat | jq .counters.cntfork)
run a 25 7
run a 5 0
run b 12 1
expect "forks of a" "$(counter a cntfork)" 30
expect "vforks of a" "$(counter a cntvfork)" 7
expect "forks of b" "$(counter b cntfork)" 12
expect "vforks of b" "$(counter b cntvfork)" 1
expect "waiting forks of a" "$(counter a forks_ppwait)" 7
[ "$(counter a sizfork)" -ge 30 ] || fail "sizes of forks are not summed"
expect "latencies of vforks" \
	"$(api 200 GET /v1/sandboxes/a/forkstat | jq '[.latency.vfork.count, (.latency.vfork.buckets | map(.count) | add)] | unique | .[]')" 7
expect "sum over sandboxes" "$(api 200 GET /v1/forkstat | jq .counters.cntfork)" $((all + 42))

# The host's own figures, which no guest can make up.
host=$(api 200 GET /v1/sandboxes/a/forkstat | jq .host)
for figure in nested_faults exits private_bytes vmm_pss_bytes; do
	[ "$(echo "$host" | jq ".$figure")" -gt 0 ] || fail "$figure is zero"
done

# Copy-on-write is seen where fork shares and a child writes.
[ "$(counter a cow_faults)" -gt 0 ] || fail "no copy-on-write faults"

api 204 DELETE /v1/sandboxes/a
expect "sum after a deletion" "$(api 200 GET /v1/forkstat | jq .counters.cntfork)" $((all + 42))
api 200 GET /metrics | grep -q "^tine_guest_cntfork_total $((all + 42))\$" || fail "metrics differ"
api 204 DELETE /v1/sandboxes/b
echo PASS
