# bash completion of tine(1)

_tine_sandboxes() {
	tine ls 2>/dev/null | awk 'NR > 1 && $1 ~ /^[0-9a-f]+$/ { print $1; if ($2 != "-") print $2 }'
}

# The first argument after the command that is no option: the sandbox.
_tine_arguments() {
	local i n=0
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket | --token-file | --since | -e | --env | -w | --cwd | -u | --user) ((i++)) ;;
		-*) ;;
		*) ((n++)) ;;
		esac
	done
	echo $n
}

_tine() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="run check serve spawn fork template reset ls exec ps signal wait put sysctl profile stat events log rm health version help"
	local client="--socket --token-file --json --help"
	local options

	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
		return
	fi
	case $prev in
	--socket | --token-file | --rootfs-dir | --rootfs | -r | --file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	case ${COMP_WORDS[1]} in
	serve) options="--socket --listen --token-file --rootfs-dir --max-sandboxes --guest-timeout --pool --cold-boot --json --verbose --help" ;;
	spawn) options="--name --template --rootfs --memory --hostname --sysctl --file --vmfork --events --no-wait $client" ;;
	exec) options="--interactive --tty --detach --env --cwd --user $client" ;;
	fork) options="--count $client" ;;
	template) options="--list --rm --save --load $client" ;;
	stat) options="--all $client" ;;
	events) options="--since --no-follow $client" ;;
	run | check) options="--help" ;;
	help) options=$commands ;;
	*) options=$client ;;
	esac
	if [[ $cur == -* || ${COMP_WORDS[1]} == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]}/$(_tine_arguments) in
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
