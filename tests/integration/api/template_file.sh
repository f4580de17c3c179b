#!/bin/sh
# SPDX-License-Identifier: ISC
# template_file.sh: a template outlives its daemon in a file, with what goes on in it.
. "$(dirname "$0")/lib.sh"

file=$work/warm.tmpl
start_daemon
make_sandbox p >/dev/null
api 200 POST /v1/sandboxes/p/processes '{"argv":["forks","5"],"wait":true}' >/dev/null
api 201 POST /v1/sandboxes/p/processes '{"argv":["forks","sleep"]}' >/dev/null
id=$(api 201 POST /v1/sandboxes/p/template '{"name":"warm"}' | jq -r .id)
many GET /v1/templates/warm | jq -S 'del(.id, .name, .clones)' >"$work/saved"

# Saved once; what is there already stays as it is.
api 204 POST /v1/templates/warm/save "{\"path\":\"$file\"}" >/dev/null
expect "mode" "$(stat -c %a "$file")" 400
sum=$(sha256sum <"$file")
refused 409 template-write POST /v1/templates/warm/save "{\"path\":\"$file\"}"
expect "the file" "$(sha256sum <"$file")" "$sum"
refused 409 template-write POST /v1/templates/warm/save "{\"path\":\"$work\"}"
refused 403 template-write POST /v1/templates/warm/save '{"path":"/sys/warm.tmpl"}'
refused 400 bad-value POST /v1/templates/warm/save "{\"path\":\"$work/none/warm.tmpl\"}"
refused 400 bad-value POST /v1/templates/warm/save '{"path":"warm.tmpl"}'
refused 400 bad-value POST /v1/templates/warm/save "{\"path\":\"$work/\"}"
refused 400 missing-field POST /v1/templates/warm/save '{}'
refused 404 unknown-template POST /v1/templates/none/save "{\"path\":\"$work/none\"}"
expect "files in the folder" "$(find "$work" -name '*tmpl*' | wc -l)" 1

# Another daemon; the launched process goes on in clones of what it loads, and can be waited for.
restart_daemon
expect "templates" "$(many GET /v1/templates | jq .total)" 0
api 201 POST /v1/templates "{\"path\":\"$file\",\"name\":\"again\"}" >"$work/loaded"
[ "$(jq -r .id "$work/loaded")" != "$id" ] || fail "the id is not new"
jq -S 'del(.id, .name, .clones)' "$work/loaded" | cmp - "$work/saved" || fail "it is not what was saved"
refused 409 name-in-use POST /v1/templates "{\"path\":\"$file\",\"name\":\"again\"}"
api 201 POST /v1/sandboxes '{"template":"again","name":"c"}' | jq -e '.state == "ready"' >/dev/null || fail "no clone"
expect "output" "$(tine exec c forks 3)" "3 forks, 0 vforks"
expect "forks of the clone" "$(counter c cntfork)" 8
expect "forks of this daemon" "$(many GET /v1/forkstat | jq .counters.cntfork)" 3
expect "process" "$(api 200 GET /v1/sandboxes/c/processes/l2 | jq -c '[.launched.state, .launched.argv]')" \
	'["running",["forks","sleep"]]'
api 204 POST /v1/sandboxes/c/processes/l2/signal '{"signal":"TERM"}' >/dev/null
expect "signal" "$(api 200 GET /v1/sandboxes/c/processes/l2/wait | jq .signal)" 15
api 200 POST /v1/sandboxes/c/reset >/dev/null
expect "process after the reset" "$(api 200 GET /v1/sandboxes/c/processes/l2 | jq -r .launched.state)" running

# From the command line, with paths of its own folder; what was loaded can be saved again, and the first file may go.
(cd "$work" && tine template --save again second.tmpl)
rm -f "$file"
expect "output without the file" "$(tine exec c forks 2)" "2 forks, 0 vforks"
echo PASS
