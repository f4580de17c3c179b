# images.sh: the disks of the machines, as EROFS images in the cache: the tools, the checkout, and what else is shared.

# make_image OUT OPTIONS... DIR: an uncompressed image that appears under its name only when it is whole.
make_image() {
	local out=$1
	shift
	mkfs.erofs --quiet "${@:1:$#-1}" "$out.$$" "${@: -1}" >"$out.$$.log" 2>&1 || { cat "$out.$$.log" >&2; rm -f "$out.$$"*; return 1; }
	# A resumed machine believes in the size its disk had when it was saved: all have one size, most of it a hole.
	truncate -s 64G "$out.$$" && mv "$out.$$" "$out" && rm -f "$out.$$.log"
}

# What a machine has besides busybox: all programs of these packages, and these single ones, as far as the host has them.
TOOLS_PACKAGES=(coreutils bash dash grep sed findutils diffutils mawk tar gzip procps)
TOOLS_PROGRAMS=(curl jq strace script setsid unshare nsenter mount umount lscpu prlimit taskset flock getopt hexdump ps
	bash-static zsh-static busybox bwrap)
# Libraries of what the project builds, so that its programs run whether or not they were there when the image was made.
TOOLS_LIBRARIES=(libelf.so.1 libjansson.so.4 libmicrohttpd.so.12 libseccomp.so.2 libarchive.so.13 libcmocka.so.0
	libgcc_s.so.1 libstdc++.so.6 libasan.so.8 libubsan.so.1)

# tools_image: sets TOOLS. The image is made anew when a file that went into it, or one that could have, has changed.
tools_image() {
	local key name candidates=()
	for name in "${TOOLS_PROGRAMS[@]}"; do candidates+=(/bin/"$name" /usr/sbin/"$name"); done
	for name in "${TOOLS_LIBRARIES[@]}"; do candidates+=(/usr/lib/x86_64-linux-gnu/"$name"); done
	key=$(digest "$(stat -L -c '%n %s %Y' "${candidates[@]}" /usr/bin/{bash,env,grep} /lib/x86_64-linux-gnu/libc.so.6 \
		2>/dev/null)" "$(<"$MACHINE/lib/images.sh")")
	TOOLS=$CACHE/images/tools-$key.erofs
	use "$TOOLS" || locked tools tools_make || die "cannot make the tools image"
}

