# Background jobs and what wait tells of them.
(exit 3) & a=$!; (exit 4) & b=$!; wait $b; echo $?; wait $a; echo $?
wait; echo "wait without children $?"
for i in 1 2 3 4 5 6 7 8; do (exit $i) & pids="$pids $!"; done
for p in $pids; do wait $p; printf '%s ' $?; done; echo
# What must come later waits until it is told: nothing here depends on how fast a process is.
mkfifo /tmp/1 /tmp/2 /tmp/3 /tmp/4
(read x </tmp/1; echo slow) & (echo quick); echo >/tmp/1; wait
for i in 4 3 2 1; do (read x </tmp/$i; echo $i; [ $i = 4 ] || echo >/tmp/$((i + 1))) & done; echo >/tmp/1; wait
cat <<end | { read x; cat & wait; echo "first $x"; }
1
2
3
end
{ read x </tmp/1; echo late; } | { echo early; echo >/tmp/1; cat; }
# Background jobs of a script do not read its input.
cat & wait $!; echo "cat $?"
p=$(sh -c 'sleep 0.1 & echo $!'); [ "$p" -gt 1 ] && echo "substitution waits for the pipe only"
n=0; while [ $n -lt 100 ]; do : & n=$((n + 1)); done; wait; echo "100 jobs"
(sleep 100 & a=$!; sleep 100 & b=$!; kill $b; wait $b; echo $?; kill $a; wait; echo done) 2>/dev/null
x=$(sleep 0.01 & wait $!; echo $?); echo "in substitution $x"
sh -c 'exit 42' & wait $!; echo $?
exec sh -c 'echo "pid kept"; exit 9'
