#!/bin/bash
# SPDX-License-Identifier: ISC
# guard.sh: what is left of a run is taken down after its end, by a process that leaves the processor to everybody else; so memory
# that is large has gone by then.
. "$(dirname "$0")/lib.sh"

SCHED_IDLE=5
root=$work/root
mkdir -p "$root/bin"
cp "$(command -v busybox)" "$root/bin/sh"
mkfifo "$work/in" "$work/said"

# start BYTES: a program that takes so much, says so and waits.  $run, and $guard, which has the lowest priority and is stopped.
start() {
	local stat fields
	tine run --rootfs "$root" sh -c "dd if=/dev/zero of=/dev/null bs=$1 count=1 2>/dev/null; echo taken; read -r line; exit 0" \
		<"$work/in" >"$work/said" &
	run=$! guard=
	exec 4>"$work/in" 5<"$work/said"
	read -r line <&5
	[ "$line" = taken ] || complain "the program says \"$line\""
	for stat in /proc/[0-9]*/stat; do
		{ read -r stat <"$stat"; } 2>/dev/null || continue # it has ended
		read -ra fields <<<"${stat##*) }" # from the state on, which is the third
		[[ $stat == *'(tine-guard)'* && ${fields[1]} == "$run" ]] || continue
		guard=${stat%% *}
		[ "${fields[38]}" = $SCHED_IDLE ] || complain "the guard has scheduling policy ${fields[38]}"
	done
	[ -n "$guard" ] || { complain "no guard"; finish; }
	kill -STOP "$guard"
}

# end: of the program, while the guard stands still; KiB that it still holds.
end() {
	exec 4>&- 5<&-
	wait "$run" || complain "tine run: exit status $?"
	left=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$guard/status")
	kill -CONT "$guard"
}

start 1k
end
[ "$left" -gt 400 ] || complain "the guard of a small run holds $left KiB: the run has waited for its memory to be taken down"
start 64M
end
[ "$left" -lt 8192 ] || complain "the guard of a run of 64 MiB still holds $left KiB"
finish
