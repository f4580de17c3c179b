#!/bin/bash
# SPDX-License-Identifier: ISC
# warm_server.sh: each request is answered by a clone that has its table already, and that goes away.
. "$(dirname "$0")/lib.sh"

start_example "$examples/warm_server" "$examples/warm_function"

ask() {
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	echo "$1" >&7
	cat <&7
	exec 7>&-
}
expect "primes up to 100" "$(ask 100)" 25
expect "primes up to 1000000" "$(ask 1000000)" 78498
expect "a bad request" "$(ask nonsense)" "a number up to 1000000 expected"
expect "primes up to 2" "$(ask 2)" 1
# The original and all clones are gone, the template is there.
expect "sandboxes" "$(tine ls --json | jq length)" 0
expect "clones of the template" "$(tine template --list --json | jq '.[].clones')" 4
echo PASS
