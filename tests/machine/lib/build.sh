# build.sh: configure and build a CMake preset; quiet when nothing is to be done.

# build PRESET FOLDER
build() {
	locked "build-$(digest "$CHECKOUT/$2")" build_locked "$@"
}

build_locked() {
	local preset=$1 folder=$CHECKOUT/$2 log=$CHECKOUT/$2/build.log
	mkdir -p "$folder" || return 1
	if [ ! -e "$folder/build.ninja" ]; then
		say "configuring $2"
		(cd "$CHECKOUT" && cmake --preset "$preset") >"$log" 2>&1 </dev/null || { cat "$log" >&2; say "configuration failed"; return 1; }
	fi
	case $(ninja -C "$folder" -n 2>&1 | tail -1) in *'no work to do'*) return ;; esac
	say "building $2 (log: $log)"
	if [ -t 2 ]; then
		NINJA_STATUS='[%f/%t] ' ninja -C "$folder" 2>&1 </dev/null | tee "$log" | build_progress
		[ "${PIPESTATUS[0]}" -eq 0 ]
	else
		ninja -C "$folder" >"$log" 2>&1 </dev/null
	fi || { grep -v '^\[' "$log" | tail -n 60 >&2; say "the build failed, see $log"; return 1; }
}

# One line that is written over, on a terminal.
build_progress() {
	local line
	while IFS= read -r line; do
		case $line in '['*) printf '\r\033[K%.78s' "$line" >&2 ;; esac
	done
	printf '\r\033[K' >&2
}
