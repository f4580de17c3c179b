# SPDX-License-Identifier: ISC
# lib.sh: talk to a daemon; sourced by the tests beside it.
#
#	TEST CONTRACT FORKS	CONTRACT checks an answer against api/openapi.json (a program of
#				tests/unit/api), FORKS is the guest program forks.c
#
# Every answer that api() gets is checked against the contract.
contract=$1 forks=$2
top=$(cd "$(dirname "$0")/../../.." && pwd)
. "$top/tests/integration/daemon.sh"

restart_daemon() {
	kill "$daemon"
	wait "$daemon" || fail "the daemon ended with $?"
	exec 9<&-
	rm "$work/fifo"
	start_daemon "$@"
}

# api STATUS METHOD PATH [BODY]: the body of the answer on standard output.
api() {
	want=$1 method=$2 path=$3
	shift 3
	set -- ${1+-H "Content-Type: application/json" -d "$1"}
	meta=$(curl -sS --max-time 120 --unix-socket "$TINE_SOCKET" -X "$method" "$@" \
		-o "$work/body" -w '%{http_code} %{content_type}' "http://tine$path") ||
		fail "$method $path: curl failed"
	[ "${meta%% *}" = "$want" ] || fail "$method $path: status $meta, not $want: $(cat "$work/body")"
	"$contract" "$top/api/openapi.json" "$method" "$path" "$want" "${meta#* }" <"$work/body" ||
		fail "$method $path: not what the contract says: $(cat "$work/body")"
	cat "$work/body"
	: >"$work/body"
}

# many METHOD PATH...: the same for several, quicker, because nothing is compared with the contract; all have to succeed.
many() {
	method=$1
	shift
	for path; do
		set -- "$@" "http://tine$path"
		shift
	done
	curl -sS --fail --max-time 60 --unix-socket "$TINE_SOCKET" -X "$method" "$@" || fail "$method $*"
}

# await_event SANDBOX TYPE: until it has come.
await_event() {
	mkfifo "$work/awaited"
	curl -sSN --unix-socket "$TINE_SOCKET" "http://tine/v1/events?since=0&sandbox=$1" >"$work/awaited" &
	follower=$!
	exec 7<"$work/awaited"
	await 7 "$2" "$work/events"
	kill $follower
	exec 7<&-
	rm "$work/awaited"
}

# refused STATUS SLUG METHOD PATH BODY [TEXT [POINTER]]: the answer is this problem, its detail has TEXT in it. It is not compared
# with the contract, which takes as long as ten of these. ask does the same for later: asked makes all such requests with one curl.
refused() {
	ask "$@"
	asked
}

ask() {
	echo "$1|$2|$3|$4|${6-}|${7-}|$5" >>"$work/ask"
}

asked() {
	awk -F'|' -v socket="$TINE_SOCKET" '{
		body = $7
		gsub(/["\\]/, "\\\\&", body)
		if (NR > 1)
			print "next"
		print "silent\nshow-error\nmax-time = 120\nwrite-out = \"\\n\"\nheader = \"Content-Type: application/json\""
		printf "unix-socket = \"%s\"\nrequest = \"%s\"\ndata = \"%s\"\nurl = \"http://tine%s\"\n", socket, $3, body, $4
	}' "$work/ask" >"$work/curl"
	curl -K "$work/curl" >"$work/answers" || fail "curl failed: $(tail -n 1 "$work/answers")"
	exec 5<"$work/ask" 6<"$work/answers"
	while IFS='|' read -r status slug method path text pointer body <&5; do
		read -r answer <&6 || fail "$method $path $body: no answer"
		for part in "\"type\":\"urn:tine:problem:$slug\"" "\"status\":$status," "\"detail\":\"" "$text" \
			"${pointer:+\"pointer\":\"$pointer\"}"; do
			case $answer in
			*"$part"*) ;;
			*) fail "$method $path $body: $answer, not $status $slug $text $pointer" ;;
			esac
		done
	done
	exec 5<&- 6<&-
	rm "$work/ask"
}

# fill_pool N: each question gives the daemon a turn to fill it.
fill_pool() {
	turns=0
	while [ "$(many GET /v1/health | jq .pool_idle)" != "$1" ]; do
		turns=$((turns + 1))
		[ $turns -lt 100 ] || fail "the pool has not $1 processes"
	done
}

# A sandbox with the guest program, named $1.
make_sandbox() {
	api 201 POST /v1/sandboxes "{\"name\":\"$1\",\"memory_mib\":64,\"events\":${2-false},
		\"files\":[{\"host_path\":\"$forks\",\"guest_path\":\"/bin/forks\"}]}" | jq -r .id
}

# counter SANDBOX NAME
counter() {
	api 200 GET "/v1/sandboxes/$1/forkstat" | jq ".counters.$2"
}
