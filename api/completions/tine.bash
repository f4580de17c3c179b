# bash completion of tine(1)

_tine_sandboxes() {
	tine ls 2>/dev/null | awk 'NR > 1 && $1 ~ /^[0-9a-f]+$/ { print $1; if ($2 != "-") print $2 }'
}

# The options of a command, as its own help has them.
_tine_options() {
	tine "$1" --help 2>/dev/null | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

# The first argument after the command that is no option: the sandbox.
_tine_arguments() {
	local i n=0
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket | --token-file | --since | -e | --env | -w | --cwd | -u | --user | -c | --count) ((i++)) ;;
		-*) ;;
		*) ((n++)) ;;
		esac
	done
	echo $n
}

_tine() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="run check serve spawn fork template reset ls exec ps signal wait put sysctl profile stat events log rm health version help"

	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
		return
	fi
	case $prev in
	--socket | --token-file | --rootfs-dir | --rootfs | -r | --add | --kernel | -w | --cwd)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tine_options "${COMP_WORDS[1]}")" -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]}/$(_tine_arguments) in
	help/*) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
	rm/* | reset/*) mapfile -t COMPREPLY < <(compgen -W "$(_tine_sandboxes)" -- "$cur") ;;
	exec/0 | fork/0 | template/0 | ps/0 | signal/0 | wait/0 | put/0 | sysctl/0 | profile/0 | stat/0 | events/0 | log/0)
		mapfile -t COMPREPLY < <(compgen -W "$(_tine_sandboxes)" -- "$cur")
		;;
	profile/2) mapfile -t COMPREPLY < <(compgen -W "start stop" -- "$cur") ;;
	signal/2) mapfile -t COMPREPLY < <(compgen -W "HUP INT QUIT KILL USR1 USR2 TERM CONT STOP" -- "$cur") ;;
	*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}

complete -F _tine tine
