# What zsh adds: co-processes by -p, =(...), MULTIOS, glob qualifiers, modules.
coproc while read x; do echo "co: $x"; done
print -p one; read -p line; print $line; print -p two; read -p line; print $line; kill $!; wait 2>/dev/null
cat =(echo temporary); cat <(echo left) <(echo right); diff =(seq 3) =(seq 4) | tail -n +3
echo written > >(sed 's/^/through: /') | cat; print -l a b > /tmp/m1 > /tmp/m2; cat /tmp/m1 /tmp/m2; cat < /tmp/m1 < /tmp/m2
mkdir -p /tmp/z/{a,b}/c && cd /tmp/z; touch a/f b/f a/c/g; print -l **/*(.); print **/*(/); print *(Y1:t) >/dev/null; print a/*(on)
print ${(U):-upper} ${(s:,:):-x,y,z} ${(j:+:)${(s:,:):-x,y,z}}; a=(3 1 2); print ${(o)a} $#a $a[-1]; typeset -A h; h=(k v); print $h[k]
true | false | (exit 3) | true; print $pipestatus; setopt pipefail; false | true; print $?; unsetopt pipefail
echo kept | read v; print $v
{ print try; (exit 4) } always { print always $? }; print $?
TRAPUSR1() { print "trapped $1"; return 0 }; kill -USR1 $$; unfunction TRAPUSR1
TRAPEXIT() { print "exit of a function" }; f() { trap 'print leaving' EXIT; print in }; f
(exit 3) & wait $!; print $?; (sleep 0.05; exit 4) & p1=$!; (exit 5) & p2=$!; wait $p1; print $?; wait $p2; print $?
for i in {1..20}; do (exit $i) & done; wait; print waited
sleep 100 & kill %1; wait %1 2>/dev/null; print $?; sleep 100 &! ; kill $!; print disowned
zmodload zsh/datetime && (( EPOCHSECONDS > 0 )) && print clock; zmodload zsh/stat && stat +size /scripts/zshisms.sh >/dev/null && print stat
zmodload zsh/files && mkdir -p m/n && rmdir m/n && print files
read -t 0.05 x < <(sleep 20); print $?; read -k 3 x <<<abcdef; print $x
ulimit -n 64; ulimit -n; limit descriptors | tr -s ' '; (ulimit -u 30; ulimit -u); umask 027; umask -S
f() { (( $1 )) && f $(( $1 - 1 )) }; f 200; print recursion; print $(( 16#ff )) $(( [#16] 255 )) $(( 2 ** 40 ))
setopt noclobber; print x > c; (print y > c) 2>/dev/null || print noclobber; print z >| c; cat c
print ${$(cat /proc/self/stat)[2]}; print x | { [[ -p /dev/stdin ]] && print pipe }; print ${(%):-%x}; [[ $ZSH_SUBSHELL = 0 ]] && (print $ZSH_SUBSHELL)
x=$(sh -c 'kill -TERM $PPID'; sleep 1); print $?; (sh -c 'kill -9 $PPID'; sleep 1); print $?
unfunction TRAPEXIT; cd /; rm -rf /tmp/z; TRAPEXIT() { print bye }; exit 13
