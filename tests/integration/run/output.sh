#!/bin/bash
# SPDX-License-Identifier: ISC
# output.sh: what programs have written is passed on before the end of their sandbox is told, however slow the reader is.
# usage: output.sh FAKEGUEST, the guest kernel of tests/unit/vmm
. "$(dirname "$0")/lib.sh"

PIPE=65536 # bytes that a pipe holds
N=5000     # messages of one byte: about as many as the ring holds

mkdir "$work/root"
halt=(run -v --kernel "$1" --rootfs "$work/root" /halt $N)

run 125 "${halt[@]}"
[ "$(tail -n 1 "$work/err")" = 'tine: the sandbox shut down before the program ended' ] || complain "said $(tail -n 1 "$work/err")"
[ "$(wc -c <"$work/out")" -eq $N ] || complain "a file gets $(wc -c <"$work/out") bytes of $N"

# The pipe is full until the guest has ended.
mkfifo "$work/said" "$work/out.pipe"
exec 4<>"$work/out.pipe"
head -c $PIPE /dev/zero >&4
tine "${halt[@]}" >"$work/out.pipe" 2>"$work/said" </dev/null &
exec 5<"$work/said"
while read -r line <&5 && [ "$line" != halts ]; do :; done
[ "$line" = halts ] || complain "the fake guest ends with \"$line\""
exec 6<"$work/out.pipe" 4>&-
got=$(wc -c <&6)
wait $!
status=$?
[ $status -eq 125 ] || complain "a slow reader: exit status $status"
[ "$got" -eq $((PIPE + N)) ] || complain "a slow reader gets $((got - PIPE)) bytes of $N"
finish
