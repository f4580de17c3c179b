#!/bin/sh
# SPDX-License-Identifier: ISC
# confine.sh: with --rootfs-dir no path of a client leads out of that folder, to be read, put into a sandbox, or made.
. "$(dirname "$0")/lib.sh"

in=$work/allowed out=$work/outside
mkdir "$in" "$in/sub" "$in/root" "$out" "$work/allowed-too" "$out/root"
cp "$forks" "$in/forks"
cp "$forks" "$out/forks"
cp "$forks" "$work/allowed-too/forks"
ln -s ../outside/forks "$in/link"       # to a file outside
ln -s "$out" "$in/folder"               # to a folder outside
ln -s ../../outside "$in/sub/folder"    # the same, by way of ..
ln -s link "$in/link2"                  # to a link that leads out
ln -s sub/../forks "$in/inside"         # stays inside
ln -s ../outside/new "$in/new"          # leads out, to nothing
start_daemon --rootfs-dir "$in"

# What is asked is not answered whether it exists outside or not: the same answer for both.
outside="../outside/forks sub/../../outside/forks $out/forks link link2 folder/forks sub/folder/forks $in/../outside/forks
	$work/allowed-too/forks ../allowed-too/forks .. / folder ../outside/none folder/none $out/none none /etc/passwd"
no="not below the --rootfs-dir"
for path in $outside; do
	ask 403 forbidden POST /v1/sandboxes "{\"rootfs\":\"$path\"}" "$no" /rootfs
	ask 403 forbidden POST /v1/sandboxes \
		"{\"files\":[{\"host_path\":\"forks\",\"guest_path\":\"/a\"},{\"host_path\":\"$path\",\"guest_path\":\"/b\"}]}" \
		"$no" /files/1/host_path
	ask 403 forbidden POST /v1/templates "{\"path\":\"$path\"}" "$no" /path
done
asked
expect "sandboxes" "$(many GET /v1/sandboxes | jq .total)" 0

# What lies inside can be named in any way that stays there.
files= n=0
for path in forks "$in/forks" sub/../forks inside "$in/folder/../allowed/forks" ./sub/.././forks; do
	n=$((n + 1))
	files="$files${files:+,}{\"host_path\":\"$path\",\"guest_path\":\"/bin/f$n\"}"
done
api 201 POST "/v1/sandboxes?wait=ready" "{\"name\":\"s\",\"memory_mib\":64,\"rootfs\":\"root\",\"files\":[$files]}" >/dev/null
expect "the last of them" "$(tine exec s f$n 1)" "1 forks, 0 vforks"

# Files that are to be made: their folder has to lie inside, and a link is a name that is taken.
tine template s warm >/dev/null
for path in ../outside/new "$out/new" folder/new sub/folder/new sub/../../outside/new /new "$work/allowed-too/new" none/new; do
	ask 403 forbidden POST /v1/templates/warm/save "{\"path\":\"$path\"}" "$no" /path
done
ask 409 template-write POST /v1/templates/warm/save '{"path":"new"}' "File exists"
ask 409 template-write POST /v1/templates/warm/save '{"path":"link"}' "File exists"
for path in . .. sub/ sub/..; do
	ask 400 bad-value POST /v1/templates/warm/save "{\"path\":\"$path\"}" "the name of a file expected" /path
done
asked
expect "files outside" "$(find "$out" "$work/allowed-too" -type f | sort | paste -sd' ')" \
	"$work/allowed-too/forks $out/forks"
(cd "$in/sub" && tine template --save warm ../warm.tmpl) # the client makes it absolute
api 204 POST /v1/templates/warm/save "{\"path\":\"$in/folder/../allowed/sub/warm.tmpl\"}" >/dev/null
(cd "$in" && tine template --load sub/warm.tmpl again) >/dev/null
mv "$in/warm.tmpl" "$out"
refused 403 forbidden POST /v1/templates '{"path":"folder/warm.tmpl"}' "$no" /path
echo PASS
