# SPDX-License-Identifier: ISC
# lib.sh: what the tests of `tine run` beside it share; sourced.  `tine` is the first one in PATH.
set -u

here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
	local words="$*"
	echo "FAIL: ${words:0:600}"
	failed=1
}

# run STATUS TINE-ARGUMENTS...: STATUS may be a pattern; standard output and error are left in $work/out and $work/err.
run() {
	local wanted=$1 status
	shift
	ran="tine $*"
	ran=${ran:0:200}
	tine "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	# shellcheck disable=SC2053
	[[ $status == $wanted ]] && return 0
	complain "$ran: exit status $status, not $wanted: $(head -c 400 "$work/err")"
	return 1
}

# refused STATUS PATTERN TINE-ARGUMENTS...: one line that says why, and nothing else.
refused() {
	local wanted=$1 pattern=$2 lines
	shift 2
	run "$wanted" "$@" || return
	mapfile -t lines <"$work/err"
	[ "${lines[1]:-}" != "Try 'tine run --help'." ] || unset 'lines[1]'
	[ ${#lines[@]} -eq 1 ] || complain "$ran: not one line: ${lines[*]}"
	# shellcheck disable=SC2053
	[[ ${lines[0]:-} == tine*": "$pattern ]] || complain "$ran: \"${lines[0]:-}\" is not like \"$pattern\""
	[ ! -s "$work/out" ] || complain "$ran: wrote to standard output: $(head -c 200 "$work/out")"
}

# prints STATUS TEXT TINE-ARGUMENTS...: exactly this on standard output.
prints() {
	local wanted=$1 text=$2
	shift 2
	run "$wanted" "$@" || return
	[ "$(cat "$work/out")" = "$text" ] || complain "$ran: wrote \"$(head -c 400 "$work/out")\", not \"$text\""
}

finish() {
	[ $failed -eq 0 ] && echo PASS
	exit $failed
}
