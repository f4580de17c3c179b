# busybox's own shell and what it does in itself.
echo ${PPID:+parent}; type cat | head -n 1; command -v [; local_f() { local a=1; echo $a; }; local_f
read -t 1 x <<end
quick
end
echo $x; sleep 2 | read -t 0 x; echo "read -t $([ $? -ne 0 ] && echo nothing)"
echo abc | { read -n 2 x; echo $x; }; printf 'a b\0' | xargs -0 echo; let x=3+4; echo $x
echo ${x:-d} ${y:-d} ${x##*/} ; s=path/to/file.c; echo ${s%.c} ${s##*/} ${#s}; echo $((x * 2)); getopts ab: o -a -b v; echo $o
kill -l | head -n 1; trap 'echo chld' CHLD; (exit 1) & wait; trap - CHLD
echo 'echo sourced $1' >/tmp/s; . /tmp/s; rm /tmp/s; eval 'echo evaluated'; times | wc -l
set -e; (set +e; false; echo on); set +e; set -u; (echo $undefined) 2>/dev/null; echo $?; set +u; set -f; echo *; set +f
for c in awk bc cal cksum crc32 dc expr factor fold hexdump hd nl od rev sha1sum shuf sum tac unix2dos uuencode; do
	printf '%s: ' $c; busybox $c --help >/dev/null 2>&1 && echo yes || echo no
done
echo '3 4 * p' | dc; echo '2^64' | bc; factor 1001; cal 2 2024 | head -n 1; expr 3 \* 4; printf abc | sha1sum
printf 'x\n' | uuencode -m f | sed -n 2p; seq 5 | tac | tr '\n' ' '; echo; seq 3 | nl; fold -w 3 <<end
abcdefg
end
mkdir /tmp/w; (cd /tmp/w; echo data >f; ln -s f l; readlink -f l; realpath l; mkfifo p; ls -l p | cut -c1); rm -r /tmp/w
chroot / /bin/echo chrooted; env - A=b sh -c 'echo $A'; tty; stty 2>/dev/null || echo "no terminal"
start-stop-daemon -S -b -x /bin/sleep -- 300; while ! pidof sleep >/dev/null; do :; done; start-stop-daemon -K -x /bin/sleep >/dev/null; echo "daemon $?"; while pidof sleep >/dev/null; do :; done
watch -t -n 1 'kill $PPID' >/dev/null 2>&1; echo "watch $?"; usleep 1000; which ls; logname 2>/dev/null; echo $?
echo "$(ulimit -a | wc -l)"; ionice -c 3 true 2>/dev/null; taskset 1 echo pinned; ls -la /proc/self/ns 2>/dev/null | wc -l >/dev/null
