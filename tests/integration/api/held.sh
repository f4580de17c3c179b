#!/bin/sh
# SPDX-License-Identifier: ISC
# held.sh: a sandbox in which everything is half done is frozen, forked, saved and reset; each that comes of it can end it all.
. "$(dirname "$0")/lib.sh"
held=$(dirname "$forks")/api-held

# ends SANDBOX: what runs in it is told to end, and ends well. What it has written before it was frozen is the original's.
ends() {
	curl -sS --fail --unix-socket "$TINE_SOCKET" -X PUT --data-binary "$1
" "http://tine/v1/sandboxes/$1/processes/l1/stdin?eof=1" || fail "no input for $1"
	state=$(many GET "/v1/sandboxes/$1/processes/l1/wait" | jq -c '[.state, .exit_code]')
	expect "$1: $(many GET "/v1/sandboxes/$1/processes/l1/stdout"), its end" "$state" '["exited",0]'
	expect "output of $1" "$(many GET "/v1/sandboxes/$1/processes/l1/stdout")" "${2-}all $1"
}

# The original has a client attached all the time.
start_daemon
tine spawn -n p -m 64 --add "$held:/bin/held" >/dev/null
mkfifo "$work/in" "$work/out"
tine exec -i p held <"$work/in" >"$work/out" &
client=$!
exec 3>"$work/in" 4<"$work/out"
read -r said <&4
expect "the original" "$said" held

tine template p warm >/dev/null
tine spawn -T warm -n a >/dev/null
tine fork p b c >/dev/null
ends a
ends b
# After its end all is held again; a second time the pages that were written to are known.
for round in 1 2 3; do
	tine reset a
	ends a
done
# One that comes of a clone, in a file and back, and one that comes of that.
tine fork c d >/dev/null
tine template d again >/dev/null
tine template --save again "$work/file"
tine template --load "$work/file" loaded >/dev/null
tine spawn -T loaded -n e >/dev/null
tine fork e f >/dev/null
for name in c d e f; do
	ends $name
done
tine reset f
ends f

# Who is attached to what a reset takes away is told.
mkfifo "$work/in2" "$work/out2"
tine exec -i f held <"$work/in2" >"$work/out2" 2>"$work/err2" &
second=$!
exec 5>"$work/in2" 6<"$work/out2"
read -r said <&6
expect "one more in f" "$said" held
tine reset f
status=0
wait $second || status=$?
expect "its exit status" $status 125
grep -q "was reset before the program ended" "$work/err2" || fail "it was told $(cat "$work/err2")"

echo p >&3
read -r said <&4
expect "the original" "$said" "all p"
wait $client || fail "the original ended with $?"
echo PASS
