#!/bin/bash
# SPDX-License-Identifier: ISC
# http_bridge.sh: requests reach workers in the sandbox; one that dies over a request is answered for and replaced.
. "$(dirname "$0")/lib.sh"

start_example "$examples/http_bridge" "$examples/http_prefork"
get() {
	curl -sS --max-time 60 -w '%{http_code}' "http://127.0.0.1:$port$1"
}
case $(get /hello) in
"/hello by worker "*200) ;;
*) fail "no page" ;;
esac
# More than there are workers.
for i in 1 2 3 4 5 6; do
	expect "crash $i" "$(get /crash)" $'the worker died\n500'
done
case $(get /after) in
"/after by worker "*200) ;;
*) fail "no page after the crashes" ;;
esac
expect "status of POST" "$(curl -sS --max-time 60 -X POST -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/")" 501
sandbox=$(tine ls --json | jq -r '.[0].id')
expect "processes in the sandbox" "$(tine ps --json "$sandbox" | jq '[.[] | select(.comm == "program")] | length')" 5
echo PASS
