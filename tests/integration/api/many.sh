#!/bin/sh
# SPDX-License-Identifier: ISC
# many.sh: twenty sandboxes at once; each keeps its own counts; all go away.
. "$(dirname "$0")/lib.sh"

n=20
start_daemon --max-sandboxes $n

# Who is ready is told by the event stream; nothing is polled.
mkfifo "$work/events"
curl -sSN --unix-socket "$TINE_SOCKET" "http://tine/v1/events?since=0" >"$work/events" &
follower=$!
exec 8<"$work/events"

for i in $(seq $n); do
	api 201 POST "/v1/sandboxes?wait=none" "{\"name\":\"n$i\",\"memory_mib\":32,
		\"files\":[{\"host_path\":\"$forks\",\"guest_path\":\"/bin/forks\"}]}" >/dev/null
done
api 429 POST /v1/sandboxes >/dev/null
ready=0
while [ $ready -lt $n ] && read -r line <&8; do
	case $line in
	*sandbox.ready*) ready=$((ready + 1)) ;;
	*sandbox.failed*) fail "$line" ;;
	esac
done
kill $follower
expect "ready sandboxes" $ready $n
expect "in state ready" "$(api 200 GET /v1/health | jq .sandboxes.ready)" $n

for i in $(seq $n); do
	api 201 POST "/v1/sandboxes/n$i/processes" "{\"argv\":[\"forks\",\"$i\"]}" >/dev/null
done
for i in $(seq $n); do
	expect "exit of $i" "$(api 200 GET "/v1/sandboxes/n$i/processes/l1/wait" | jq .exit_code)" 0
	expect "forks of $i" "$(counter "n$i" cntfork)" "$i"
done
expect "sum" "$(api 200 GET /v1/forkstat | jq .counters.cntfork)" $((n * (n + 1) / 2))

pids=$(api 200 GET "/v1/sandboxes?limit=1000" | jq '.items[].vmm_pid')
for i in $(seq $n); do
	api 204 DELETE "/v1/sandboxes/n$i"
done
for pid in $pids; do
	[ ! -e "/proc/$pid" ] || fail "VMM process $pid is still there"
done
echo PASS
