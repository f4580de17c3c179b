#!/bin/sh
# SPDX-License-Identifier: ISC
# starts.sh: the phases of a start account for all of its time, whichever way it goes, and for its template's clones.
. "$(dirname "$0")/lib.sh"

phases='(.process_ns + .kvm_ns + .jail_ns + .image_ns + .memory_ns + .setup_ns + .rehearsal_ns + .idle_ns)'

# started SANDBOX CONDITION: to the nanosecond, what is not preparation lasts from the request to the first instruction, and with
# the guest's phase to ready; and CONDITION holds.
started() {
	api 200 GET "/v1/sandboxes/$1/forkstat" | jq .host.start >"$work/start"
	api 200 GET "/v1/sandboxes/$1" >"$work/sandbox"
	jq -e --slurpfile sandbox "$work/sandbox" "\$sandbox[0] as \$s | .starts == 1 and
		$phases - .prepared_ns == \$s.start_ns and $phases + .guest_ns - .prepared_ns == \$s.ready_ns and
		.process_ns > 0 and .kvm_ns > 0 and .memory_ns > 0 and .setup_ns > 0 and .guest_ns > 0 and
		($2)" "$work/start" >/dev/null || fail "start of $1: $(jq -c . "$work/start" "$work/sandbox")"
}

fresh='.jail_ns > 0 and .image_ns > 0 and .prepared_ns == 0 and .rehearsal_ns == 0'
made='.image_ns == 0 and .prepared_ns == 0 and .rehearsal_ns == 0'
waited='.image_ns == 0 and .prepared_ns > 0 and .idle_ns > 0'

# No pool: forked from the zygote, which has gone to jail already, then executed.
for option in "" --no-zygote; do
	rm -f "$work/fifo"
	start_daemon --pool 0 $option
	make_sandbox p >/dev/null
	started p "$fresh"
	api 201 POST /v1/sandboxes/p/template '{"name":"warm"}' >/dev/null
	api 201 POST /v1/sandboxes '{"template":"warm","name":"c"}' >/dev/null
	started c "$made and (.jail_ns > 0) == (\"$option\" == \"--no-zygote\")"
	kill "$daemon"
	wait "$daemon" || fail "the daemon ended with $?"
	exec 9<&-
done

# From the pool: one that waited for any template, and what is made after the first clone is made for this one.
rm "$work/fifo"
start_daemon --pool 1
make_sandbox p >/dev/null
started p "$fresh"
api 201 POST /v1/sandboxes/p/template '{"name":"warm"}' >/dev/null
for name in a b; do
	fill_pool 1
	api 201 POST /v1/sandboxes "{\"template\":\"warm\",\"name\":\"$name\"}" >/dev/null
	started $name "$waited"
	mv "$work/start" "$work/$name"
done

# Their template has the sum, which a reset, being no start, leaves alone.
api 200 POST /v1/sandboxes/a/reset >/dev/null
sum=$(jq -cs '.[0] as $a | .[1] as $b | $a | with_entries(.value += $b[.key])' "$work/a" "$work/b")
expect "sum of the template" "$(api 200 GET /v1/templates/warm/forkstat | jq -c .host.start)" "$sum"
expect "starts in all" "$(many GET /v1/forkstat | jq .host.start.starts)" 3
tine stat a | grep -q '^ *[0-9]*  guest_ns$' || fail "tine stat shows no phases"
api 204 DELETE /v1/sandboxes/a
expect "starts in all, one of which is deleted" "$(many GET /v1/forkstat | jq .host.start.starts)" 3
api 200 GET /metrics >"$work/metrics"
grep -q '^tine_starts_total 3$' "$work/metrics" || fail "metrics: $(grep tine_start "$work/metrics")"
grep -q '^tine_start_seconds_total{phase="kvm"} [0-9.e-]*$' "$work/metrics" || fail "metrics: $(grep tine_start "$work/metrics")"
echo PASS
