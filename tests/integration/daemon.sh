# SPDX-License-Identifier: ISC
# daemon.sh: a folder to work in and a daemon, gone at the end; sourced by the lib.sh of tests that need one.
#
# `tine` is the first one in PATH. $work is the folder; fail and expect end the test; at_exit, if it is defined, is called at the end.
set -eu

work=$(mktemp -d)
export TINE_SOCKET=$work/sock
daemon=

fail() {
	echo "FAIL: $*" >&2
	[ ! -f "$work/log" ] || sed 's/^/  daemon: /' "$work/log" >&2
	exit 1
}

# expect WHAT FOUND WANTED
expect() {
	[ "$2" = "$3" ] || fail "$1: $2, not $3"
}

cleanup() {
	status=$?
	! type at_exit >/dev/null 2>&1 || at_exit
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" || status=1
	rm -rf "$work"
	exit $status
}
trap cleanup EXIT

# await FD TEXT LOG: until a line with the text has come, all of them into the log; it is in $line.
await() {
	while read -r line <&"$1"; do
		echo "$line" >>"$3"
		case $line in *"$2"*) return ;; esac
	done
	fail "no \"$2\": $(cat "$3")"
}

# The daemon says when it listens: a FIFO carries its log, so nothing is polled.
start_daemon() {
	mkfifo "$work/fifo"
	tine serve --socket "$TINE_SOCKET" "$@" 2>"$work/fifo" &
	daemon=$!
	exec 9<"$work/fifo"
	await 9 listening "$work/log"
	cat <&9 >>"$work/log" &
	[ -S "$TINE_SOCKET" ] || fail "the daemon does not listen"
}
