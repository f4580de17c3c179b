# Directories, globbing, archives, attributes.
umask 022
rm -rf /tmp/f; mkdir -p /tmp/f/big /tmp/f/a/b/c && cd /tmp/f || exit 1
i=0; while [ $i -lt 1000 ]; do : >big/file$i; i=$((i + 1)); done
set -- big/*; echo $#; set -- big/file1??; echo $#; set -- big/*[02468]; echo $#; set -- big/none*; echo "$1"
echo big/file99*
ls big | sort | md5sum
ls big | wc -l; find big -name '*7' | wc -l; find big -type f -name 'file9' -exec echo found {} \;
rm big/*5; ls big | wc -l
find . -type d | sort
echo text >a/x; ln a/x a/hard; ln -s x a/soft; ln -s nowhere a/dangling; ln -s ../a a/loop
stat -c '%n %F %s %h %a' a/x a/hard a/soft a/dangling | sort
readlink a/soft; readlink a/dangling; cat a/soft a/loop/loop/x; cat a/dangling 2>/dev/null || echo dangling
rm a/loop; [ a/x -ef a/hard ] && echo same; [ -L a/soft ] && echo link; [ -e a/dangling ] || echo broken
chmod 640 a/x; stat -c %a a/hard; chmod u+s,g-r a/x; stat -c %a a/x; chmod 1777 a/b; stat -c %a a/b
touch -d '2001-02-03 04:05:06' a/x; stat -c %Y a/x; touch a/newer; [ a/newer -nt a/x ] && echo newer
touch -r a/x a/ref; stat -c %Y a/ref
(umask 077; : >a/private; mkdir a/pd; stat -c %a a/private a/pd); umask
mkdir a/b 2>/dev/null || echo exists; rmdir a 2>/dev/null || echo "not empty"; rm a/b 2>/dev/null || echo directory
mv a/x a/b/moved; cat a/b/moved; mv a/b b; ls b; mv -f b/moved b/c; ls -R b; mv nothing b 2>/dev/null || echo nothing
rm a/dangling; cp -r a copy; diff -r a copy && echo equal; rm copy/hard; diff -r a copy; rm -r copy; ln -s ../a a/loop
dd if=/dev/zero of=sparse bs=1 count=1 seek=1000000 2>/dev/null; stat -c %s sparse; md5sum sparse; du -k sparse | cut -f1
dd if=sparse bs=1000 skip=999 2>/dev/null | wc -c; truncate -s 10 sparse; stat -c %s sparse
i=0; while [ $i -lt 300 ]; do echo "line $i of a text that can be compressed"; i=$((i + 1)); done >text
gzip -c text >text.gz; gzip -dc text.gz | cmp - text && echo "gzip round trip"; bzip2 -c text | bunzip2 -c | cmp - text && echo bzip2
tar cf t.tar a text; tar tf t.tar | sort; mkdir x; (cd x && tar xf ../t.tar && cmp text ../text && readlink a/soft)
tar czf - big | tar xzf - -C x; ls x/big | wc -l
find a | sort | cpio -o -H newc 2>/dev/null >a.cpio; mkdir y; (cd y && cpio -id <../a.cpio 2>/dev/null)
find a | sort | cmp - <<end && echo "cpio round trip"
$(cd y && find a | sort)
end
cmp text t.tar 2>/dev/null; echo "cmp $?"
sort -rn -k2 text | head -n 2; sort -u text | wc -l; uniq -c text | tail -n 1; grep -c 'line 1' text; grep -n 'line 29[0-9]' text | tail -n 1
sed -n '5,7s/line \([0-9]*\).*/\1/p' text; sed -i 2d text; wc -l <text
awk '{ s += $2 } END { print s, NR }' text; awk 'BEGIN { while ("echo a b" | getline) print $2; system("exit 3") }'
cut -d' ' -f2 text | paste -s -d, | cut -c1-20; tr a-z A-Z <text | head -n 1; tail -c 5 text | od -An -c; rev <text | head -n 1
seq 1 20 | xargs -n 5 echo; seq 1 8 | xargs -P 4 -n 1 sh -c 'exit 0' x && echo parallel; seq 3 | xargs -I{} echo "<{}>"
md5sum text | cut -c1-32; sha256sum text | cut -c1-16
(cd a && pwd; cd ..; pwd; cd -) ; cd -P a/loop && pwd; cd /tmp/f || exit 1
mkdir d; cd d; rmdir ../d; pwd; ls 2>&1 | wc -l; (: >x) 2>/dev/null || echo "directory is gone"; cd ..
mktemp -d /tmp/f/tmp.XXXXXX | sed 's/......$//'; test -w text; echo $?; [ -s text ] && [ -r text ] && [ ! -x text ] && echo tests
echo 'echo script $0 $1; exit 5' >s; chmod +x s; ./s arg; echo $?; printf '#!/bin/sh\necho hash bang $1\n' >h; chmod +x h; ./h x
printf '#!/bin/cat -n\nnumbered\n' >n; chmod +x n; ./n | head -n 3; ./text 2>/dev/null; echo $?; ./missing 2>/dev/null; echo $?
printf '#!/nowhere\n' >n; ./n 2>/dev/null; echo $?; /tmp 2>/dev/null; echo $?
cd /; rm -rf /tmp/f; ls /tmp/f 2>/dev/null || echo removed
