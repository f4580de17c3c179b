# SPDX-License-Identifier: ISC
# lib.sh: a daemon for an example; sourced by the tests beside it.  TEST FOLDER-OF-THE-EXAMPLES

examples=$1 example=
. "$(dirname "$0")/../daemon.sh"

at_exit() {
	[ -z "$example" ] || kill "$example" 2>/dev/null || true
}

start_daemon

# Start a server of examples/host; its port is in $port.
start_example() {
	mkfifo "$work/example"
	"$@" >"$work/example" &
	example=$!
	exec 8<"$work/example"
	await 8 listening "$work/example.log"
	port=${line##*:}
}
