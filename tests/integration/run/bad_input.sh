#!/bin/bash
# SPDX-License-Identifier: ISC
# bad_input.sh: whatever is wrong with what `tine run` is given is told in one line, by its exit status, and at once.
# usage: bad_input.sh BREAKELF KERNEL INSIDE, the last a guest program of tests/integration/clone
. "$(dirname "$0")/lib.sh"

breakelf=$1 kernel=$2 inside=$3
static=$inside # some program that runs
# A small root: it is packed for each run.
root=$work/root
mkdir -p "$root/bin" "$root/etc"
cp "$(command -v busybox)" "$root/bin/sh"
ln "$root/bin/sh" "$root/bin/true"
echo root >"$root/etc/name"
bad=$work/bad
mkdir "$bad"

# ---- programs: of this host, and inside a root file system

# program NAME HOST-PATTERN GUEST-PATTERN
program() {
	chmod 755 "$bad/$1"
	cp "$bad/$1" "$root/bin"
	refused 126 "*$1$2" run "$bad/$1"
	refused 126 "/bin/$1$3" run --rootfs "$root" "/bin/$1"
}

# broken WHAT HOST-PATTERN GUEST-PATTERN
broken() {
	"$breakelf" "$static" "$bad/$1" "$1" || complain "breakelf $1"
	program "$@"
}

broken not-elf ' is not an ELF file' ': it is neither an ELF file nor a script: Exec format error'
broken class-32 ' is not a 64-bit ELF file*' ': it is not a 64-bit*: Exec format error'
broken machine ' is for ELF machine 183, not x86-64*' ': it is not for x86-64: Exec format error'
broken object ' is not an executable*' ': it is not an executable: Exec format error'
broken short-header ' ends within the ELF header*' ': it is too short for an ELF file: Exec format error'
broken short-phdrs ' ends before its program headers*' ': it ends before its program headers: Exec format error'
broken short-segment '* goes beyond the end of the file*' ': it has a segment beyond its end: Exec format error'
broken overlap ': segments 0 and 1 overlap' ': it has segments that overlap*: Exec format error'
broken no-segments ' has no loadable segment' ': it has no segment to load: Exec format error'

"$breakelf" /bin/bash "$bad/interpreter" interpreter
program interpreter ' needs the interpreter /Xib64/*: No such file or directory' \
	': its interpreter /Xib64/*: No such file or directory'
printf '#!/no/such\n' >"$bad/script"
program script ' needs the interpreter /no/such: No such file or directory' ': its interpreter /no/such: No such file or directory'
: >"$bad/empty"
program empty ' is empty' ': it is too short for an ELF file: Exec format error'

cp "$static" "$bad/not-executable"
chmod 644 "$bad/not-executable"
cp "$bad/not-executable" "$root/bin"
refused 126 '*not-executable is not an executable file' run "$bad/not-executable"
refused 126 'not-executable: Permission denied' run --rootfs "$root" not-executable
refused 126 "*bad is not an executable file" run "$bad"
refused 126 '/bin: Permission denied' run --rootfs "$root" /bin
refused 127 '/no/such: no such program on this host' run /no/such
refused 127 'no-such: no such program on this host' run no-such
refused 127 '/no/such: No such file or directory' run --rootfs "$root" /no/such
refused 127 'no-such: No such file or directory' run --rootfs "$root" no-such
refused 127 'the program has no name' run ''
refused 127 'the program has no name' run --rootfs "$root" ''

# ---- arguments and variables

refused 125 'no program given*' run
refused 125 'no program given*' run --rootfs "$root" --
refused 126 '*: working directory /no/such: No such file or directory' run -w /no/such "$static"
refused 126 '*: working directory /bin/sh: Not a directory' run --rootfs "$root" -w /bin/sh true
# 2 MiB are the limit of both together, as on Linux.
long=$(head -c 131000 /dev/zero | tr '\0' x)
prints 0 131000 run --rootfs "$root" sh -c 'echo ${#1}' - "$long"
strings=() variables=()
for i in $(seq 17); do
	strings+=("$long")
	variables+=(-e "V$i=$long")
done
stack=$(ulimit -s)
ulimit -S -s unlimited # or the kernel outside would refuse to start tine
refused 125 'arguments and environment take * bytes; 2097152 are the limit' run --rootfs "$root" true "${strings[@]}"
refused 125 'arguments and environment take * bytes; 2097152 are the limit' run --rootfs "$root" "${variables[@]}" true
ulimit -S -s "$stack"
unset strings variables long # each fork copies them, slowly in an emulated machine

# ---- options

refused 125 "unrecognized option '--bogus'" run --bogus true
refused 125 "option requires an argument -- 'm'" run -m
for memory in 0 15 65537 99999999999999999999 -5 x 1.5 ''; do
	refused 125 "--memory \"$memory\": a number of MiB from 16 to 65536 is needed" run -m "$memory" true
done
for user in x 1: :1 1:2:3 4294967295; do
	refused 125 "--user \"$user\": numbers *" run -u "$user" true
done
for seconds in 0 -1 x nan; do
	refused 125 "--timeout \"$seconds\": a number of seconds *" run --timeout "$seconds" true
