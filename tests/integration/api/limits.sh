#!/bin/sh
# SPDX-License-Identifier: ISC
# limits.sh: a fork bomb meets the limit on processes, then the end of memory; each time the sandbox stays usable,
# its figures exact, and it can be deleted in the middle of it.
. "$(dirname "$0")/lib.sh"

root=$work/root
mkdir -p "$root/bin" "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
cp "$(command -v bash-static)" "$root/bin/bash"
cp "$forks" "$root/bin/forks"

# sandbox NAME MIB SYSCTLS
sandbox() {
	api 201 POST /v1/sandboxes "{\"name\":\"$1\",\"memory_mib\":$2,\"sysctls\":$3,\"rootfs\":\"$root\"}" >/dev/null
}

# bomb SANDBOX SHELL FUNCTION UID: start one, and wait until a fork of it has been refused.
bomb() {
	jq -n --arg shell "$2" --arg f "$3" --argjson uid "$4" \
		'{argv: [$shell, "-c", ($f + "(){ " + $f + "|" + $f + "& };" + $f)], uid: $uid}' >"$work/bomb.json"
	handle=$(api 201 POST "/v1/sandboxes/$1/processes" "@$work/bomb.json" | jq .launch)
	curl -sSN --max-time 200 --unix-socket "$TINE_SOCKET" \
		"http://tine/v1/sandboxes/$1/processes/l$handle/stderr?follow=1" >"$work/messages" &
	follower=$!
	while read -r line; do
		case $line in *fork*"Resource temporarily unavailable"*) break ;; esac
	done <"$work/messages"
	kill $follower 2>/dev/null || true
	case $line in *fork*) ;; *) fail "bomb of $2 in $1: no fork was refused: $line" ;; esac
}

# defuse SANDBOX: one process of root ends all others.  The last slots of the table are kept for root.
defuse() {
	api 200 POST "/v1/sandboxes/$1/processes" '{"argv":["sh","-c","kill -9 -1"],"wait":true}' >"$work/result"
	expect "root's kill in $1" "$(jq .exit_code "$work/result")" 0
}

# usable SANDBOX
usable() {
	before=$(counter "$1" cntfork)
	api 200 POST "/v1/sandboxes/$1/processes" '{"argv":["forks","5"],"wait":true}' >"$work/result"
	expect "program in $1 after the bomb" "$(jq -r .stdout.data "$work/result")" "5 forks, 0 vforks"
	expect "forks counted in $1" "$(counter "$1" cntfork)" $((before + 5))
}

start_daemon
mkfifo "$work/messages"

sandbox few 64 '{"kern.maxproc":60}'
bomb few sh b 1000
[ "$(counter few eagain_maxproc)" -gt 0 ] || fail "no refused fork was counted"
[ "$(counter few nprocesses)" -le 60 ] || fail "more processes than the limit"
defuse few
usable few
bomb few bash : 1000
defuse few
usable few
expect "processes killed for memory" "$(counter few oom_kills)" 0
# Deleted while it explodes; nothing is kept from root's own.
bomb few bash : 0
api 204 DELETE /v1/sandboxes/few

# Memory ends before the table of processes does.  It may also end for who is to stop that: then again.
sandbox small 24 '{}'
api 201 POST /v1/sandboxes/small/processes '{"argv":["bash","-c",":(){ :|:& };:"],"uid":1000}' >/dev/null
while [ "$(counter small oom_kills)" -eq 0 ]; do :; done
until curl -sS --unix-socket "$TINE_SOCKET" -H 'Content-Type: application/json' \
	-d '{"argv":["sh","-c","kill -9 -1"],"wait":true}' http://tine/v1/sandboxes/small/processes |
	jq -e '.exit_code == 0' >/dev/null; do :; done
usable small
api 200 GET /v1/sandboxes/small/log | grep -q 'out of memory' || fail "nothing in the log about memory: $(tail -n 3 "$work/body")"
api 204 DELETE /v1/sandboxes/small
expect "sandboxes left" "$(api 200 GET /v1/sandboxes | jq .total)" 0
echo PASS
