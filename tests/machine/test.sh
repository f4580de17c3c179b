#!/bin/bash
# test.sh: one case of the tests of the emulated machines. usage: test.sh npt|ept CASE FOLDER-OF-THE-TEST-PROGRAMS

set -u
HERE=$(dirname "$(readlink -f "$0")")
KIND=$1 CASE=$2 PROGRAMS=$3
MACHINE=$HERE/$KIND
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT

fail() { echo "FAILED: $*"; exit 1; }
# expect WHAT ACTUAL WANTED
expect() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
case $KIND in npt) LIMIT=100 ;; *) LIMIT=220 ;; esac
machine() { "$MACHINE" -n -t "$LIMIT" "$@"; }

status() {
	machine true; expect "status of true" $? 0
	machine sh -c 'exit 77'; expect "status of exit 77" $? 77
	machine sh -c 'kill -KILL $$'; expect "status of a killed command" $? 137
	machine /no/such/program 2>"$WORK/err"; expect "status of a missing program" $? 127
	machine /etc/passwd 2>/dev/null; expect "status of a program that cannot be executed" $? 126
}

stdin() {
	expect "stdin from a pipe" "$(printf 'one\ntwo' | machine cat)" $'one\ntwo'
	expect "empty stdin" "$(machine cat </dev/null)" ''
	expect "stdin of a command that does not read" "$(head -c 1000000 /dev/zero | machine echo done)" 'done'
	# The command must see each line as it is written, not at the end of the file.
	coproc INSIDE { machine sh -c 'while read -r line; do echo "<$line>"; done'; }
	echo first >&"${INSIDE[1]}"
	read -r -t 50 line <&"${INSIDE[0]}"
	expect "answer to the first line" "$line" '<first>'
	exec {INSIDE[1]}>&-
	wait "$INSIDE_PID"; expect "status at the end of stdin" $? 0
}

stdout_binary() {
	head -c 3000000 /dev/urandom >"$WORK/in"
	machine cat <"$WORK/in" >"$WORK/out" || fail "cat"
	cmp "$WORK/in" "$WORK/out" || fail "bytes were changed"
}

stderr_apart() {
	machine sh -c 'echo out; echo err >&2' >"$WORK/out" 2>"$WORK/err" || fail "sh"
	expect stdout "$(cat "$WORK/out")" out
	expect stderr "$(cat "$WORK/err")" err
}

closed_stdout() {
	# yes(1) ends only when it gets SIGPIPE.
	expect "first lines of an endless output" "$(machine yes | head -n 2)" $'y\ny'
}

timeout() {
	"$MACHINE" -n -t 3 sh -c 'echo before; exec cat /dev/zero >/dev/null' >"$WORK/out" 2>"$WORK/err"
	expect "status after the timeout" $? 124
	expect "output before the timeout" "$(cat "$WORK/out")" before
	grep -q 'timeout after 3 s' "$WORK/err" || fail "the reason is not named"
}

signal() {
	local name
	for name in INT TERM HUP QUIT; do
		mkfifo "$WORK/$name"
		# A shell ignores SIGINT and SIGQUIT in what it puts into the background; env gives them back.
		env --default-signal="$name" "$MACHINE" -n -t "$LIMIT" sh -c "trap 'echo got $name; exit 9' $name; echo up; while :; do sleep 0.1; done" \
			>"$WORK/$name" &
		exec 3<"$WORK/$name"
		read -r line <&3; expect "first line" "$line" up
		kill -"$name" $!
		read -r line <&3; expect "line after SIG$name" "$line" "got $name"
		wait $!; expect "status after SIG$name" $? 9
		exec 3<&-
	done
}

terminal() {
	"$PROGRAMS/machine_on_terminal" -x 'size 31 97' -w 40,100 -x 'size 40 100' -s 'typed\r' -x '<typed>' -s '\003' -x interrupted \
		-- "$MACHINE" -n -t "$LIMIT" bash -c '
		trap "echo interrupted; exit 6" INT
		[ -t 0 ] && [ -t 1 ] && [ -t 2 ] || exit 3
		echo "size $(stty size)"
		until [ "$(stty size)" = "40 100" ]; do sleep 0.1; done
		echo "size $(stty size)"
		read -r line
		echo "<$line>"
		while :; do sleep 0.1; done'
	expect "status" $? 6
}

environment() {
	cd "$HERE/selftest" || fail cd
	SEEN=a TERM=vt100 machine -e SEEN -e GIVEN='b c' sh -c 'echo "$PWD|$SEEN|$GIVEN|$TERM|$HOME|$(id -u)|$(ulimit -n)"' >"$WORK/out"
	expect "environment" "$(cat "$WORK/out")" "$HERE/selftest|a|b c|vt100|/root|0|1048576"
	case $("$MACHINE" sh -c 'echo "$PATH"') in "${HERE%/tests/machine}/build:"*) ;; *) fail "build is not first in PATH" ;; esac
	expect "the checkout" "$("$MACHINE" cat "$HERE/selftest/probe.c" | cksum)" "$(cksum <"$HERE/selftest/probe.c")"
	local seeds
	seeds=$(machine cat /proc/sys/kernel/random/uuid; machine cat /proc/sys/kernel/random/uuid)
	expect "different random numbers in two runs" "$(sort -u <<<"$seeds" | wc -l)" 2
	local difference=$(($(machine date +%s) - $(date +%s)))
	[ "$difference" -ge -20 ] && [ "$difference" -le 20 ] || fail "the clock is off by $difference s"
}

