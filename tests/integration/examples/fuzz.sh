#!/bin/bash
# SPDX-License-Identifier: ISC
# fuzz.sh: the planted fault is found, and only that; the same seed finds the same; figures are printed.
. "$(dirname "$0")/lib.sh"

"$examples/fuzz" "$examples/fuzz_target" 60 7 >"$work/first" || fail "no crash: $(cat "$work/first")"
cat "$work/first"
grep -q '^60 executions, [1-9][0-9]* crashes, [0-9.]* executions a second$' "$work/first" || fail "no figures"
# The fifth byte is a length that is too large; it is the only fault.
grep '^signal' "$work/first" | while read -r _ sig a b c d n _; do
	expect "what crashed" "$sig $a $b $c $d" "6: 74 61 67 4c"
	[ $((16#$n)) -gt 16 ] || fail "length $n is no reason to crash"
done
"$examples/fuzz" "$examples/fuzz_target" 60 7 >"$work/second"
expect "crashes of the same seed" "$(grep ^signal "$work/second")" "$(grep ^signal "$work/first")"
echo PASS
