# seed path upload
# The small disk that tells a machine its name, keys and user data.
#
# Looks at: PATH and PATH.sum, which holds the sum of what was put there.
# Changes:  puts the upload there by rename, then writes the mark. A machine that
#           runs keeps the file it opened until its next start.
# Never:    makes one outside a machine's folder. The file is readable by root
#           alone (libvirt lends it to QEMU): user data may be secret.

check_seed() {
	[ -f "$1" ] && [ -f "$1.sum" ] || return 1
	seed_sum=
	read -r seed_sum <"$1.sum" || :
	[ "$seed_sum" = "$2" ] || return 1
}

apply_seed() {
	[ -f "${1%/*}/owner" ] || {
		echo "${1%/*} is not the folder of a machine: it has no owner" >&2
		return 2
	}
	seed_upload=$(blob_file "$2")
	[ -n "$seed_upload" ] || {
		echo "seed $2 was not uploaded" >&2
		return 2
	}
	chmod 0600 "$seed_upload"
	# The two may be on different file systems: then mv copies, into PATH.new.
	mv -f "$seed_upload" "$1.new"
	mv -f "$1.new" "$1"
	printf '%s\n' "$2" >"$1.sum.new"
	mv -f "$1.sum.new" "$1.sum"
}
