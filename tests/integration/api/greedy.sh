#!/bin/sh
# SPDX-License-Identifier: ISC
# greedy.sh: a guest gives credit for a lot of input and does not read it: the daemon does not take it from the client either, until
# the guest does.
. "$(dirname "$0")/lib.sh"

MIB=1048576
SENT=24 # MiB

# The fake guest kernel of tests/unit/vmm
TINE_KERNEL=$4
export TINE_KERNEL
start_daemon --cold-boot
api 201 POST /v1/sandboxes '{"name":"g","memory_mib":64}' >/dev/null
api 201 POST /v1/sandboxes/g/processes '{"argv":["/greedy"],"path":"/greedy","stdin":"open"}' >/dev/null
head -c $((SENT * MIB)) /dev/zero |
	curl -sS --fail --unix-socket "$TINE_SOCKET" -T - "http://tine/v1/sandboxes/g/processes/l1/stdin?eof=1" ||
	fail "the input was not taken"
expect "its end" "$(api 200 GET /v1/sandboxes/g/processes/l1/wait | jq -c '[.state, .exit_code]')" '["exited",0]'
most=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$daemon/status")
[ "$most" -lt $((SENT * 1024 / 2)) ] || fail "the daemon has held $most KiB for $SENT MiB of input"
echo PASS
