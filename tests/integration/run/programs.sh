#!/bin/bash
# SPDX-License-Identifier: ISC
# programs.sh: every kind of Linux program runs: static and not, at fixed addresses and not, of two C libraries.
# usage: programs.sh KIND...   each is kind.c, built in another way
. "$(dirname "$0")/lib.sh"

for kind; do
	prints 0 fine run "$kind"
	run 139 run "$kind" segv
	run 134 run "$kind" abort
done

# Debian's programs, with the libraries that tine finds for them on the host, and in a root where they have been put.
pipeline='sum=0; while read -r n; do sum=$((sum + n)); done <<EOF
$(for i in 1 2 3; do (echo $((i * i))) & wait; done)
EOF
echo $sum'
perl='use List::Util "sum"; use POSIX "_exit";
	pipe(my $r, my $w); my @pids;
	for my $i (1 .. 3) { my $pid = fork // die; if (!$pid) { syswrite $w, $i * $i . "\n"; _exit($i) } push @pids, $pid }
	close $w; my @lines = <$r>;
	for (@pids) { waitpid $_, 0; die unless $? >> 8 }
	print sum(@lines), "\n"'

prints 0 /dev/null run /bin/readlink /proc/self/fd/0
run 0 run -t /bin/cat

prints 0 14 run bash-static -c "$pipeline"
prints 0 14 run /bin/bash -c "$pipeline"
prints 0 14 run /bin/dash -c "$pipeline"
prints 0 '{"a":[1,2]}' run /usr/bin/jq -nc '{a: [1, 2]}'
run 139 run /bin/dash -c 'kill -SEGV $$'

root=$work/root
"$here/../mkroot" "$root" /bin/bash /bin/dash /usr/bin/jq /usr/bin/perl
base=/usr/lib/x86_64-linux-gnu/perl-base
mkdir -p "$root$base"
cp -a $base/. "$root$base"
prints 0 14 run --rootfs "$root" /bin/bash -c "$pipeline"
prints 0 14 run --rootfs "$root" /bin/dash -c "$pipeline"
prints 0 '{"a":[1,2]}' run --rootfs "$root" jq -nc '{a: [1, 2]}'
prints 0 14 run --rootfs "$root" perl -e "$perl"
run 139 run --rootfs "$root" perl -e 'kill SEGV => $$; sleep 1'
finish
