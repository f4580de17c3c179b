# options.sh: the options that npt and ept have in common, and the job that they describe.

TIMEOUT=300 MEMORY=2048 CPUS=1 SHARES=() ENVIRONMENT=() LAUNCHER=() SHARE_CHECKOUT=1 WRITE_BACK= BUILD=build

# common_option "$@": takes one option off the arguments; sets TAKEN to how many words it was, 0 for one it does not know.
common_option() {
	TAKEN=2
	case $1 in
		-t) TIMEOUT=${2:?} ;;
		-m) MEMORY=${2:?} ;;
		-p) CPUS=${2:?} ;;
		-e) ENVIRONMENT+=("${2:?}") ;;
		-b) BUILD=${2:?} ;;
		-s | --share) SHARES+=("$(realpath -s -- "${2:?}")") ;;
		--share=*) SHARES+=("$(realpath -s -- "${1#*=}")") TAKEN=1 ;;
		-n) SHARE_CHECKOUT= TAKEN=1 ;;
		-w) WRITE_BACK=1 TAKEN=1 ;;
		-K) LAUNCHER+=(--console) TAKEN=1 ;;
		-v) LAUNCHER+=(--verbose) TAKEN=1 ;;
		-h | --help) usage && exit ;;
		*) TAKEN=0 ;;
	esac
}

# Prints the comment at the head of the script.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

# job: adds what the options say about the command to LAUNCHER.
job() {
	local item
	LAUNCHER+=(--timeout "$TIMEOUT" --job "d$PWD")
	[ -n "$SHARE_CHECKOUT" ] && LAUNCHER+=(--job "c$CHECKOUT")
	[ -n "$WRITE_BACK" ] && LAUNCHER+=(--job w --write-back "$CHECKOUT")
	for item in "${SHARES[@]}"; do LAUNCHER+=(--job "s$item"); done
	LAUNCHER+=(--job "ePATH=$CHECKOUT/$BUILD:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" --job eHOME=/root
		--job "eTERM=${TERM:-dumb}" --job "eTINE_MACHINE=$NAME")
	[ -n "${LANG:-}" ] && LAUNCHER+=(--job "eLANG=$LANG")
	for item in "${ENVIRONMENT[@]}"; do
		case $item in *=*) ;; *) item=$item=${!item:-} ;; esac
		LAUNCHER+=(--job "e$item")
	done
}
