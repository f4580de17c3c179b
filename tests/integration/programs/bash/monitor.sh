# Job control without a terminal: groups of their own, stopped jobs.
set -m
group() { cut -d' ' -f5 /proc/$1/stat; }
sleep 100 & p=$!
[ "$(group $p)" = "$p" ] && echo "job leads its group"
[ "$(group $$)" != "$p" ] && echo "not ours"
kill -STOP $p
while [ "$(cut -d' ' -f3 /proc/$p/stat)" != T ]; do :; done
echo stopped
kill -CONT -$p; kill -TERM -$p; wait $p 2>/dev/null; echo "gone $?"
sleep 100 | sleep 100 & p=$!
g=$(group $p)
n=0
for s in /proc/[0-9]*/stat; do
	[ "$(cut -d' ' -f5 $s 2>/dev/null)" = "$g" ] && n=$((n + 1))
done
echo "members $n"
kill -KILL -$g; wait $p 2>/dev/null; echo "pipeline $?"
sh -c 'exit 5' & wait %1; echo $?
(sleep 100) & kill %%; wait %% 2>/dev/null; echo $?
set +m
sleep 100 & p=$!
[ "$(group $p)" = "$(group $$)" ] && echo "without monitor: our group"
kill $p; wait $p 2>/dev/null; echo $?
