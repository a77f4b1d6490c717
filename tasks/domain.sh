# domain name dir reboots content:lazy
# A libvirt machine (QEMU) that is defined as CONTENT says and runs, unless its
# guest switched it off. CONTENT is the domain's XML; it names a fixed uuid and
# carries <eucactl:instance xmlns:eucactl="urn:eucactl" cloud="CLOUD" name="NAME"/>
# as metadata. REBOOTS counts how often its user asked for a reboot.
#
# Looks at: libvirt's list, the machine's state, reason and metadata; the boot id;
#           in DIR: `owner`, `domain.sum` (what was defined last), `started`
#           ("BOOT_ID REBOOTS SUM" of its last start); libvirt's log of the
#           machine, if libvirtd was restarted and forgot why it is off.
# Changes:  defines it (persistent); starts it if it never ran in this boot of
#           the host, crashed, failed or was destroyed; resets it for a reboot;
#           keeps the definition as DIR/domain.xml.
# Never:    stops a machine to make it match: a definition that differs is written
#           for its next start, with the words "pending restart". Never starts one
#           whose guest switched it off in this boot: the controller decides what
#           becomes of it. Never touches a domain without our metadata. A libvirtd
#           that does not answer is "cannot tell", not "absent".

# A hung libvirtd must not hold the host's lock for ever.
domain_virsh() { timeout 120 virsh -q -c qemu:///system "$@"; }

# One list of names, then one call for those that are not persistent, and for the
# state and metadata of all that are named like machines of ours: "@NAME/STATE
# (REASON)", then the metadata.
read_domain() {
	domain_facts='' domain_passing=''
	domain_names=$(domain_virsh list --all --name 2>&1)
	domain_rc=$?
	[ "$domain_rc" = 0 ] || return 0
	domain_batch=$(
		set -f
		IFS='
'
		for domain_one in $domain_names; do
			case $domain_one in i-*[!0-9a-f]*) continue ;; i-????????) ;; *) continue ;; esac
			printf '%s' "echo @$domain_one/; domstate --reason $domain_one; metadata $domain_one urn:eucactl; "
		done
	)
	# It ends with an error if the last one has no metadata of ours.
	[ -n "$domain_batch" ] || return 0
	domain_facts=$(domain_virsh "list --transient --name; $domain_batch" 2>/dev/null) || :
	domain_passing=${domain_facts%%@i-*}
}

# domain_kept NAME: its definition outlives it. One that was undefined while it
# ran would be gone with its end, and how it ended with it.
domain_kept() {
	case "
$domain_passing
" in *"
$1
"*) return 1 ;; esac
}

# domain_look NAME: 0 and its domain_state and domain_reason if it is defined and
# ours, 1 if it is not defined, 2 with words if that cannot be told.
domain_look() {
	if [ "$domain_rc" != 0 ]; then
		echo "libvirt does not answer (virsh: $domain_rc): $domain_names" >&2
		return 2
	fi
	case "
$domain_names
" in *"
$1
"*) ;; *) return 1 ;; esac
	domain_own=
	case $domain_facts in *"@$1/"*)
		domain_own=${domain_facts#*"@$1/"}
		domain_own=${domain_own%%@i-*}
		;;
	esac
	if [ -z "$domain_own" ]; then
		echo "libvirt listed $1, but then did not say what it is" >&2
		return 2
	fi
	domain_state=${domain_own%%"
"*}
	domain_reason=${domain_state##*\(}
	domain_reason=${domain_reason%)}
	domain_state=${domain_state% \(*}
	case $domain_own in
	*"<instance cloud=\"$CLOUD\" name=\"$1\"/>"*) return 0 ;;
	*'<instance '*) echo "a domain $1 exists that belongs to another cloud or machine; it is left alone" >&2 ;;
	*) echo "a domain $1 exists that was not made by this cloud; it is left alone" >&2 ;;
	esac
	return 2
}

# domain_marks DIR: what was defined last, and the last start.
domain_marks() {
	domain_sum='' domain_since='' domain_count='' domain_ran=''
	[ ! -f "$1/domain.sum" ] || read -r domain_sum <"$1/domain.sum" || :
	[ ! -f "$1/started" ] || read -r domain_since domain_count domain_ran <"$1/started" || :
	case $domain_count in '' | *[!0-9]*) domain_since='' domain_count=0 ;; esac
	read -r domain_boot </proc/sys/kernel/random/boot_id || return 2
}

