#!/bin/sh
# SPDX-License-Identifier: ISC
# kill_all.sh: kill -9 of an original, a clone, the pool, the zygote, the daemon: the rest goes on, and nothing is left behind.
. "$(dirname "$0")/lib.sh"
gone=$3

# Base templates are not kept in files, which would count as shared memory where they lie in a tmpfs.
unset HOME XDG_CACHE_HOME

# What the daemon holds, by kind: memfds, sockets, process descriptors, files of dead processes.
descriptors() {
	ls -l "/proc/$daemon/fd" | sed -n 's/.* -> //p' | sed 's/[0-9][0-9]*/N/g' | sort | uniq -c
}

# VMM processes, of sandboxes and of the pool, of whatever daemon.
monitors() {
	for process in $(grep -lazx 'v[m]m' /proc/[0-9]*/cmdline 2>/dev/null | tr -dc '0-9\n'); do
		[ "$(cat "/proc/$process/comm" 2>/dev/null || true)" = tine-zygote ] || echo "$process"
	done
}

# What they are forked from.
zygotes() {
	grep -lx tine-zygote /proc/[0-9]*/comm 2>/dev/null | tr -dc '0-9\n' || true
}

memory_files() {
	ls -l /proc/[0-9]*/fd 2>/dev/null | grep -o '/memfd:.*' || true
}

shared_kib() {
	sed -n 's/^Shmem: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

vmm_pid() {
	many GET "/v1/sandboxes/$1" | jq .vmm_pid
}

goes_on() { # SANDBOX...
	for name; do
		tine exec "$name" forks 3 >"$work/output" || fail "$name does not go on"
		expect "output of $name" "$(cat "$work/output")" "3 forks, 0 vforks"
	done
}

# An original with a process, two clones, a template.
make_all() {
	make_sandbox p >/dev/null
	api 201 POST /v1/sandboxes/p/processes '{"argv":["forks","sleep"]}' >/dev/null
	api 201 POST /v1/sandboxes/p/fork '{"count":2,"names":["a","b"]}' >/dev/null
	api 201 POST /v1/sandboxes/p/template '{"name":"warm"}' >/dev/null
	fill_pool 2
}

clone_template() { # NAME
	api 201 POST /v1/sandboxes "{\"template\":\"warm\",\"name\":\"$1\"}" >/dev/null
}

unmake_all() {
	many DELETE /v1/sandboxes/p /v1/sandboxes/a /v1/sandboxes/b /v1/sandboxes/c /v1/sandboxes/d /v1/templates/warm
	fill_pool 2
}

kib_before=$(shared_kib)
expect "memfds before" "$(memory_files)" ""
start_daemon --pool 2
make_all
clone_template c
clone_template d
unmake_all
descriptors >"$work/before"

# The original; then one of its clones.
make_all
kill -9 "$(vmm_pid p)"
goes_on a b
expect "state of the original" "$(api 200 GET /v1/sandboxes/p | jq -r .state)" failed
api 410 POST /v1/sandboxes/p/fork '{"count":1}' >/dev/null
kill -9 "$(vmm_pid a)"
goes_on b
clone_template c
goes_on c

# The pool's processes: those that belong to no sandbox.
fill_pool 2
many GET /v1/sandboxes | jq '.items[].vmm_pid' | sort >"$work/used"
idle=$(monitors | sort | comm -23 - "$work/used")
expect "idle processes" "$(echo "$idle" | wc -l)" 2
kill -9 $idle
"$gone" 30 $idle
clone_template d
goes_on d

# The zygote: the next clone does not need it, the one after that has another.
zygote=$(zygotes)
expect "zygotes" "$(echo "$zygote" | wc -l)" 1
kill -9 $zygote
make_sandbox e >/dev/null
fill_pool 2
"$gone" 30 $zygote
goes_on b c d
many DELETE /v1/sandboxes/d /v1/sandboxes/e
clone_template d
fill_pool 2
expect "zygotes after one was killed" "$(zygotes | wc -l)" 1
[ "$(zygotes)" != "$zygote" ] || fail "the killed zygote is still there"
unmake_all
descriptors >"$work/after"
diff "$work/before" "$work/after" >&2 || fail "the daemon holds other descriptors than before"
expect "VMM processes" "$(monitors | wc -l)" 2

# The daemon: all its VMM processes follow, and with them what they hold.
make_all
all="$(monitors) $(zygotes)"
kill -9 "$daemon"
wait "$daemon" || true
daemon=
"$gone" 30 $all
expect "VMM processes after the daemon" "$(monitors)" ""
expect "zygotes after the daemon" "$(zygotes)" ""
expect "memfds after the daemon" "$(memory_files)" ""
kib=$(($(shared_kib) - kib_before))
[ $kib -lt 512 ] || fail "$kib KiB of shared memory are left"

# The socket is still there; the next daemon takes it over, with nothing in it.
[ -S "$TINE_SOCKET" ] || fail "the test needs a stale socket"
rm "$work/fifo"
start_daemon --pool 2
expect "sandboxes of the new daemon" "$(api 200 GET /v1/sandboxes | jq .total)" 0
expect "templates of the new daemon" "$(api 200 GET /v1/templates | jq .total)" 0
make_sandbox p >/dev/null
api 201 POST /v1/sandboxes/p/fork '{"count":1,"names":["a"]}' >/dev/null
goes_on p a
echo PASS