# stage FILE...: copies files into the root of the tools image, below /usr as the host's merged root has them.
stage() {
	local file to
	for file; do
		to=$file
		case $file in /bin/* | /sbin/* | /lib/* | /lib64/*) to=/usr$file ;; esac
		[ -e "$root$to" ] || install -D -m 755 "$file" "$root$to" || return 1
	done
}

tools_make() {
	[ -e "$TOOLS" ] && return
	local root=$CACHE/tmp/tools.$$ name file programs=() libraries=()
	rm -rf "$root" && mkdir -p "$root"/{dev,etc,home,mnt,opt,proc,root,run,srv,sys,tmp,var/tmp} "$root"/usr/{bin,sbin,lib,lib64} || return 1
	for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
	for name in "${TOOLS_PACKAGES[@]}"; do
		mapfile -t -O "${#programs[@]}" programs < <(dpkg -L "$name" 2>/dev/null | grep -E '^(/usr)?/s?bin/')
	done
	for name in "${TOOLS_PROGRAMS[@]}"; do
		file=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$name") && programs+=("$file")
	done
	for name in "${TOOLS_LIBRARIES[@]}"; do
		[ -e "/usr/lib/x86_64-linux-gnu/$name" ] && libraries+=("/usr/lib/x86_64-linux-gnu/$name")
	done
	for file in "${programs[@]}"; do
		[ -f "$file" ] && stage "$file"
	done
	stage "${libraries[@]}"
	# ldd names each library as "name => /path (address)", the loader as "/path (address)".
	mapfile -t libraries < <(ldd "${programs[@]}" "${libraries[@]}" 2>/dev/null | grep -o '/[^ ]* (0x' | sed 's/ (0x//' | sort -u)
	stage "${libraries[@]}"
	for name in $(busybox --list); do
		[ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || ln -s busybox "$root/usr/bin/$name"
	done
	ln -sf dash "$root/usr/bin/sh"
	mkdir -p "$root/usr/lib/locale" "$root/etc/ssl"
	cp -rL /usr/lib/terminfo "$root/usr/lib/" 2>/dev/null || cp -rL /lib/terminfo "$root/usr/lib/"
	cp -r /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"
	printf '%s\n' root:x:0:0:root:/root:/bin/bash daemon:x:1:1:daemon:/:/usr/sbin/nologin \
		nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin > "$root/etc/passwd"
	printf '%s\n' root:x:0: daemon:x:1: tty:x:5: kvm:x:106: nogroup:x:65534: > "$root/etc/group"
	printf '%s\n' '127.0.0.1 localhost machine' '::1 localhost' > "$root/etc/hosts"
	printf '%s\n' 'passwd: files' 'group: files' 'hosts: files' > "$root/etc/nsswitch.conf"
	make_image "$TOOLS" --all-root "$root" || return 1
	rm -rf "$root"
	prune 'tools-*' 2
}

# listing_key DIR [find options]: changes whenever a file below DIR does.
listing_key() { digest "$(find "$@" -printf '%P %s %T@ %m %l\n' 2>/dev/null | LC_ALL=C sort)"; }

# checkout_image BUILD: sets CHECKOUT_IMAGE to one of the source tree with the build folder BUILD and no other, without .git, what
# only compiler and linker need, and what tests write while they run: that would make every image a new one.
checkout_image() {
	local folder left_out
	left_out='\.git|(.*/)?(CMakeFiles|Testing|__pycache__|[^/]*\.(o|a|log|ninja)|\.ninja[^/]*|(CTestTestfile|cmake_install)\.cmake)'
	left_out+="|$1/(results\.xml|compile_commands\.json|CMakeCache\.txt)"
	for folder in "$CHECKOUT"/build*/; do
		folder=$(basename "$folder")
		[ "$folder" = "$1" ] || left_out+="|$folder"
	done
	CHECKOUT_IMAGE=$CACHE/images/checkout-$(listing_key "$CHECKOUT" -regextype posix-extended \
		-regex "$CHECKOUT/($left_out)" -prune -o -type f,l).erofs
	use "$CHECKOUT_IMAGE" || locked checkout checkout_make "^($left_out)\$" || die "cannot make an image of the checkout"
}

checkout_make() {
	local try
	use "$CHECKOUT_IMAGE" && return
	# A file that a compiler removes meanwhile is not an error worth ending for.
	for try in 1 2 3; do
		make_image "$CHECKOUT_IMAGE" --all-root --exclude-regex="$1" "$CHECKOUT" 2>"$CACHE/tmp/checkout.log" && break
	done
	[ -e "$CHECKOUT_IMAGE" ] || { cat "$CACHE/tmp/checkout.log" >&2; return 1; }
	prune 'checkout-*' 6
}

# shares_image PATH...: sets SHARES_IMAGE to one whose directory or file N is the Nth path.
shares_image() {
	local path key=() n=0 root=$CACHE/tmp/shares.$$
	for path; do
		[ -e "$path" ] || die "$path: no such file or directory"
		key+=("$path" "$(listing_key "$path")")
	done
	SHARES_IMAGE=$CACHE/images/shares-$(digest "${key[@]}").erofs
	use "$SHARES_IMAGE" && return
	mkdir -p "$root" || die "cannot write $root"
	for path; do
		# Hard links cost nothing; across file systems, or for files of others, they are refused.
		cp -al "$(readlink -f "$path")" "$root/$n" 2>/dev/null || { rm -rf "${root:?}/$n"; cp -a "$(readlink -f "$path")" "$root/$n"; } ||
			die "cannot copy $path"
		n=$((n + 1))
	done
	make_image "$SHARES_IMAGE" "$root" || die "cannot make an image of what is shared"
	rm -rf "$root"
	prune 'shares-*' 6
}
