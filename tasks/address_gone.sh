# address_gone dev cidr
#
# The device DEV does not have the IPv4 address CIDR, nor any of several,
# separated by spaces. A device that is missing has none.
#
# Looks at: ip -o -4 addr show dev DEV, once.
# Changes:  deletes exactly these addresses. Where the kernel would delete the
#           neighbours of a first address with it (promote_secondaries=0), that
#           setting of the device is 1 during the deletion.
# Never:    touches any other address, also not one of another prefix length.

# address_gone_sane DEV CIDRS
address_gone_sane() {
	case $1 in
	'' | . | .. | -* | *[!A-Za-z0-9_.:-]*) echo "address_gone: bad device '$1'"; return 2 ;;
	esac
	for address_gone_one in $2; do
		case $address_gone_one in
		*[!0-9./]* | */*/* | /* | */) echo "address_gone: '$address_gone_one' is not ADDRESS/LENGTH"; return 2 ;;
		*.*.*.*/*) ;;
		*) echo "address_gone: '$address_gone_one' is not ADDRESS/LENGTH"; return 2 ;;
		esac
	done
}

# address_gone_fetch DEV: what is there, in one line with single spaces.
address_gone_fetch() {
	address_gone_now=$(ip -o -4 addr show dev "$1" 2>&1) || {
		printf '%s\n' "$address_gone_now"
		return 2
	}
	# shellcheck disable=SC2086 # the words are wanted, not the lines
	set -f && address_gone_now=" $(printf '%s ' $address_gone_now)" && set +f
}

check_address_gone() {
	address_gone_sane "$@" >&2 || return 2
	[ -d /sys/class/net ] || { echo "address_gone: /sys/class/net is missing" >&2; return 2; }
	[ -e "/sys/class/net/$1" ] || return 0
	address_gone_fetch "$1" >&2 || return 2
	for address_gone_one in $2; do
		case $address_gone_now in
		*" inet $address_gone_one "*) return 1 ;;
		esac
	done
}

apply_address_gone() {
	address_gone_sane "$@"
	address_gone_fetch "$1"
	address_gone_knob=/proc/sys/net/ipv4/conf/$1/promote_secondaries
	address_gone_was=
	case $address_gone_now in
	*' secondary '*)
		# The kernel gives only the first byte to a shell that reads bytewise.
		read -r address_gone_was <"$address_gone_knob" || [ -n "$address_gone_was" ]
		echo 1 >"$address_gone_knob"
		;;
	esac
	address_gone_rc=0
	for address_gone_one in $2; do
		case $address_gone_now in
		*" inet $address_gone_one "*)
			# Without a peer busybox ip deletes the first of any prefix length.
			ip addr del "${address_gone_one%/*}" peer "$address_gone_one" dev "$1" || address_gone_rc=$?
			;;
		esac
	done
	[ -z "$address_gone_was" ] || echo "$address_gone_was" >"$address_gone_knob"
	return "$address_gone_rc"
}
