#!/bin/sh
# SPDX-License-Identifier: ISC
# template_refused.sh: files that are no good templates, or cannot be read: each is refused with its reason, by API and command
# line, and the daemon is as it was before.
. "$(dirname "$0")/lib.sh"

descriptors() {
	# shellcheck disable=SC2012 # numbers
	ls "/proc/$daemon/fd" | wc -l
}

# ask_load STATUS SLUG FILE [TEXT]: with the next asked.
ask_load() {
	ask "$1" "$2" POST /v1/templates "{\"path\":\"$3\"}" "${4-}"
}
load_refused() {
	ask_load "$@"
	asked
}

# cli_refused STATUS TEXT ARGUMENT...: the last line on standard error, and nothing on standard output.
cli_refused() {
	status=$1 text=$2
	shift 2
	found=0
	tine template "$@" >"$work/out" 2>"$work/err" || found=$?
	expect "status of tine template $*" "$found" "$status"
	[ ! -s "$work/out" ] || fail "tine template $*: $(cat "$work/out")"
	grep -q "^tine.*$text" "$work/err" || fail "tine template $*: $(cat "$work/err"), not $text"
}

# flip AT: the byte there is another one than it should be. unflip AT puts that back.
flip() {
	byte=$(od -An -tu1 -j "$1" -N1 "$good")
	# shellcheck disable=SC2059 # the escape is the format
	printf "\\$(printf %o $((byte ^ 16)))" | dd of="$bad" bs=1 seek="$1" conv=notrunc status=none
}
unflip() {
	dd if="$good" of="$bad" bs=1 skip="$1" seek="$1" count=1 conv=notrunc status=none
}

good=$work/good.tmpl bad=$work/bad.tmpl
start_daemon
tine spawn -n p -m 32 --add "$forks:/bin/forks" >/dev/null
tine exec -d p forks sleep >/dev/null
tine template p warm >/dev/null
tine template --save warm "$good"
cp "$good" "$bad"
chmod 600 "$bad"
size=$(stat -c %s "$good")
note=$(grep -abo '{"source":' "$good" | tail -n 1 | cut -d: -f1)
before=$(descriptors)

# ---- damaged: magic, sizes, state of the CPU, statistics, index of the pieces, launches; data; root image; note
for at in 0 16 20 24 32 100 250 1000 2000 5000 5721 5730 9900 65536 $((size / 3)) $((size / 2)) $((note - 5000)) "$note" $((note + 30)); do
	flip "$at"
	load_refused 422 template-damaged "$bad" "damaged"
	unflip "$at"
done
for at in 8 12; do
	flip $at
	load_refused 422 template-version "$bad" "this tine has version"
	unflip $at
done
cmp "$good" "$bad" || fail "the test has not put back what it changed"
flip 70000
cli_refused 1 "is damaged between bytes" --load "$bad"
unflip 70000

# ---- of another size
printf x >>"$bad"
load_refused 422 template-damaged "$bad" "its file after $((size + 1))"
for len in $((size - 1)) $((size - 4096)) $((size / 2)) 65537 65536 65535 18007 4096 8 1 0; do
	truncate -s "$len" "$bad"
	load_refused 422 template-truncated "$bad" "truncated"
done
cli_refused 1 "the template is truncated" --load "$bad"
echo "no template, but a text that is longer than nothing" >"$bad"
load_refused 422 template-truncated "$bad"
head -c 100000 /dev/zero >"$bad"
load_refused 422 template-damaged "$bad" "no template at all"
# The kernel that has booted is a template, but nobody has saved it.
base=$(find "${XDG_CACHE_HOME:-$HOME/.cache}/tine" -name base-32)
load_refused 422 template-damaged "$base" "note"

