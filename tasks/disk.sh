# disk path image format size_mib
# A machine's disk: a qcow2 overlay of a cached image, as large as the machine's
# type says. IMAGE is the image's sum, FORMAT is raw or qcow2.
#
# Looks at: PATH, what qemu-img says of it, and the image $HOST_DIR/images/IMAGE.
# Changes:  makes PATH where nothing is; it arrives by rename.
# Never:    overwrites, shrinks, grows or rebases a disk that exists: one that is
#           not this overlay is reported. Never makes a disk outside a machine's
#           folder, nor on an image that itself names another file.

check_disk() {
	[ -e "$1" ] || [ -L "$1" ] || return 1
	# The format is given, for what a guest wrote must not choose it; -U
	# because the machine may run.
	disk_info=$(qemu-img info -U -f qcow2 "$1") || return 2
	disk_image=$HOST_DIR/images/$2
	case "$disk_info
" in
	*"
backing file: $disk_image
"*) ;;
	*)
		echo "$1 is not an overlay of $disk_image; it is left alone" >&2
		return 2
		;;
	esac
	disk_size "$disk_info" || return 2
	[ "$disk_bytes" -ge $(($4 * 1048576)) ] || {
		echo "$1 has $disk_bytes bytes, fewer than $4 MiB; it is left alone" >&2
		return 2
	}
}

# disk_size INFO sets disk_bytes to the virtual size that qemu-img printed.
disk_size() {
	disk_bytes=${1#*"virtual size: "}
	disk_bytes=${disk_bytes%%" bytes)"*}
	disk_bytes=${disk_bytes##*"("}
	case $disk_bytes in
	'' | *[!0-9]*)
		echo "qemu-img did not say how large it is: $1" >&2
		return 2
		;;
	esac
}

apply_disk() {
	[ -f "${1%/*}/owner" ] || {
		echo "${1%/*} is not the folder of a machine: it has no owner" >&2
		return 2
	}
	disk_image=$HOST_DIR/images/$2
	if [ ! -f "$disk_image" ] || [ ! -f "$disk_image.ok" ]; then
		echo "image $2 is not in the cache" >&2
		return 2
	fi
	disk_info=$(qemu-img info -U -f "$3" "$disk_image")
	case "
$disk_info" in
	*"
backing file:"* | *"data file:"*)
		echo "image $2 names another file and is not used" >&2
		return 2
		;;
	esac
	disk_size "$disk_info"
	[ "$disk_bytes" -le $(($4 * 1048576)) ] || {
		echo "image $2 has $disk_bytes bytes, more than the disk's $4 MiB" >&2
		return 2
	}
	rm -f "$1.new"
	qemu-img create -q -f qcow2 -b "$disk_image" -F "$3" "$1.new" "$4M"
	mv "$1.new" "$1"
}
