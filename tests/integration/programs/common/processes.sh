# Programs about processes: ps, top, timeout, nohup, nice, limits of a user.
sleep 1000 & p=$!
until [ "$(cut -d' ' -f2,3 /proc/$p/stat)" = "(sleep) S" ]; do :; done
ps -o pid,ppid,comm | awk -v p=$p -v me=$$ '$1 == p { print ($2 == me) ? "child" : "orphan", $3 }'
ps -o stat,pid | awk -v p=$p '$2 == p { print $1 }' | cut -c1
pidof sleep | tr ' ' '\n' | grep -cx $p
top -b -n1 | grep -c '[s]leep 1000'; free | awk '/Mem/ { print ($2 > 0 && $3 > 0 && $4 > 0) }'
uptime | grep -c 'load average'; cat /proc/loadavg | wc -w; tr '\0' ' ' </proc/$p/cmdline; echo
readlink /proc/$p/cwd; readlink /proc/$p/root; ls /proc/$p/task | wc -l; grep -E '^(Name|Threads|Uid|Gid|SigBlk)' /proc/$p/status
cut -d' ' -f2,3,4 /proc/$p/stat | sed "s/ $$\$/ parent/"; grep -c heap /proc/self/maps >/dev/null; echo $?
grep -c stack /proc/$p/maps; cat /proc/$p/comm; wc -c </proc/$p/environ >/dev/null && echo environ
kill $p; wait $p 2>/dev/null; echo "killed $?"; [ -d /proc/$p ] || echo gone
timeout 0.2 sleep 5; echo "timeout $?"; timeout 5 sh -c 'exit 3'; echo "in time $?"; timeout -s KILL 0.1 sleep 5 2>/dev/null; echo $?
renice 5 $$ >/dev/null; sh -c 'cut -d" " -f19 /proc/self/stat'; renice -n 30 -p $$; sh -c 'cut -d" " -f19 /proc/self/stat'; renice 0 $$
setsid sh -c 'cut -d" " -f1,5,6 /proc/self/stat | awk "{ print (\$2 == \$3) }"'
(time true) 2>&1 | grep -c real; sh -c 'echo $PPID' | awk -v p=$$ '{ print ($1 == p) }'
env -i A=1 /bin/busybox env; env | grep -c ^PATH=; (unset PATH; /bin/busybox true; echo $?)
id -u; id -un; whoami; hostname >/dev/null; echo $?; uname -s; uname -m; date -d @86400 +%F -u
for i in 3 4 5 6 7 8 9; do eval "exec $i<&-"; done
(ulimit -n 10; ulimit -n; i=3; while (eval "exec $i</dev/null") 2>/dev/null; do i=$((i + 1)); [ $i -gt 9 ] && break; done; echo $i)
(ulimit -f 8; dd if=/dev/zero of=/tmp/big bs=1024 count=100 2>/dev/null; echo $?; stat -c %s /tmp/big); rm -f /tmp/big
(ulimit -v 20000; dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; echo "ulimit -v $?")
(ulimit -t 1; sh -c 'while :; do :; done'; echo "cpu $?") 2>/dev/null
ulimit -c; ulimit -s; (ulimit -S -s 1024; ulimit -s; ulimit -H -s)
sh -c 'f() { f; }; ulimit -s 256; f' 2>/dev/null; [ $? -ne 0 ] && echo "endless recursion ends"

# The limit on the processes of one user does not touch root.
cat >/tmp/many <<'end'
i=0
while [ $i -lt 20 ]; do sleep 100 >/dev/null 2>&1 & i=$((i + 1)); done
echo no refusal
end
chmod 644 /tmp/many
sleeping() { while ! pidof sleep >/dev/null; do :; done; }
(ulimit -u 10; sh /tmp/many) | tail -n 1; sleeping; killall sleep
su nobody -s /bin/sh -c 'ulimit -u 10; sh /tmp/many 2>/dev/null; echo "status $?"'; sleeping; killall sleep; wait
su nobody -s /bin/sh -c 'id -u; cat /root/x 2>/dev/null || echo denied; : >/tmp/mine; stat -c %u /tmp/mine; kill -0 1 2>/dev/null || echo eperm'
su nobody -s /bin/sh -c 'rm -f /tmp/many 2>/dev/null || echo sticky'; chown nobody /tmp/many; stat -c %U /tmp/many; rm -f /tmp/many /tmp/mine
