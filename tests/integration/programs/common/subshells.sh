# Nested subshells, functions, command substitution, pipelines: what forks in every script.
x=outer
(x=one; (x=two; (x=three; echo $x; exit 3); echo "$? $x"; exit 2); echo "$? $x"; exit 1)
echo "$? $x"

deep() {
	if [ $1 -eq 0 ]; then echo bottom; return 7; fi
	(deep $(($1 - 1)))
}
deep 25
echo "deep $?"

count() {
	[ $1 -eq 0 ] || { count $(($1 - 1)); n=$((n + 1)); }
}
n=0
count 200
echo "recursion $n"

echo $(echo $(echo $(echo $(echo five deep))))
echo "$(printf 'a\n\nb\n\n\n')|"
echo `echo \`echo backquotes\``

true | false; echo "last $?"
false | true; echo "last $?"
! true; echo "not $?"
(exit 300); echo "wraps $?"
echo x | cat | cat | cat | wc -c

# A pipeline of 200 processes, all of them at once.
p='echo start'
i=0
while [ $i -lt 200 ]; do p="$p | cat"; i=$((i + 1)); done
eval "$p"

# Much data through a chain, and its sum.
dd if=/dev/zero bs=4096 count=512 2>/dev/null | tr '\0' x | cat | md5sum

# Children that outlive their parent.
(sh -c '(read line; echo "orphan: $line" >&3) <&4 &' 3>&1 4<<end
given
end
) | cat

i=0
while [ $i -lt 40 ]; do (exit $i) || s=$((${s:-0} + $?)); i=$((i + 1)); done
echo "sum of 40 children: $s"

a=1; { a=2; }; echo $a; { a=3; } | cat; echo $a
f() { local y=inner; echo $y; return $1; }
f 9; echo "f $? ${y:-unset}"
if (exit 1); then echo no; elif (exit 0); then echo elif; fi
case $(echo abc) in a*c) echo case;; esac
(echo err >&2) 2>&1 | sed s/e/E/
echo $((1 << 40)) $((7 % 3)) $((-7 / 2)) $((0x1f)) $((010)) $(((1 + 2) * 3))
