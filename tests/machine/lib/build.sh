# build.sh: configure and build a CMake preset; quiet when nothing is to be done.

# build PRESET FOLDER [TARGET...]
build() {
	locked "build-$(digest "$CHECKOUT/$2")" build_locked "$@"
}

build_locked() {
	local preset=$1 name=$2 folder=$CHECKOUT/$2 log=$CHECKOUT/$2/build.log
	shift 2
	mkdir -p "$folder" || return 1
	if [ ! -e "$folder/build.ninja" ]; then
		say "configuring $name"
		(cd "$CHECKOUT" && cmake --preset "$preset") >"$log" 2>&1 </dev/null || { cat "$log" >&2; say "configuration failed"; return 1; }
	fi
	NINJA_STATUS='[%f/%t] ' ninja -C "$folder" "$@" 2>&1 </dev/null | tee "$log" | build_progress "$name" "$log"
	[ "${PIPESTATUS[0]}" -eq 0 ] || { grep -v '^\[' "$log" | tail -n 60 >&2; say "the build failed, see $log"; return 1; }
}

# Reads what ninja says: silent until it compiles something, then one line, on a terminal written over by each step.
build_progress() {
	local line busy=''
	while IFS= read -r line; do
		case $line in
			'[0/'*) continue ;; # ninja looking for new files
			'['*) ;;
			*) continue ;;
		esac
		[ -n "$busy" ] || say "building $1 (log: $2)"
		busy=1
		[ ! -t 2 ] || printf '\r\033[K%.78s' "$line" >&2
	done
	[ -z "$busy" ] || [ ! -t 2 ] || printf '\r\033[K' >&2
}
