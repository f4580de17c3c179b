#!/bin/bash
# SPDX-License-Identifier: ISC
# host.sh: a host on which no sandbox can run is told what it lacks, by `tine run`, `tine check` and the daemon.
# usage: host.sh PROGRAM, some static program.  It changes the host that it runs on: only for an emulated machine.
. "$(dirname "$0")/lib.sh"

program=$1
[ "${TINE_MACHINE:-}" = npt ] || { echo "FAIL: this is no emulated machine"; exit 1; }

# lacks PATTERN
lacks() {
	refused 125 "$1" run "$program"
	refused 125 "$1" run --no-template "$program"
	run 1 check --json && [ "$(jq .capable "$work/out")" = false ] || complain "check --json: $(cat "$work/out")"
	run 1 check || return
	grep -q '^sandboxes  *cannot run here$' "$work/out" || complain "check: $(cat "$work/out")"
	# shellcheck disable=SC2053
	[[ $(tail -n 1 "$work/out") == $1 ]] || complain "check: \"$(tail -n 1 "$work/out")\" is not like \"$1\""
}

run 0 check
prints 0 "0 forks, 0 vforks" run "$program"

echo N >"$work/off"
mount --bind "$work/off" /sys/module/kvm_amd/parameters/npt
lacks 'nested paging (NPT) is off: the parameter npt of module kvm_amd is not on*'
umount /sys/module/kvm_amd/parameters/npt

mount -t tmpfs none /sys/module
lacks 'KVM of this host works without nested paging (neither kvm_intel nor kvm_amd is loaded*'
umount /sys/module

# Root may open whatever there is, but for a device on a file system without devices.
mkdir "$work/nodev"
mount -t tmpfs -o nodev none "$work/nodev"
mknod "$work/nodev/kvm" c 10 232
mount --bind "$work/nodev/kvm" /dev/kvm
lacks 'no permission to open /dev/kvm: become a member of its group*'
umount /dev/kvm "$work/nodev"

cp "$(command -v tine)" "$work/tine"
chmod 755 "$work" "$work/tine"
chmod 600 /dev/kvm
said=$(chroot --userspec=65534:65534 / "$work/tine" check </dev/null)
[ $? -eq 1 ] || complain "check as another user: exit status $?"
[[ $said == *'/dev/kvm        not permitted'*'usermod -aG kvm USER'* ]] || complain "check as another user: $said"

mv /dev/kvm "$work/kvm"
lacks 'there is no /dev/kvm: load the module kvm_intel or kvm_amd*'

# The daemon starts, says so, and refuses each sandbox for the same reason.
export TINE_SOCKET=$work/sock
mkfifo "$work/log"
tine serve 2>"$work/log" &
daemon=$!
exec 3<"$work/log"
read -r line <&3
[[ $line == 'tine: this host cannot run sandboxes: there is no /dev/kvm'* ]] || complain "serve: $line"
read -r line <&3
[[ $line == *listening* ]] || complain "serve: $line"
refused 1 '*there is no /dev/kvm*' spawn --name lost
kill $daemon
wait $daemon || complain "serve: exit status $?"

mv "$work/kvm" /dev/kvm
prints 0 "0 forks, 0 vforks" run "$program"
finish