done
refused 125 '--env "=x": NAME=VALUE or NAME is needed' run -e =x true
refused 125 '--add "x": HOST:GUEST*' run --add x true
refused 125 '--add "/etc/passwd:x": HOST:GUEST*' run --add /etc/passwd:x true
refused 125 '"/" is not the absolute path of a file in the sandbox' run --add /etc/passwd:/ "$static"
refused 125 '/no/such: No such file or directory' run --add /no/such:/x "$static"
refused 125 'a host name has 1 to 63 bytes, not 300' run --hostname "$(head -c 300 /dev/zero | tr '\0' x)" "$static"
refused 125 '"x" is not of the form NAME=VALUE' run --sysctl x "$static"
refused 125 'kernel variable no.such=1: there is none of this name' run --sysctl no.such=1 "$static"
refused 125 'kernel variable kern.ostype=x: it cannot be set' run --sysctl kern.maxproc=100 --sysctl kern.ostype=x "$static"
refused 125 'kernel variable kern.maxproc=x: it does not take this value' run --no-template --sysctl kern.maxproc=x "$static"
refused 125 '"nonsense" is neither unix:PATH nor a port*' run --gdb nonsense "$static"
refused 125 '/no/such/file: No such file or directory' run --stats=/no/such/file "$static"
run 2 check extra && [ "$(head -n 1 "$work/err")" = 'usage: tine check [OPTION]...' ] || complain "tine check extra"

# ---- root file systems

(cd "$root" && find bin/sh etc | cpio -o -H newc 2>/dev/null) >"$work/good.cpio"
tar -C "$root" -cf "$work/good.tar" bin/sh etc
for kind in cpio tar; do
	prints 0 root run --rootfs "$work/good.$kind" sh -c 'read name </etc/name; echo $name'
	head -c 700000 "$work/good.$kind" >"$work/short.$kind"
done
gzip -c "$work/good.tar" | head -c 300000 >"$work/short.tar.gz"
cp "$work/good.tar" "$work/damaged.tar"
printf XXXX | dd of="$work/damaged.tar" bs=1 seek=100 conv=notrunc 2>/dev/null
head -c 10000 "$static" >"$work/other"
: >"$work/empty"
mkfifo "$work/fifo"
rootfs() { refused 125 "root file system */$1$2" run --rootfs "$work/$1" true; }
rootfs short.tar ': Truncated tar archive*'
rootfs short.cpio ': *'
rootfs short.tar.gz ': truncated gzip input'
for name in damaged.tar other empty; do
	rootfs $name ' is no directory, tar or cpio archive or EROFS image'
done
rootfs fifo ' is neither a directory nor a regular file'
rootfs no-such ': No such file or directory'

# ---- guest kernels

# kernel WHAT PATTERN
kernel() {
	"$breakelf" "$kernel" "$work/$1" "$1" || complain "breakelf $1"
	refused 125 "*/$1$2" run --kernel "$work/$1" "$static"
}
version=$(sed -n 's/^#define TINE_ABI_VERSION \([0-9]*\)u$/\1/p' "$here/../../../guest/arch/x86_64/abi/abi.h")
kernel abi " speaks version $((version + 1)) of the kernel interface, this tine speaks version $version"
kernel no-note ' is not a tine kernel (it has no note "tine")'
kernel short-segment ' is not a tine kernel*'
kernel not-elf ' is not an ELF file'
kernel machine ' is for ELF machine 183, not x86-64*'
kernel overlap ': segments 0 and 1 overlap*'
kernel entry ': entry point 0x1234 is not within an executable segment*'
kernel placement ': segment * wants physical memory *'
refused 125 'guest kernel /no/such: No such file or directory' run --kernel /no/such "$static"
TINE_KERNEL=/no/such refused 125 'guest kernel /no/such (TINE_KERNEL): No such file or directory' run "$static"
# It cannot be told from a good one before it runs.
"$breakelf" "$kernel" "$work/code" code
run 125 run --no-template --kernel "$work/code" "$static" &&
	{ grep -q '^tine: triple fault: ' "$work/err" || complain "a kernel that cannot run: $(cat "$work/err")"; }

# ---- what the caller's streams and limits refuse

# told STATUS LINE COMMAND: run by a shell, with `tine' and a root.
told() {
	local status said
	said=$(root=$root program=$static bash -c "$3" 2>&1)
	status=$?
	[ $status -eq "$1" ] || complain "$3: exit status $status, not $1"
	# shellcheck disable=SC2053
	[[ $said == $2 ]] || complain "$3: said \"${said:0:400}\", not \"$2\""
}
told 141 'tine: standard output: No space left on device' 'tine run --rootfs "$root" sh -c "while echo x; do :; done" 2>&1 >/dev/full'
told 0 $'tine: standard input: Is a directory\n1' 'tine run --rootfs "$root" sh -c "read x; echo \$?" <"$root"'
told 0 'tine: /dev/full: No space left on device' 'tine run --stats=/dev/full --rootfs "$root" true'
told 125 'tine: *: File too large' 'ulimit -f 0; tine run --no-template --rootfs "$root" true'
# nohup gives a standard input that cannot be read; a script that ignores SIGPIPE, a reader that has gone.
told 0 1 'tine run --rootfs "$root" sh -c "read x; echo \$?" 0>/dev/null'
told 141 x "trap '' PIPE; { tine run --rootfs \"\$root\" sh -c 'while echo x; do :; done'; echo \$? >&3; } 3>\"\$root/status\" | read -r x; echo x; read -r x <\"\$root/status\"; exit \$x"

# ---- a program that asks `tine run` for what only a daemon has: clones

prints 0 'vmfork -1 1 generation 1' run --sysctl kern.vmfork=1 "$inside" vmfork
finish