# What programs expect of a Linux system.
userland() {
	machine bash -ec '
		for dir in /tmp /dev/shm /run /root /home; do echo x >$dir/file; done
		unshare --user --map-root-user --pid --fork --mount-proc true
		mkdir /sys/fs/cgroup/test && echo $$ >/sys/fs/cgroup/test/cgroup.procs
		ip -o addr show lo | grep -q 127.0.0.1
		for program in curl jq strace timeout busybox bash-static zsh-static; do
			command -v $program >/dev/null || echo "no $program"
		done
		echo end' >"$WORK/out" 2>&1 || { cat "$WORK/out"; fail "userland"; }
	expect "userland" "$(cat "$WORK/out")" end
}

kvm() {
	expect "a VM" "$(machine -s "$PROGRAMS/machine_probe" "$PROGRAMS/machine_probe" vm)" 'vm: ok'
}

nested_paging() {
	expect "nested paging" "$(machine cat /sys/module/kvm_amd/parameters/npt)" Y
}

share() {
	mkdir -p "$WORK/dir/sub" && echo inside >"$WORK/dir/sub/file" && echo single >"$WORK/single"
	machine -s "$WORK/dir" --share="$WORK/single" sh -ec "cat $WORK/dir/sub/file $WORK/single
		echo changed >$WORK/dir/sub/file; cat $WORK/dir/sub/file" >"$WORK/out" || fail "share"
	expect "shared files" "$(cat "$WORK/out")" $'inside\nsingle\nchanged'
	expect "the host's file" "$(cat "$WORK/dir/sub/file")" inside
	machine -s /no/such/path true 2>/dev/null; expect "status for a path that is not there" $? 125
}

write_back() {
	local file=$HERE/selftest/.written.$$
	"$MACHINE" -t "$LIMIT" sh -c "echo kept >$file" || fail "write"
	[ ! -e "$file" ] || fail "a file came back without -w"
	"$MACHINE" -t "$LIMIT" -w sh -c "echo kept >$file" || fail "write"
	expect "file that was written back" "$(cat "$file")" kept
	rm -f "$file"
}

parallel() {
	local n pids=()
	for n in 1 2 3; do
		machine sh -c "cat >/dev/null; echo $n" </dev/null >"$WORK/$n" &
		pids+=($!)
	done
	for n in 1 2 3; do
		wait "${pids[n - 1]}"; expect "status of machine $n" $? 0
		expect "output of machine $n" "$(cat "$WORK/$n")" "$n"
	done
}

instruction_clock() {
	local first second
	first=$(machine -i -s "$PROGRAMS/machine_probe" "$PROGRAMS/machine_probe" count) || fail "count"
	second=$(machine -i -s "$PROGRAMS/machine_probe" "$PROGRAMS/machine_probe" count) || fail "count"
	expect "second count" "$second" "$first"
	[ -n "$first" ] || fail "no count"
	echo "input" >"$WORK/in"
	expect "stdin from a file" "$(machine -i cat <"$WORK/in")" input
}

# The machine's own end is told from the command's.
machine_failure() {
	machine sh -c 'echo c >/proc/sysrq-trigger' 2>"$WORK/err"; expect "status after a kernel panic" $? 125
	grep -q 'the emulator ended' "$WORK/err" || fail "the reason is not named: $(cat "$WORK/err")"
	"$MACHINE" --no-such-option true 2>/dev/null; expect "status for an unknown option" $? 125
}

# ./run shares what its arguments name, without a build of its own: the tests run from a finished one.
run_arguments() {
	mkdir -p "$WORK/given" && echo 1 >"$WORK/given/file" && echo 2 >"$WORK/other"
	expect "paths in arguments" "$("${HERE%/tests/machine}/run" sh -c 'cat "$1/file" "${2#--option=}"' - "$WORK/given" "--option=$WORK/other")" $'1\n2'
	"${HERE%/tests/machine}/run" sh -c 'exit 5' </dev/null; expect "status" $? 5
}

all_in_one() {
	head -c 20000 /dev/urandom >"$WORK/in"
	machine -s "$PROGRAMS/machine_probe" bash -c "cat >/tmp/in; cat /tmp/in; echo end >&2
		[ \$(cat /sys/module/kvm_intel/parameters/ept) = Y ] || exit 3
		[ \"\$($PROGRAMS/machine_probe vm)\" = 'vm: ok' ] || exit 4
		exit 77" <"$WORK/in" >"$WORK/out" 2>"$WORK/err"
	expect "status" $? 77
	cmp "$WORK/in" "$WORK/out" || fail "bytes were changed"
	expect "stderr" "$(cat "$WORK/err")" end
}

violations() {
	expect "a VM" "$(machine -s "$PROGRAMS/machine_probe" -E "$WORK/violations" "$PROGRAMS/machine_probe" vm)" 'vm: ok'
	# The probe's code, what it writes and what it reads.
	expect "pages with a violation" "$(cut -d' ' -f2 "$WORK/violations" | tr '\n' ' ')" "0x000000001000 0x000000005000 0x000000007000 "
}

"$CASE"
