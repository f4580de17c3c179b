#!/bin/bash
# SPDX-License-Identifier: ISC
# limits.sh: a program that takes all processes or all memory is refused or killed; the shell that started it goes on.
. "$(dirname "$0")/lib.sh"

root=$work/root
mkdir -p "$root/bin" "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
chroot "$root" /bin/busybox --install -s /bin
cp "$(command -v bash-static)" "$root/bin/bash"

# The bomb's own words are what is waited for.  Only builtins work before the kill, and until its victims have gone.
bomb='FUNCTION(){ FUNCTION|FUNCTION& }; (FUNCTION) 2>/tmp/said &
until [ -s /tmp/said ]; do true; done
read -r line </tmp/said
case $line in *fork*"Resource temporarily unavailable"*) echo refused ;; *) echo "$line" ;; esac
kill -9 -1
while set -- /proc/[0-9]*; [ $# -gt 3 ]; do true; done
echo "and then $(ls /bin/busybox)"'
for shell in sh bash; do
	name=b
	[ $shell = sh ] || name=: # which ash refuses to redefine
	prints 0 $'refused\nand then /bin/busybox' run --sysctl kern.maxproc=60 --rootfs "$root" $shell -c "${bomb//FUNCTION/$name}"
done

# One process takes more than there is.
run 137 run -m 32 -v --rootfs "$root" dd if=/dev/zero of=/dev/null bs=1G count=1
grep -q 'out of memory' "$work/err" || complain "dd: no message: $(cat "$work/err")"
prints 0 $'137\nand then /bin/busybox' run -m 32 --rootfs "$root" sh -c 'dd if=/dev/zero of=/dev/null bs=1G count=1; echo $?
	echo "and then $(ls /bin/busybox)"'
# Files take it: that is an error for who writes them, and they can be removed.
prints 0 $'1\nNo space left on device\nand then /bin/busybox' run -m 32 --rootfs "$root" sh -c '
	said=$(dd if=/dev/zero of=/tmp/file bs=64k 2>&1); echo $?
	echo "$said" | grep -o "No space left on device"; rm /tmp/file; echo "and then $(ls /bin/busybox)"'
finish
