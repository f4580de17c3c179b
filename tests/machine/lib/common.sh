# common.sh: what all scripts of the machines use: where things are, messages, locks, our own small programs.
# Sourced; the caller has set -u. MACHINE is tests/machine, CHECKOUT the top of the source tree.

CHECKOUT=$(cd "$MACHINE/../.." && pwd -P)
CACHE=${TINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tine}
NAME=${0##*/}

say() { printf '%s: %s\n' "$NAME" "$*" >&2; }
# 125: the machine failed, not the command in it.
die() { say "$*"; exit 125; }

mkdir -p "$CACHE"/{bin,images,saved,tmp} || die "cannot create the cache $CACHE"

# locked NAME COMMAND...: runs COMMAND while no other process of this user runs one under the same name.
locked() {
	local lock=$CACHE/$1.lock
	shift
	(
		flock 9
		"$@" 9>&-
	) 9>"$lock"
}

# digest TEXT...: a short name for anything.
digest() { printf '%s\n' "$@" | md5sum | cut -c1-16; }

# use FILE: true if the cache has it; it is then not pruned for a while.
use() { touch -c "$1" && [ -e "$1" ]; }

# prune PATTERN KEEP: deletes the least recently used entries of the cache that match, but none used in the last ten minutes,
# because a process may be about to open it.
prune() {
	local old
	find "$CACHE"/{images,saved,bin,tmp} -mindepth 1 -maxdepth 1 -name "$1" -mmin +10 -printf '%T@ %p\n' | sort -rn |
		tail -n "+$(($2 + 1))" | cut -d' ' -f2- | while IFS= read -r old; do rm -rf "$old"; done
}

# program NAME COMPILER... : compiles the sources in $MACHINE/NAME and wire/ when they have changed; sets PROGRAM to the result.
# The machines work before the project is built, so these programs cannot be targets of its build.
program() {
	local name=$1 sources
	shift
	sources=("$MACHINE/$name/"*.[cS] "$MACHINE/wire/frame.c")
	PROGRAM=$CACHE/bin/$name-$(cat "$MACHINE/$name/"* "$MACHINE/wire/"* | md5sum | cut -c1-16)
	use "$PROGRAM" && return
	"$@" -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$PROGRAM.$$" "${sources[@]}" && mv "$PROGRAM.$$" "$PROGRAM" ||
		die "cannot compile $name"
	prune "$name-*" 4
}
