# Here-documents, descriptors, FIFOs, /proc/self/fd.
cd /tmp || exit 1
cat <<end
plain $((1 + 1)) $(echo sub)
end
cat <<'end'
quoted $((1 + 1)) $(echo sub)
end
cat <<-end
	tabs are taken away
end
cat <<one; cat <<two
first
one
second
two

exec 3>out; echo three >&3; exec 3>&-; cat out
exec 4<out; read line <&4; echo "read $line"; read line <&4 || echo "end of file"; exec 4<&-
(echo gone >&3) 2>/dev/null || echo "3 is closed"
exec 5<>both; echo readwrite >&5; cat both; exec 5>&-
echo one >append; echo two >>append; cat append
{ echo out; echo err >&2; } >o 2>e; cat e o
{ echo out; echo err >&2; } 3>&1 >&2 2>&3 3>&- | sed 's/^/piped: /' 2>&1
set -C; echo x >append 2>/dev/null || echo "noclobber"; echo y >|append; set +C; cat append

# A shared offset: two writers of one open file.
{ echo first; (echo second); echo third; } >shared; cat shared
exec 6<shared; (read a <&6; echo "child: $a"); read a <&6; echo "parent: $a"; exec 6<&-

mkfifo fifo
(for i in 1 2 3; do echo "line $i"; done >fifo) &
while read line; do echo "fifo: $line"; done <fifo
wait
cat fifo & echo through >fifo; wait
exec 7<>fifo; echo both ends >&7; read line <&7; echo "$line"; exec 7>&-

echo "self" | cat /proc/self/fd/0
echo dev | cat /dev/stdin
echo hello >target; exec 8<target; cat /proc/self/fd/8; readlink /proc/self/fd/8; exec 8<&-
rm -f target; ls /proc/self/fd | wc -l
cat </dev/null; echo "null $?"
(echo x >/dev/full) 2>/dev/null; echo "full $?"
(: <nosuchfile) 2>/dev/null; echo "missing $?"
(: >/nosuchdir/x) 2>/dev/null; echo "missing dir $?"
head -c 5 /dev/zero | od -An -tx1
yes | head -n 2
IFS=: read a b c <<end
1:2:3:4
end
echo "$a $b $c"
printf '%s\n' a b c | while read x; do printf '<%s>' "$x"; done; echo
printf '%d %5s|%-5s|%x %o %c %e\n' 42 ab cd 255 8 xyz 1.5
printf '%b\n' 'tab\tnew\\'
(sh -c 'echo to closed stdout' >&-) 2>/dev/null; echo "closed $?"
rm -f out both append o e shared fifo
