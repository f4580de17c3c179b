# SPDX-License-Identifier: ISC
# lib.sh: a daemon for an example; sourced by the tests beside it.  TEST FOLDER-OF-THE-EXAMPLES
set -eu

examples=$1
work=$(mktemp -d)
export TINE_SOCKET=$work/sock
daemon='' example=''

fail() {
	echo "FAIL: $*" >&2
	[ ! -f "$work/log" ] || sed 's/^/  daemon: /' "$work/log" >&2
	exit 1
}

cleanup() {
	status=$?
	[ -z "$example" ] || kill "$example" 2>/dev/null || true
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" || status=1
	rm -rf "$work"
	exit $status
}
trap cleanup EXIT

# The line of a FIFO that has $2 in it; what comes later goes to the file $3.
await() {
	while read -r line <&"$1"; do
		echo "$line" >>"$3"
		case $line in *"$2"*) return ;; esac
	done
	fail "no \"$2\": $(cat "$3")"
}

mkfifo "$work/daemon"
tine serve --socket "$TINE_SOCKET" 2>"$work/daemon" &
daemon=$!
exec 9<"$work/daemon"
await 9 listening "$work/log"
cat <&9 >>"$work/log" &

# Start a server of examples/host; its port is in $port.
start_example() {
	mkfifo "$work/example"
	"$@" >"$work/example" &
	example=$!
	exec 8<"$work/example"
	await 8 listening "$work/example.log"
	port=${line##*:}
}

# expect WHAT FOUND WANTED
expect() {
	[ "$2" = "$3" ] || fail "$1: $2, not $3"
}
