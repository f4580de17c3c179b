#!/bin/bash
# SPDX-License-Identifier: ISC
# terminal.sh: make a root with busybox and run the cases of terminal.c.  usage: terminal.sh TERMINAL TINE [CASE]...

set -eu
here=$(dirname "$(readlink -f "$0")")
terminal=$1 tine=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/../mkroot" "$work/root"
"$terminal" "$tine" "$work/root" "$@"
[ $# -eq 0 ] || exit 0

# A terminal in the sandbox without one outside: what comes from a pipe is typed, its end is the key for it.
# typed INPUT STATUS PATTERN COMMAND...
typed() {
	local input=$1 wanted=$2 pattern=$3 said status=0
	shift 3
	said=$(printf '%b' "$input" | "$tine" run --rootfs "$work/root" -t "$@") || status=$?
	[ $status -eq "$wanted" ] || { echo "FAIL: $*: exit status $status, not $wanted: $said"; exit 1; }
	# shellcheck disable=SC2053
	[[ $said == $pattern ]] || { echo "FAIL: $*: $said"; exit 1; }
}

typed '' 0 '' cat
typed 'whole\nunfinished' 0 $'*whole\r\n*unfinished*unfinished*' cat
typed 'tty; (exit 3)\n' 3 '*/dev/*' sh
echo "PASS with a pipe"
