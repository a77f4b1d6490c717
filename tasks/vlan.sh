# vlan link dev id network bridge= state=present
#
# LINK is the VLAN ID on the device DEV (eth0.10 on eth0) and is up. With BRIDGE
# (eucabr10) there is such a bridge, up, and LINK is a port of it. With state=absent
# neither of the two exists.
#
# Looks at: /sys/class/net and /proc/net/vlan (no command is run for a check).
# Changes:  makes and removes LINK and BRIDGE with ip, or with vconfig, brctl and
#           ifconfig where there is no ip. Both carry the mark "eucactl CLOUD
#           NETWORK" as their alias, have no IPv6 address, and the bridge no
#           spanning tree: guests' frames pass at once.
# Never:    touches a link without that mark: one that is in the way is an error,
#           and is not removed. Never removes a bridge that has other ports.

vlan_sane() {
	case $1$2$4$5 in
	*[!A-Za-z0-9_.:-]* | -*) echo "vlan: bad names '$1' '$2' '$4' '$5'"; return 2 ;;
	esac
	case $3 in '' | *[!0-9]*) echo "vlan: bad VLAN '$3'"; return 2 ;; esac
	[ "$1" = "$2.$3" ] || { echo "vlan: $1 is not the name of VLAN $3 on $2"; return 2; }
	if ! [ -d /sys/class/net ]; then
		echo "vlan: /sys/class/net is missing, so the links of this host are unknown"
		return 2
	elif ! command -v ip >/dev/null && ! { command -v vconfig && command -v brctl && command -v ifconfig; } >/dev/null; then
		echo "vlan: this host has neither ip nor vconfig, brctl and ifconfig: apt-get install iproute2"
		return 2
	fi
	read -r vlan_boot </proc/sys/kernel/random/boot_id || return 2
}

# vlan_whose LINK NETWORK: 0 ours, 1 absent, 3 being made when we were killed, 4
# somebody else's. A link gets its mark after it was made, so a file says before
# that, and in which boot, that it will be ours.
vlan_whose() {
	[ -e "/sys/class/net/$1" ] || return 1
	vlan_alias='' vlan_made=
	read -r vlan_alias <"/sys/class/net/$1/ifalias" || [ -n "$vlan_alias" ] || :
	[ "$vlan_alias" != "eucactl $CLOUD $2" ] || return 0
	[ -z "$vlan_alias" ] || return 4
	! [ -f "$HOST_DIR/links/$1" ] || read -r vlan_made <"$HOST_DIR/links/$1" || :
	[ "$vlan_made" = "$vlan_boot $2" ] || return 4
	return 3
}

# vlan_settled LINK NETWORK: the link exists, is ours and up.
vlan_settled() {
	vlan_whose "$1" "$2" && vlan_is=0 || vlan_is=$?
	if [ "$vlan_is" = 4 ]; then
		echo "$1 exists on this host and is not ours (alias '$vlan_alias'); if nobody needs it: ip link del $1" >&2
		return 2
	fi
	[ "$vlan_is" = 0 ] || return 1
	# operstate says "down" for a bridge without carrier, so the flag counts.
	read -r vlan_flags <"/sys/class/net/$1/flags" || return 2
	[ $((vlan_flags & 1)) = 1 ]
}

# vlan_tagged LINK DEV ID: the link, which exists, is that VLAN of that device.
vlan_tagged() {
	[ -r "/proc/net/vlan/$1" ] || { echo "$1 exists but is no VLAN" >&2; return 2; }
	vlan_text=$(cat "/proc/net/vlan/$1") || return 2
	case $vlan_text in *"VID: $3	"* | *"VID: $3 "*) ;; *) echo "$1 exists with another VLAN than $3: $vlan_text" >&2; return 2 ;; esac
	case $vlan_text in *"Device: $2"*) ;; *) echo "$1 exists on another device than $2: $vlan_text" >&2; return 2 ;; esac
}

