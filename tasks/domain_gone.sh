# domain_gone name dir
# No machine of this name that is ours, and no folder of it: it was terminated.
#
# Looks at: libvirt's complete list of domains, the machine's metadata, DIR and
#           its `owner`.
# Changes:  destroys and undefines the machine, then removes DIR with its disk;
#           the owner mark goes last, so a removal that was cut is taken up again.
# Never:    touches a domain whose metadata does not carry our cloud and this
#           name, nor a folder whose owner is somebody else: it says so and fails.
#           A libvirtd that does not answer is "cannot tell", not "gone".

# A hung libvirtd must not hold the host's lock for ever.
domain_gone_virsh() { timeout 120 virsh -q -c qemu:///system "$@"; }

read_domain_gone() {
	domain_gone_names=$(domain_gone_virsh list --all --name 2>&1)
	domain_gone_rc=$?
}

# domain_gone_defined NAME: 0 if there is one and it is ours, 1 if there is none,
# 2 with words if there is a foreign one or that cannot be told.
domain_gone_defined() {
	if [ "$domain_gone_rc" != 0 ]; then
		echo "libvirt does not answer (virsh: $domain_gone_rc): $domain_gone_names" >&2
		return 2
	fi
	case "
$domain_gone_names
" in *"
$1
"*) ;; *) return 1 ;; esac
	domain_gone_mark=$(domain_gone_virsh metadata "$1" urn:eucactl 2>&1) || :
	[ "$domain_gone_mark" != "<instance cloud=\"$CLOUD\" name=\"$1\"/>" ] || return 0
	echo "a domain $1 exists that was not made by this cloud; it is left alone: $domain_gone_mark" >&2
	return 2
}

# domain_gone_dir NAME DIR: the same of the folder.
domain_gone_dir() {
	[ -e "$2" ] || [ -L "$2" ] || return 1
	case $2 in
	*/../* | */./* | [!/]*) ;;
	/*/*/"$1")
		domain_gone_owner=
		[ ! -f "$2/owner" ] || read -r domain_gone_owner <"$2/owner" || :
		[ -L "$2" ] || [ "$domain_gone_owner" != "$CLOUD $1" ] || return 0
		# Empty, or with the owner half written: a machine that was cut before its
		# folder had an owner.
		for domain_gone_file in "$2"/* "$2"/.[!.]*; do
			case $domain_gone_file in */owner.new) domain_gone_file='' ;; esac
			[ ! -e "$domain_gone_file" ] || break
		done
		[ -L "$2" ] || [ -e "$domain_gone_file" ] || return 0
		;;
	esac
	echo "$2 is not the folder of our machine $1, its owner is \"${domain_gone_owner-}\"; it is left alone" >&2
	return 2
}

check_domain_gone() {
	domain_gone_defined "$1" && return 1 || [ $? = 1 ] || return 2
	domain_gone_dir "$1" "$2" && return 1 || [ $? = 1 ] || return 2
}

apply_domain_gone() {
	domain_gone_defined "$1" && domain_gone_is=yes || domain_gone_is=$?
	domain_gone_dir "$1" "$2" && domain_gone_has=yes || domain_gone_has=$?
	case "$domain_gone_is $domain_gone_has" in *2*) return 2 ;; esac
	if [ "$domain_gone_is" = yes ]; then
		domain_gone_remove "$1"
	fi
	[ "$domain_gone_has" = yes ] || return 0
	for domain_gone_file in "$2"/* "$2"/.[!.]*; do
		[ "$domain_gone_file" = "$2/owner" ] || rm -rf "$domain_gone_file"
	done
	rm -f "$2/owner"
	rmdir "$2"
}

# domain_gone_remove NAME. What libvirt keeps beside a definition (saved memory,
# snapshots) would hold it back.
domain_gone_remove() {
	case $(domain_gone_virsh domstate "$1") in
	'shut off') ;;
	*) domain_gone_virsh destroy "$1" ;;
	esac
	domain_gone_virsh undefine "$1" 2>/dev/null ||
		domain_gone_virsh undefine "$1" --managed-save --snapshots-metadata --nvram
}
