# image sum size upload
# An image (machine, kernel or ramdisk) in the host's cache.
#
# Looks at: $HOST_DIR/images/SUM, its size, and SUM.ok, which says that the sum
#           was verified when it came.
# Changes:  puts the verified upload there. Whole or not at all: the mark is
#           written first, the file arrives by rename.
# Never:    sends or sums an image twice; removes one; changes the bytes of one
#           (machines that run keep the file they opened).

check_image() {
	[ -f "$HOST_DIR/images/$1" ] && [ -f "$HOST_DIR/images/$1.ok" ] || return 1
	image_size=$(stat -c %s "$HOST_DIR/images/$1") || return 2
	[ "$image_size" = "$2" ] || return 1
}

apply_image() {
	[ "$1" = "$3" ] || {
		echo "image $1 is offered the upload $3" >&2
		return 2
	}
	image_file=$HOST_DIR/images/$1
	mkdir -p "$HOST_DIR/images"
	# QEMU's user must reach the images; they are listed to nobody.
	chmod a+x "${HOST_DIR%/*}" "$HOST_DIR" "$HOST_DIR/images"
	sum_of "$image_file"
	if [ "$sum_of" = "$1" ]; then
		chmod 0644 "$image_file"
		: >"$image_file.ok"
		return 0
	fi
	image_upload=$(blob_file "$3")
	[ -n "$image_upload" ] || {
		echo "image $1 was not uploaded" >&2
		return 2
	}
	chmod 0644 "$image_upload"
	: >"$image_file.ok"
	mv -f "$image_upload" "$image_file"
}
