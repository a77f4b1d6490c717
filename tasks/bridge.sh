# bridge name
#
# The network bridge NAME exists on the host and is up.
#
# Looks at: /sys/class/net/NAME (no command is run for a check).
# Changes:  sets the bridge up, nothing else.
# Never:    makes a bridge, removes one, or touches its ports and addresses. A
#           host's bridge (VNET_BRIDGE) carries the operator's own traffic, so
#           it is never ours: one that is missing is an error with advice.

# bridge_words NAME: succeeds if NAME is a bridge, else says what to do.
bridge_words() {
	case $1 in
	'' | . | .. | *[!A-Za-z0-9_.:-]*) echo "bridge: bad name '$1'"; return 2 ;;
	esac
	if ! [ -d /sys/class/net ]; then
		echo "bridge: /sys/class/net is missing, so the links of this host are unknown"
		return 2
	fi
	if ! [ -d "/sys/class/net/$1" ]; then
		echo "bridge $1 does not exist on this host: make it in the host's own network configuration" \
			"(it is never ours), for a trial with: ip link add $1 type bridge && ip link set $1 up"
		return 2
	fi
	if ! [ -d "/sys/class/net/$1/bridge" ]; then
		echo "$1 exists but is not a bridge: name a bridge in vnet_bridge"
		return 2
	fi
}

check_bridge() {
	bridge_words "$1" >&2 || return 2
	# operstate says "down" for a bridge without ports, so the flag counts.
	read -r bridge_flags <"/sys/class/net/$1/flags" || return 2
	[ $((bridge_flags & 1)) = 1 ]
}

apply_bridge() {
	bridge_words "$1"
	ip link set dev "$1" up
}
