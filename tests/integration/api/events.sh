#!/bin/sh
# SPDX-License-Identifier: ISC
# events.sh: forks, execs and exits come on the stream, in order and complete; --events can be switched.  rows: D3
. "$(dirname "$0")/lib.sh"

start_daemon
make_sandbox a true >/dev/null
api 200 POST /v1/sandboxes/a/processes '{"argv":["forks","6","2"],"wait":true}' >"$work/result"
pid=$(jq .pid "$work/result")

api 200 GET "/v1/events?since=0&follow=0" >"$work/stream"
count() {
	jq -s "map(select($1)) | length" "$work/stream"
}
expect "forks" "$(count ".type == \"process.fork\" and .pid == $pid and .how == \"fork\"")" 6
expect "vforks" "$(count ".type == \"process.fork\" and .pid == $pid and .how == \"vfork\"")" 2
expect "execs" "$(count ".type == \"process.exec\" and .pid == $pid")" 1
children=$(jq -s "[.[] | select(.type == \"process.fork\" and .pid == $pid) | .child] | unique | length" "$work/stream")
expect "children" "$children" 8
# Every child's exit follows its fork.
jq -se "[.[] | select(.type == \"process.fork\" and .pid == $pid)] as \$forks |
	[.[] | select(.type == \"process.exit\")] as \$exits |
	all(\$forks[]; . as \$f | any(\$exits[]; .pid == \$f.child and .seq > \$f.seq and .status == 0))" \
	"$work/stream" >/dev/null || fail "an exit is missing or out of order"
jq -se '[.[].seq] == [range(1; length + 1)]' "$work/stream" >/dev/null || fail "sequence numbers have gaps"
expect "events lost in the guest" "$(count '.guest_dropped > 0')" 0

api 200 PATCH /v1/sandboxes/a '{"events":false}' >/dev/null
last=$(jq -s '.[-1].seq' "$work/stream")
api 200 POST /v1/sandboxes/a/processes '{"argv":["forks","4"],"wait":true}' >/dev/null
api 200 GET "/v1/events?since=$last&follow=0" >"$work/stream"
expect "events when switched off" "$(count '.type | startswith("process.fork")')" 0

curl -sS --unix-socket "$TINE_SOCKET" -H "Accept: text/event-stream" \
	"http://tine/v1/events?since=0&follow=0" | grep -q "^event: sandbox.ready$" || fail "no server-sent events"
api 204 DELETE /v1/sandboxes/a
echo PASS
