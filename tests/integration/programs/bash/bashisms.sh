# What bash adds: wait -n, co-processes, process substitution, arrays of statuses.
mkfifo /tmp/{1..5}
(exit 3) & (read </tmp/1; exit 4) & wait -n; echo $?; echo >/tmp/1; wait -n; echo $?; wait -n; echo "none left $?"
(read </tmp/1) & a=$!; (exit 7) & b=$!; wait -n -p which $a $b; echo $? $([ "$which" = "$b" ] && echo second); echo >/tmp/1; wait
for i in {1..5}; do (read </tmp/$i; exit $i) & done; s=; for i in 3 1 5 2 4; do echo >/tmp/$i; wait -n; s="$s $?"; done; echo "order$s"

coproc { while read -r x; do echo "co: $x"; done; exit 6; }
echo one >&${COPROC[1]}; read -r line <&${COPROC[0]}; echo "$line"
echo two >&${COPROC[1]}; read -r line <&${COPROC[0]}; echo "$line"
pid=$COPROC_PID; eval "exec ${COPROC[1]}>&-"; wait $pid; echo "co-process $?"
coproc CAT { cat; }; echo through >&${CAT[1]}; read -r -t 100 line <&${CAT[0]}; echo "$line"; kill $CAT_PID; wait $CAT_PID 2>/dev/null; echo $?

cat <(echo left) <(echo right); diff <(seq 3) <(seq 4); paste <(seq 3) <(seq 4 6)
echo written > >(sed 's/^/through: /'); wait $!
while read -r x; do n=$((n + x)); done < <(seq 10); echo "sum $n"
tee >(wc -l >/tmp/l) >(md5sum >/tmp/m) < <(seq 1000) | tail -n 1; while [ ! -s /tmp/l ] || [ ! -s /tmp/m ]; do sleep 0.01; done; cat /tmp/l /tmp/m
f() { cat "$1"; }; f <(f <(f <(echo nested)))

true | false | (exit 3) | true; echo "${PIPESTATUS[@]}"
set -o pipefail; false | true; echo "pipefail $?"; set +o pipefail
shopt -s lastpipe; echo kept | read -r v; echo "$v"; shopt -u lastpipe
mapfile -t lines < <(printf 'a\nb c\nd\n'); echo "${#lines[@]} ${lines[1]}"
declare -A map=([x]=1 [y]=2); echo "${map[y]}"; echo {a..e}{1..2}; a=(1 2 3); echo "${a[@]:1}" "${#a[@]}"
echo $((2 ** 62)) $((5 > 3 ? 1 : 2)); ((x = 5, x++)); echo $x; printf -v out '%03d' 7; echo "$out"
[[ abc =~ ^a(.)c$ ]] && echo "${BASH_REMATCH[1]}"; s=hello; echo ${s^^} ${s:1:3} ${s/l/L} ${#s}

read -t 0.05 x < <(sleep 20); echo "read -t $([ $? -gt 128 ] && echo timed out)"
read -n 3 x <<<abcdef; echo "$x"; read -d: x <<<a:b; echo "$x"; read -t 0 </dev/null; echo $?
exec {fd}<> <(:); [ "$fd" -ge 10 ] && echo "descriptor chosen"; exec {fd}>&-
[ $BASHPID = $$ ] && echo same; (( $(echo $BASHPID) != $$ )) && echo "another in a subshell"; echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL)
trap 'echo "debug $((++d))"' DEBUG; :; trap - DEBUG
trap 'echo "err at $?"' ERR; false; (exit 9); trap - ERR; g() { trap 'echo returned' RETURN; }; g; trap - RETURN
trap 'r=chld' CHLD; sleep 0.01 & wait; echo ${r:-none}; trap - CHLD
kill -l | head -n 3; kill -l 34 64 137; kill -l RTMIN+1

set -m
sleep 100 & sleep 100 & jobs | sed 's/\[[0-9]*\].*\(Running\)/\1/'; kill %1 %2; wait 2>/dev/null; jobs >/dev/null
(kill -STOP $BASHPID; exit 8) & p=$!; while [[ $(</proc/$p/stat) != *') T '* ]]; do :; done; wait %1; echo "wait of a stopped job $?"
jobs | awk '{ print $2 }'; kill -CONT %1; wait $p; echo "continued $?"
sleep 100 & disown; jobs; kill $!; wait $! 2>/dev/null; echo "disowned $?"
set +m
ulimit -u >/dev/null; echo $?; (ulimit -u 5; ulimit -u; ulimit -Hu); ulimit -Sn 100; ulimit -n
printf 'ulimit -u 20; for ((n = 0; n < 60; n++)); do sleep 100 >/dev/null 2>&1 & done; echo not here\n' >/tmp/many
su nobody -s /bin/bash -c 'bash /tmp/many 2>&1 | sed "s/.*fork: /fork: /" | tail -n 1'; while ! pidof sleep >/dev/null; do :; done; killall sleep; rm /tmp/many
b() { [ $1 -eq 0 ] || b $(($1 - 1)); }; b 1000; echo "deep function"
{ time sleep 0.01; } 2>&1 | grep -c -E 'real|user|sys'; times | wc -l
exec 3< <(sleep 0.1; echo late); cat <&3; exec 3<&-; help wait >/dev/null && echo builtins
x=$(kill -SEGV $BASHPID) 2>/dev/null; echo $?; (kill -KILL $BASHPID); echo $?
[ -t 0 ] || echo "no terminal"; enable -n echo; type -t echo; enable echo; command -v cat; hash -r; type -t cat
for ((i = 0; i < 30; i++)); do printf '%s ' "$(echo $i)"; done; echo; echo done | (exec cat)
exec -a renamed bash -c 'echo $0 $(tr "\0" " " </proc/$$/cmdline)'
