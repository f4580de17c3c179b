#!/bin/bash
# SPDX-License-Identifier: ISC
# test_completions.sh: both shells complete what `tine` has: every command, and every option of each.
#
#	test_completions.sh TINE COMPLETIONS
set -eu

tine=$1 folder=$2 work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$(realpath "$tine")" "$work/tine"
PATH=$work:$PATH
. "$folder/tine.bash"

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# expect WHAT FOUND WANTED
expect() {
	[ "$2" = "$3" ] || fail "$1: \"$2\", not \"$3\""
}

# completed WORD...: what bash offers for the last one
completed() {
	COMP_WORDS=(tine "$@") COMP_CWORD=$# COMPREPLY=()
	_tine
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

# The part of _tine between a command's label and the end of its case.
zsh_part() {
	awk -v c="$1" '$0 ~ "^\t([a-z]+ \\| )*" c "( \\| [a-z]+)*\\)" { on = 1 } on { print } on && /;;$/ { exit }' "$folder/_tine"
}

commands=$(tine --help | awk 'on && NF == 0 { exit } /^  run / { on = 1 } on { print $1 }' | sort)
[ "$(wc -l <<<"$commands")" -gt 15 ] || fail "tine --help lists: $commands"
expect "commands in bash" "$(completed '' | grep -v '^--')" "$commands"
expect "commands in zsh" "$(grep -oE "^		'[a-z]+:" "$folder/_tine" | tr -d "\t':" | sort)" "$commands"
for command in $commands; do
	case $command in version | help) continue ;; esac
	options=$(tine "$command" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)
	expect "options of $command in bash" "$(completed "$command" --)" "$options"
	part=$(zsh_part "$command")
	[ -n "$part" ] || part='$client'
	case $part in *'$client'*) part+=$(sed -n '/^	client=(/,/^	)/p' "$folder/_tine") ;; esac
	for option in $options; do
		grep -qE -- "$option([],}[]|=)" <<<"$part" || fail "zsh does not know $command $option"
	done
done
expect "one option" "$(completed run --roo)" --rootfs
expect "a file" "$(completed run --rootfs "$folder/tine.b")" "$folder/tine.bash"
expect "help" "$(completed help temp)" template