check_vlan() {
	vlan_sane "$@" >&2 || return 2
	if [ "$6" = absent ]; then
		vlan_gone "$1" "$4" && { [ -z "$5" ] || vlan_gone "$5" "$4"; }
		return
	fi
	[ -e "/sys/class/net/$2" ] || { echo "vlan: there is no interface $2 on this host (vnet_privinterface)" >&2; return 2; }
	vlan_settled "$1" "$4" || return
	vlan_tagged "$1" "$2" "$3" || return
	[ -n "$5" ] || return 0
	vlan_settled "$5" "$4" || return
	[ -d "/sys/class/net/$5/bridge" ] || { echo "$5 exists but is not a bridge" >&2; return 2; }
	[ -e "/sys/class/net/$5/brif/$1" ]
}

# vlan_gone LINK NETWORK: nothing of ours has that name.
vlan_gone() {
	vlan_whose "$1" "$2" && vlan_is=0 || vlan_is=$?
	case $vlan_is in 1 | 4) return 0 ;; esac
	return 1
}

apply_vlan() {
	vlan_sane "$@"
	if [ "$6" = absent ]; then
		[ -z "$5" ] || vlan_remove_bridge "$5" "$1" "$4"
		vlan_remove_link "$1" "$4"
		return
	fi
	mkdir -p "$HOST_DIR/links"
	vlan_make "$1" "$4" vlan_add "$1" "$2" "$3"
	vlan_tagged "$1" "$2" "$3"
	if [ -n "$5" ]; then
		vlan_make "$5" "$4" vlan_add_bridge "$5"
		[ -e "/sys/class/net/$5/brif/$1" ] || vlan_join "$1" "$5"
	fi
}

# vlan_make LINK NETWORK COMMAND...: the link, made by COMMAND if it is absent, is
# marked, without IPv6, and up.
vlan_make() {
	if vlan_settled "$1" "$2"; then return; fi
	[ "$vlan_is" != 4 ]
	vlan_name=$1 vlan_net=$2
	shift 2
	if [ "$vlan_is" = 1 ]; then
		printf '%s %s\n' "$vlan_boot" "$vlan_net" >"$HOST_DIR/links/$vlan_name"
		"$@"
	fi
	! [ -e "/proc/sys/net/ipv6/conf/$vlan_name/disable_ipv6" ] || echo 1 >"/proc/sys/net/ipv6/conf/$vlan_name/disable_ipv6"
	printf 'eucactl %s %s\n' "$CLOUD" "$vlan_net" >"/sys/class/net/$vlan_name/ifalias"
	if command -v ip >/dev/null; then ip link set dev "$vlan_name" up; else ifconfig "$vlan_name" up; fi
}

vlan_add() {
	if command -v ip >/dev/null; then
		ip link add link "$2" name "$1" type vlan id "$3"
	else
		modprobe 8021q 2>/dev/null || :
		vconfig set_name_type DEV_PLUS_VID_NO_PAD
		vconfig add "$2" "$3"
	fi
}

vlan_add_bridge() {
	if command -v ip >/dev/null; then ip link add name "$1" type bridge; else brctl addbr "$1"; fi
	echo 0 >"/sys/class/net/$1/bridge/stp_state"
	echo 0 >"/sys/class/net/$1/bridge/forward_delay"
}

vlan_join() {
	if command -v ip >/dev/null; then ip link set dev "$1" master "$2"; else brctl addif "$2" "$1"; fi
}

# vlan_remove_bridge BRIDGE LINK NETWORK
vlan_remove_bridge() {
	if ! vlan_gone "$1" "$3"; then
		for vlan_port in "/sys/class/net/$1/brif"/*; do
			vlan_port=${vlan_port##*/}
			case $vlan_port in "$2" | '*') continue ;; esac
			echo "$1 still has the port $vlan_port, so it stays"
			return 1
		done
		if command -v ip >/dev/null; then ip link del dev "$1"; else ifconfig "$1" down && brctl delbr "$1"; fi
	fi
	rm -f "$HOST_DIR/links/$1"
}

# vlan_remove_link LINK NETWORK
vlan_remove_link() {
	if ! vlan_gone "$1" "$2"; then
		if command -v ip >/dev/null; then ip link del dev "$1"; else ifconfig "$1" down && vconfig rem "$1"; fi
	fi
	rm -f "$HOST_DIR/links/$1"
}
