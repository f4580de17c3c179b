#!/bin/sh
# SPDX-License-Identifier: ISC
# give_back.sh: the host gets the memory back that a program has used.
. "$(dirname "$0")/lib.sh"

start_daemon
api 201 POST /v1/sandboxes "{\"name\":\"a\",\"memory_mib\":96,
	\"files\":[{\"host_path\":\"$forks\",\"guest_path\":\"/bin/forks\"}]}" >/dev/null
host() { api 200 GET /v1/sandboxes/a/forkstat | jq ".host.$1"; }

before=$(host nested_faults)
api 200 POST /v1/sandboxes/a/processes '{"argv":["forks","touch","48"],"wait":true}' >"$work/result"
expect "exit code" "$(jq .exit_code "$work/result")" 0
# Huge pages, if the host makes them, are mapped by one fault each.
[ "$(host nested_faults)" -ge $((before + 48 / 2)) ] || fail "the program has not used 48 MiB"
# There is no event for it: it happens in pieces, a second after the memory has been freed or later.
for _ in $(seq 300); do
	[ "$(host private_bytes)" -ge $((16 << 20)) ] || break
	sleep 0.1
done
[ "$(host private_bytes)" -lt $((16 << 20)) ] || fail "the sandbox still holds $(host private_bytes) bytes"
# A sandbox whose memory has been given back works as before.
api 200 POST /v1/sandboxes/a/processes '{"argv":["forks","touch","48"],"wait":true}' >"$work/result"
expect "exit code" "$(jq .exit_code "$work/result")" 0
api 204 DELETE /v1/sandboxes/a
echo PASS