# ---- no regular file, none that can be read, none
mkfifo "$work/a-fifo"
mkdir "$work/folder"
ln -s loop "$work/loop"
ln -s nothing "$work/dangling"
ln -s good.tmpl "$work/link"
ask_load 422 template-read "$work/folder" "not a regular file"
ask_load 422 template-read "$work/a-fifo" "not a regular file"
ask_load 422 template-read /dev/zero "not a regular file"
ask_load 422 template-read /dev/null "not a regular file"
ask_load 422 template-read "$TINE_SOCKET" "not a regular file"
ask_load 403 template-read /proc/sys/vm/compact_memory "Permission denied" # even for root
ask_load 400 bad-value "$work/loop" "Too many levels of symbolic links"
ask_load 400 bad-value "$work/dangling" "No such file"
ask_load 400 bad-value "$work/none" "No such file"
ask_load 400 bad-value "$good/below" "Not a directory"
ask_load 400 bad-value "good.tmpl" "absolute path expected"
ask_load 400 out-of-range "" "0 bytes long"
ask_load 400 bad-value "/$(head -c 300 /dev/zero | tr '\0' x)" "File name too long"
asked
cli_refused 1 "not a regular file" --load "$work/folder"
cli_refused 1 "No such file" --load "$work/none"
cli_refused 1 "Permission denied" --load /proc/sys/vm/compact_memory
cli_refused 2 "wrong arguments" --load
cli_refused 2 "wrong arguments" --save warm
cli_refused 1 "File exists" --save warm "$good"
cli_refused 1 "File exists" --save warm "$work/dangling"
cli_refused 1 "File exists" --save warm "$work/a-fifo"
cli_refused 1 "No such file" --save warm "$work/none/x"
cli_refused 1 "" --save none "$work/x"
[ ! -e "$work/nothing" ] || fail "a file was made through a link"
[ ! -e "$work/x" ] || fail "a template that does not exist was saved"

# ---- a name that is taken, also meanwhile: of two that load at the same time one comes too late
refused 409 name-in-use POST /v1/templates "{\"path\":\"$good\",\"name\":\"warm\"}"
cli_refused 1 warm --load "$good" warm
for i in 1 2; do
	curl -sS --max-time 120 --unix-socket "$TINE_SOCKET" -X POST -H "Content-Type: application/json" \
		-d "{\"path\":\"$good\",\"name\":\"twice\"}" -o /dev/null -w '%{http_code}\n' http://tine/v1/templates >"$work/code$i" &
	eval "curl$i=$!"
done
# shellcheck disable=SC2154 # set by eval
wait "$curl1" "$curl2"
expect "two at the same time" "$(sort "$work/code1" "$work/code2" | paste -sd' ')" "201 409"
tine template --rm twice

# ---- changed while it is loaded: what comes is a template that fits its checksums, or a reason
cp "$good" "$bad"
chmod 600 "$bad"
(while :; do flip 70000; unflip 70000; done) &
writer=$!
for i in 1 2 3 4 5 6; do
	found=$(tine template --load "$bad" "m$i" 2>&1) || true
	case $found in
	*"template is damaged"*) ;;
	*[!0-9a-f]* | "") fail "changed while it is loaded: $found" ;;
	*) tine template --rm "$found" ;;
	esac
done
kill $writer
wait $writer || true

# ---- cut off afterwards, which the manual forbids: clones end with a reason, nothing else does
cp "$good" "$work/cut"
chmod 600 "$work/cut"
tine template --load "$work/cut" cut >/dev/null
truncate -s 0 "$work/cut"
found=$(curl -sS --max-time 120 --unix-socket "$TINE_SOCKET" -X POST -d '{"template":"cut","name":"victim"}' \
	-H "Content-Type: application/json" http://tine/v1/sandboxes | jq -r '.type // .reason.type // .state')
case $found in
failed | urn:tine:problem:?* | vmm-*) ;;
*) fail "a clone of a file that has been cut off: $found" ;;
esac
tine template --rm cut
curl -sS --unix-socket "$TINE_SOCKET" -X DELETE http://tine/v1/sandboxes/victim >/dev/null

# ---- the daemon is as before, and has loaded none of all these
expect "templates" "$(many GET /v1/templates | jq -r '[.items[].name] | join(" ")')" warm
expect "descriptors of the daemon" "$(descriptors)" "$before"
expect "files half written" "$(find "$work" -name '*.tmpl.*')" ""
expect "the sandbox" "$(tine exec p forks 2)" "2 forks, 0 vforks"
expect "by a link" "$(tine template --load "$work/link" linked | grep -c '^[0-9a-f]\{16\}$')" 1

# ---- another kernel
cp "$(dirname "$(command -v tine)")/tine-kernel" "$work/kernel"
echo >>"$work/kernel"
TINE_KERNEL=$work/kernel restart_daemon
load_refused 422 template-kernel "$good" "another kernel than $work/kernel"
cli_refused 1 "another kernel" --load "$good"

# ---- no daemon
kill "$daemon"
wait "$daemon" || fail "the daemon ended with $?"
daemon=
cli_refused 3 "" --load "$good"
cli_refused 3 "" --save warm "$work/x"
echo PASS