# domain_active: the machine has a QEMU process that counts as running.
domain_active() {
	case $domain_state in
	running | idle | paused | pmsuspended | 'in shutdown') return 0 ;;
	'shut off' | crashed) return 1 ;;
	esac
	echo "libvirt calls it \"$domain_state\" ($domain_reason)" >&2
	return 2
}

# domain_off NAME: the guest switched it off in this boot of the host. A libvirtd
# that was restarted since says "unknown", but its log still knows.
domain_off() {
	[ "$domain_state" = 'shut off' ] && [ "$domain_since" = "$domain_boot" ] || return 1
	case $domain_reason in
	shutdown) return 0 ;;
	unknown) ;;
	*) return 1 ;;
	esac
	[ -f "/var/log/libvirt/qemu/$1.log" ] || return 1
	domain_last=$(sed -n -e '/: starting up /h' -e '/: shutting down, reason=/h' -e '$!d' -e 'x;p' "/var/log/libvirt/qemu/$1.log") || return 2
	case $domain_last in *'reason=shutdown') return 0 ;; esac
	return 1
}

check_domain() {
	domain_look "$1" || return
	domain_marks "$2" || return
	[ "$domain_sum" = "$4" ] && [ -f "$2/domain.xml" ] || return 1
	domain_kept "$1" || return 1
	if domain_active; then
		[ "$domain_since" = "$domain_boot" ] && [ "$domain_count" -ge "$3" ] || return 1
	else
		[ $? = 1 ] || return 2
		domain_off "$1" || return
	fi
}

apply_domain() {
	domain_owner=
	[ ! -f "$2/owner" ] || read -r domain_owner <"$2/owner" || :
	[ "$domain_owner" = "$CLOUD $1" ] || {
		echo "$2 is not the folder of machine $1: its owner is \"$domain_owner\"" >&2
		return 2
	}
	domain_state='shut off' domain_reason=undefined
	domain_look "$1" && domain_is=yes || domain_is=$?
	[ "$domain_is" != 2 ] || return 2
	domain_marks "$2"
	domain_active && domain_up=yes || domain_up=$?
	[ "$domain_up" != 2 ] || return 2
	domain_had=$domain_sum
	if [ "$domain_is" != yes ] || [ "$domain_sum" != "$4" ] || [ ! -f "$2/domain.xml" ] || ! domain_kept "$1"; then
		domain_define "$1" "$2" "$4"
	fi
	if [ "$domain_up" = yes ]; then
		[ "$domain_had" = "$4" ] || echo "pending restart: $1 runs as it was defined before, until it is stopped and started"
		domain_reboot "$1" "$2" "$3"
	elif [ "$domain_is" = yes ] && domain_off "$1"; then
		echo "$1 was switched off by its guest and stays off"
	else
		domain_start "$1" "$2" "$3" "$4"
	fi
}

# domain_define NAME DIR SUM
domain_define() {
	blob "$3" >"$2/domain.xml.new"
	domain_virsh define "$2/domain.xml.new"
	mv -f "$2/domain.xml.new" "$2/domain.xml"
	printf '%s\n' "$3" >"$2/domain.sum.new"
	mv -f "$2/domain.sum.new" "$2/domain.sum"
}

# domain_mark DIR REBOOTS SUM: it runs, started in this boot with this definition.
domain_mark() {
	printf '%s %s %s\n' "$domain_boot" "$2" "$3" >"$1/started.new"
	mv -f "$1/started.new" "$1/started"
}

# domain_start NAME DIR REBOOTS SUM. The mark comes after the start: the other way
# round, a kill between the two could make an old end of the guest look new.
domain_start() {
	[ "$domain_state" != crashed ] || domain_virsh destroy "$1"
	domain_virsh start "$1"
	domain_mark "$2" "$3" "$4"
}

# domain_reboot NAME DIR REBOOTS. A start that was not marked, in another boot or
# because we were killed, is as good as a reboot.
domain_reboot() {
	if [ "$domain_since" != "$domain_boot" ]; then
		domain_mark "$2" "$3" "${domain_had:--}"
	elif [ "$domain_count" -lt "$3" ]; then
		domain_virsh reset "$1"
		domain_mark "$2" "$3" "${domain_ran:--}"
	fi
}

diff_domain() { [ ! -f "$2/domain.xml" ] || cat "$2/domain.xml"; }
