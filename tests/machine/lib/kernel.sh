# kernel.sh: Debian's cloud kernel, unpacked into the cache. It is never installed: a kernel package would touch the host's boot.

# kernel_ready: sets KERNEL to a folder with vmlinux (uncompressed) and modules/.
kernel_ready() {
	KERNEL=$CACHE/kernel
	[ -e "$KERNEL/vmlinux" ] || locked kernel kernel_fetch || die "no kernel"
}

kernel_fetch() {
	[ -e "$KERNEL/vmlinux" ] && return
	local work=$CACHE/tmp/kernel.$$ release
	rm -rf "$work" && mkdir -p "$work/root" || return 1
	# The package lists may be absent, or too old for what the mirror has by now.
	kernel_download "$work" 2>/dev/null || { "$MACHINE/deps" lists && kernel_download "$work"; } || return 1
	say "unpacking $(basename "$work"/*.deb) into the cache (it is not installed)"
	dpkg-deb -x "$work"/*.deb "$work/root" || return 1
	release=$(basename "$work"/root/lib/modules/*)
	kernel_uncompress "$work/root/boot/vmlinuz-$release" "$work/vmlinux" || return 1
	mkdir -p "$KERNEL" && rm -rf "$KERNEL/modules" &&
		mv "$work/root/lib/modules/$release/kernel" "$KERNEL/modules" &&
		mv "$work/vmlinux" "$KERNEL/vmlinux" && rm -rf "$work"
}

kernel_download() {
	local package
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
	[ -n "$package" ] || { say "no package list names a cloud kernel"; return 1; }
	# For root, apt drops to the user _apt, who may not see the cache: it warns, and downloads as root.
	(cd "$1" && apt-get -qq download "$package" 2>apt.log) || { cat "$1/apt.log" >&2; return 1; }
}

# The machines enter the kernel at its PVH entry, which only the uncompressed ELF file has. Where the compressed one lies in the
# bzImage: Documentation/x86/boot.rst, setup_sects, payload_offset and payload_length; the last 4 bytes are the size.
kernel_uncompress() {
	local image=$1 out=$2 sectors offset length
	sectors=$(od -An -tu1 -j497 -N1 "$image")
	offset=$(od -An -tu4 -j584 -N4 "$image")
	length=$(od -An -tu4 -j588 -N4 "$image")
	tail -c "+$(((sectors + 1) * 512 + offset + 1))" "$image" | head -c "$((length - 4))" > "$out.packed"
	case $(od -An -tx1 -N4 "$out.packed" | tr -d ' ') in
		02214c18) lz4 -dcq "$out.packed" ;;
		fd377a58) xz -dc --single-stream "$out.packed" ;;
		28b52ffd) zstd -dcq "$out.packed" ;;
		1f8b*) gzip -dc "$out.packed" ;;
		*) say "$image: unknown compression" ;;
	esac > "$out"
	rm -f "$out.packed"
	[ "$(head -c 4 "$out" | tr -d '\177')" = ELF ] || { say "$image: cannot be uncompressed"; return 1; }
}

# What would only make the boot longer: preparations for tracing and BPF, keys of the signature check, the keyboard controller.
SKIPPED_INITCALLS=trace_eval_init,ftrace_check_for_weak_functions,tracer_init_tracefs,init_kprobe_trace
SKIPPED_INITCALLS+=,bpf_rstat_kfunc_init,bpf_key_sig_kfuncs_init,cubictcp_register,load_system_certificate_list

# Options of both machines. Expedited RCU: tearing a VM down waits for many grace periods.
KERNEL_OPTIONS="console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off tsc=reliable no_timer_check nokaslr random.trust_cpu=1"
KERNEL_OPTIONS+=" rcupdate.rcu_expedited=1 apparmor=0 audit=0 cryptomgr.notests=1"

# initramfs NAME MODULE...: an initramfs with the agent and these modules, in this order; sets INITRAMFS.
initramfs() {
	local name=$1 root module file n=10
	shift
	program agent musl-gcc -static
	INITRAMFS=$CACHE/images/initramfs-$name-$(digest "$PROGRAM" "$(stat -c %Y "$KERNEL/vmlinux")" "$(<"$MACHINE/lib/kernel.sh")" "$@").cpio
	use "$INITRAMFS" && return
	root=$CACHE/tmp/initramfs.$$
	rm -rf "$root" && mkdir -p "$root/modules" "$root/dev" && cp "$PROGRAM" "$root/init" || die "cannot write $root"
	for module in "$@"; do
		file=$(find "$KERNEL/modules" -name "$module.ko")
		[ -n "$file" ] || die "the kernel has no module $module"
		# Loading kvm takes 220 million instructions, most of them for function tracing; fewer symbols and no trace enums
		# make that half.
		strip --strip-unneeded -R .BTF -R _ftrace_eval_map -o "$root/modules/$n-$module" "$file" || die "cannot strip $file"
		n=$((n + 1))
	done
	(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) > "$INITRAMFS.$$" &&
		mv "$INITRAMFS.$$" "$INITRAMFS" || die "cannot write $INITRAMFS"
	rm -rf "$root"
	prune "initramfs-$name-*" 2
}
