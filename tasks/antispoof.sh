# antispoof content= state=present
#
# The nftables table "bridge eucactl_CLOUD" of this node is exactly CONTENT: what
# its guests may send onto their bridges. With state=absent it does not exist.
#
# Looks at: one nft list, and $HOST_DIR/antispoof-CLOUD: the sum of what was asked for, and
#           what nft printed for it just afterwards (nft respells rules).
# Changes:  replaces our table as a whole, in one transaction. CONTENT names it.
# Never:    touches another table. Never removes ours while a machine's interface
#           (i-...) exists: it would be unguarded.

read_antispoof() {
	antispoof_now=$(nft -s list ruleset bridge 2>/dev/null)
	antispoof_rc=$?
}

# antispoof_ready: there is a list to compare with.
antispoof_ready() {
	if ! command -v nft >/dev/null; then
		echo "antispoof: there is no nft on this host: apt-get install nftables" >&2
		return 2
	elif [ "$antispoof_rc" != 0 ]; then
		nft -s list ruleset bridge >/dev/null || :
		echo "antispoof: nft failed ($antispoof_rc), so what guests may send is unknown" >&2
		return 2
	fi
}

# antispoof_table: our table out of the list, nothing if it is not there.
antispoof_table() {
	antispoof_is=
	case $antispoof_now in *"table bridge eucactl_$CLOUD {"*) ;; *) return 0 ;; esac
	antispoof_is=${antispoof_now#*"table bridge eucactl_$CLOUD {"}
	antispoof_is=${antispoof_is%%"
}"*}
}

check_antispoof() {
	if [ "$2" = absent ]; then
		[ -e "$HOST_DIR/antispoof-$CLOUD" ] || return 0
		for antispoof_dev in /sys/class/net/i-*; do
			[ ! -e "$antispoof_dev" ] || return 0
		done
		return 1
	fi
	antispoof_ready || return 2
	antispoof_table
	[ -n "$antispoof_is" ] && [ -f "$HOST_DIR/antispoof-$CLOUD" ] || return 1
	antispoof_was=$(cat "$HOST_DIR/antispoof-$CLOUD") || return 2
	[ "$antispoof_was" = "$1
$antispoof_is" ]
}

apply_antispoof() {
	antispoof_ready
	if [ "$2" = absent ]; then
		antispoof_table
		[ -z "$antispoof_is" ] || nft delete table bridge "eucactl_$CLOUD"
		rm -f "$HOST_DIR/antispoof-$CLOUD"
		return
	fi
	mkdir -p "$HOST_DIR"
	[ -e "$HOST_DIR/antispoof-$CLOUD" ] || : >"$HOST_DIR/antispoof-$CLOUD" # there is something to remove from now on
	blob "$1" | nft -f -
	read_antispoof
	antispoof_ready
	antispoof_table
	printf '%s\n%s\n' "$1" "$antispoof_is" >"$HOST_DIR/antispoof-$CLOUD.new"
	mv -f "$HOST_DIR/antispoof-$CLOUD.new" "$HOST_DIR/antispoof-$CLOUD"
}

diff_antispoof() {
	antispoof_table
	[ -z "$antispoof_is" ] || printf 'table bridge eucactl_%s {%s\n}\n' "$CLOUD" "$antispoof_is"
}
