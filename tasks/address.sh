# address dev cidr
#
# The device DEV has the IPv4 address CIDR (172.19.0.1/26), or every one of
# several, separated by spaces. One of 169.254.0.0/16 is of scope link, so that the
# host never speaks to others in its name.
#
# Looks at: ip -o -4 addr show dev DEV, once.
# Changes:  adds the missing addresses.
# Never:    removes an address, changes another one, or sets the device up.

# address_sane DEV CIDRS
address_sane() {
	case $1 in
	'' | . | .. | -* | *[!A-Za-z0-9_.:-]*) echo "address: bad device '$1'"; return 2 ;;
	esac
	for address_one in $2; do
		case $address_one in
		*[!0-9./]* | */*/* | /* | */) echo "address: '$address_one' is not ADDRESS/LENGTH"; return 2 ;;
		*.*.*.*/*) ;;
		*) echo "address: '$address_one' is not ADDRESS/LENGTH"; return 2 ;;
		esac
	done
}

# address_fetch DEV: what is there, in one line with single spaces.
address_fetch() {
	address_now=$(ip -o -4 addr show dev "$1" 2>&1) || {
		printf '%s\n' "$address_now"
		return 2
	}
	# shellcheck disable=SC2086 # the words are wanted, not the lines
	set -f && address_now=" $(printf '%s ' $address_now)" && set +f
}

check_address() {
	address_sane "$@" >&2 || return 2
	[ -d /sys/class/net ] || { echo "address: /sys/class/net is missing" >&2; return 2; }
	# A device that is not there may come with an earlier task of this run.
	[ -e "/sys/class/net/$1" ] || { command -v ip >/dev/null || return 2; return 1; }
	address_fetch "$1" >&2 || return 2
	for address_one in $2; do
		case $address_now in
		*" inet $address_one "*) ;;
		*) return 1 ;;
		esac
	done
}

apply_address() {
	address_sane "$@"
	address_fetch "$1"
	for address_one in $2; do
		address_link=
		case $address_one in 169.254.*) address_link=yes ;; esac
		case $address_now in
		*" inet $address_one "*) ;;
		*) ip addr add "$address_one" dev "$1" ${address_link:+scope link} ;;
		esac
	done
}
