# Traps, signals between processes, exit statuses of the killed.
kill -l 9; kill -l 15; kill -l TERM 2>/dev/null
trap 'echo usr1' USR1; kill -USR1 $$; echo after
trap 'echo usr2; (exit 5)' USR2; kill -USR2 $$; echo "status kept $?"
trap - USR1 USR2
(trap 'echo exit trap' EXIT; echo body; exit 4); echo "status $?"
(trap 'echo by exit' EXIT; trap 'exit 6' TERM; sh -c "kill -TERM \$PPID"; while :; do sleep 1; done); echo "status $?"
trap '' HUP; sh -c 'kill -HUP $$; echo ignored is inherited'; trap - HUP
(sh -c 'kill -HUP $$; echo not here'); echo "hup $?"
for s in INT QUIT ABRT KILL SEGV PIPE ALRM TERM USR1; do
	(ulimit -c 0; sh -c "kill -$s \$\$; sleep 5"); echo "$s $?"
done 2>/dev/null
for s in CHLD CONT URG WINCH; do sh -c "kill -$s \$\$; exit 3"; echo "$s $?"; done

# SIGPIPE ends a writer whose reader has gone.
(yes 2>/dev/null; echo "writer $?" >&2) 2>&1 | head -n 1
exec 3>&1; (trap '' PIPE; yes 2>/dev/null; echo "ignoring writer $?" >&3) | head -n 1; exec 3>&-

# wait ends when a trapped signal comes, and can be asked again.
trap 'echo got term' TERM
mkfifo /tmp/go
(read x </tmp/go; exit 7) & p=$!
(until [ "$(cut -d' ' -f3 /proc/$$/stat)" = S ]; do :; done; kill -TERM $$) & k=$! # as soon as the shell sleeps: in the wait
wait $p; [ $? -gt 128 ] && echo "wait interrupted"
wait $k; echo >/tmp/go; wait $p; echo "child $?"
trap - TERM
wait

# Stopped and continued.
stopped() { while [ "$(cut -d' ' -f3 /proc/$1/stat)" != T ]; do :; done; echo stopped; }
sh -c 'kill -STOP $$; exit 12' & p=$!; stopped $p; kill -CONT $p; wait $p; echo "continued $?"
sleep 100 & p=$!; kill -STOP $p; stopped $p; kill -TERM $p; stopped $p
kill -CONT $p; wait $p 2>/dev/null; echo "then dead $?"
sleep 100 & p=$!; kill -STOP $p; kill -KILL $p; wait $p 2>/dev/null; echo "killed while stopped $?"
kill -0 $p 2>/dev/null || echo gone
kill -TERM 2000000 2>/dev/null || echo "no such process"
wait 2000000 2>/dev/null; echo "not a child $?"

# A group: all members get it.
setsid sh -c 'sleep 100 & sleep 100 & trap "" TERM; kill -TERM 0; wait; echo "group killed"' 2>/dev/null
sleep 100 & a=$!; sleep 100 & b=$!; kill $a $b; wait $a 2>/dev/null; echo $?; wait $b 2>/dev/null; echo $?
trap 'echo bye' EXIT
exit 11
