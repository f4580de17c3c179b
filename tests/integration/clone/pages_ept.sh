#!/bin/bash
# SPDX-License-Identifier: ISC
# pages_ept.sh: clonetest's pages on an Intel CPU, where the emulator names every EPT violation: as many as the statistics count.
#
# usage: pages_ept.sh EPT CLONETEST TINE INSIDE BUILD; EPT is tests/machine/ept, BUILD the folder it shares
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$1" -t 280 -b "$5" -E "$work/violations" -- "$2" "$3" "$4" pages | tee "$work/out"
grep -q '^PASS$' "$work/out"
counted=$(sed -n 's/ nested faults$//p' "$work/out")
logged=$(wc -l <"$work/violations")
if [ "$counted" != "$logged" ]; then
	echo "FAIL: the statistics count ${counted:-nothing}, the emulator's log has $logged violations"
	exit 1
fi
echo "$logged violations in the emulator's log, as many in the statistics"
