#!/bin/sh
# SPDX-License-Identifier: ISC
# test_cli.sh: the client commands against a daemon over fake sandboxes.
#
#	test_cli.sh TINE-FAKE
set -eu

tine=$1
work=$(mktemp -d)
export TINE_SOCKET="$work/sock"
daemon=

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

cleanup() {
	status=$?
	[ -z "$daemon" ] || kill "$daemon"
	[ -z "$daemon" ] || wait "$daemon" || status=1
	[ ! -e "$TINE_SOCKET" ] || status=1
	rm -rf "$work"
	exit $status
}
trap cleanup EXIT

# expect WHAT FOUND WANTED
expect() {
	[ "$2" = "$3" ] || fail "$1: \"$2\", not \"$3\""
}

# status COMMAND...: its exit status, its output in $work/out
status() {
	rc=0
	"$@" >"$work/out" 2>"$work/err" || rc=$?
	echo $rc
}

mkfifo "$work/log"
"$tine" serve 2>"$work/log" &
daemon=$!
exec 9<"$work/log"
read -r line <&9
case $line in *listening*) ;; *) fail "$line" ;; esac
cat <&9 >/dev/null &

# Sandboxes.
id=$("$tine" spawn --name one --memory 64 --sysctl kern.maxproc=7 --add /etc/passwd:/etc/passwd)
expect "length of an id" ${#id} 16
expect "ls --json" "$("$tine" ls --json | jq -r '.[0].name')" one
"$tine" ls | grep -q "$id *one *ready" || fail "ls"
expect "spawn of a broken one" "$(status "$tine" spawn --hostname broken)" 1
grep -q "fake kernel up" "$work/err" || fail "no kernel log with the failure"
expect "a bad option" "$(status "$tine" spawn --add nonsense)" 2
expect "a file as folder" "$(status "$tine" serve --socket "$work/none" --rootfs-dir /etc/passwd)" 2
grep -q "/etc/passwd: Not a directory" "$work/err" || fail "a file as folder: $(cat "$work/err")"
"$tine" health | grep -q "1 ready" || fail health

# Programs: output, error, status.
expect "output" "$("$tine" exec one echo hello)" hello
expect "status" "$(status "$tine" exec one exit 7)" 7
expect "status of a missing program" "$(status "$tine" exec one nosuch)" 127
expect "status of a file that is no program" "$(status "$tine" exec one noexec)" 126
expect "status without a sandbox" "$(status "$tine" exec none true)" 125
expect "standard error" "$("$tine" exec one err oops 2>&1 >/dev/null)" oops
expect "user and environment" "$("$tine" exec -u 5:6 -e A=b one uid)" "5 A=b"
expect "options after the program are its own" "$("$tine" exec one echo --json)" --json
expect "input" "$(echo text | "$tine" exec -i one cat)" text
expect "no input without -i" "$(echo text | "$tine" exec one cat)" ""
head -c 3000000 /dev/urandom >"$work/random"
"$tine" exec -i one cat <"$work/random" | cmp - "$work/random" || fail "a long stream was changed"
"$tine" exec one yes 100000000 | head -c 10 >/dev/null # and ends
expect "status of a lost sandbox" "$("$tine" spawn -n lost >/dev/null; status "$tine" exec lost vanish)" 125
"$tine" rm lost

# A terminal.
expect "status on a terminal" "$(status script -qec "$tine exec -t one exit 3" /dev/null)" 3
expect "output on a terminal" "$(script -qec "$tine exec -t one echo hello" /dev/null </dev/null | tr -d '\r')" hello
expect "-t without a terminal" "$(status "$tine" exec -t one true </dev/null)" 125
sleeper=$("$tine" exec -d one sleep)
"$tine" ps one | grep -q " sleep$" || fail ps
expect "ps --json" "$("$tine" ps --json one | jq '[.[] | select(.comm == "sleep")] | length')" 1

# Signals to tine exec go on to the program.
"$tine" exec one sleep &
client=$!
until "$tine" ps --json one | jq -e '[.[] | select(.comm == "sleep")] | length == 2' >/dev/null; do :; done
kill -TERM $client
rc=0
wait $client || rc=$?
expect "status after a signal" $rc 143

# While nobody reads its output, too: the program hears of the first, tine exec ends with the second.
mkfifo "$work/unread"
exec 8<>"$work/unread"
"$tine" exec one yes 100000000 >"$work/unread" &
client=$!
until "$tine" ps --json one | jq -e '[.[] | select(.comm == "yes")] | length == 1' >/dev/null; do :; done
kill -TERM $client
until "$tine" ps --json one | jq -e '[.[] | select(.comm == "yes")] | length == 0' >/dev/null; do :; done
# It may not have heard of the program's end when the next comes.
while kill -TERM $client && [ "$(cut -d ' ' -f 3 /proc/$client/stat)" != Z ]; do :; done 2>/dev/null
rc=0
wait $client || rc=$?
expect "status after signals without a reader" $rc 143
exec 8>&-

"$tine" exec one yes 100000000 >/dev/full 2>"$work/err" || rc=$?
expect "status with a full disk" $rc 141
expect "words about a full disk" "$(cat "$work/err")" "tine exec: standard output: No space left on device"

"$tine" signal one "$sleeper" TERM
expect wait "$("$tine" wait one "$sleeper")" "killed by signal TERM"
expect "signal to nobody" "$(status "$tine" signal one 9999 TERM)" 1
expect "no such signal" "$(status "$tine" signal one 1 NOPE)" 2

# Clones.
"$tine" exec -d one sleep >/dev/null
expect "clones" "$("$tine" fork one f1 f2 | wc -l)" 2
expect "a clone's processes" "$("$tine" ps --json f1 | jq '[.[] | select(.comm == "sleep")] | length')" 1
"$tine" template one warm >/dev/null
"$tine" template --list | grep -q " warm " || fail "template --list"
"$tine" spawn -T warm -n f3 >/dev/null
expect "clone of a template" "$("$tine" ps --json f3 | jq '[.[] | select(.comm == "sleep")] | length')" 1
"$tine" template --rm warm
expect "a template that is gone" "$(status "$tine" spawn -T warm)" 1
"$tine" rm f1 f2 f3

# The rest.
expect sysctl "$("$tine" sysctl one kern.maxproc)" "kern.maxproc = 1000"
"$tine" sysctl one kern.maxproc=5 >/dev/null
expect "sysctl set" "$("$tine" sysctl --json one kern.maxproc | jq -r .value)" 5
# What JSON cannot say is not left out.
bad=$(printf 'a\377')
for words in "sysctl one kern.maxproc=$bad" "spawn -n $bad" "spawn --rootfs /$bad" "exec one $bad" "rm $bad"; do
	# shellcheck disable=SC2086
	expect "tine $words" "$(status "$tine" $words)" 2
done
"$tine" put one /etc/passwd /tmp/passwd
expect "put of what is not there" "$(status "$tine" put one /no/such /tmp/x)" 1
"$tine" exec one fork 3
expect stat "$("$tine" stat --json one | jq .counters.cntfork)" 3
"$tine" stat one | grep -q " 3  cntfork" || fail stat
"$tine" stat | grep -q cntfork || fail "stat over all"
expect log "$("$tine" log one)" "fake kernel up"
expect events "$("$tine" events --json --since 0 --no-follow | jq -r 'select(.name == "one") | .type' | head -1)" sandbox.created
expect "events of nobody" "$(status "$tine" events none)" 1
"$tine" rm one
expect "rm of nobody" "$(status "$tine" rm one)" 1
expect "ls of none" "$("$tine" ls --json | jq length)" 0
expect "no daemon" "$(TINE_SOCKET=$work/none status "$tine" ls)" 3
echo PASS
