# group name gid? state=present system=false local=false non_unique=false
#
# A group of users.
#
#   name        the group
#   state       present or absent
#   gid         its number; a group that has another one gets this
#   system      a new group gets a number as system groups have
#   non_unique  gid may be that of another group
#   local       only /etc/group is looked at, not what a directory service knows
#
# Looks at: getent group. Changes: with groupadd, groupmod and groupdel, or where
# there are none with busybox's addgroup and delgroup.
# Results: name, state, gid, system.
#
#     - group: { name: app, gid: 850, system: true }

# group_look NAME LOCAL: its number into group_gid, nothing if there is no such group.
group_look() {
	group_gid='' group_rc=0
	if [ "$2" = true ] || ! command -v getent >/dev/null; then
		group_line=$(grep -- "^$1:" /etc/group) || group_rc=$?
		[ $group_rc != 1 ] || return 0
	else
		group_line=$(getent group -- "$1") || group_rc=$?
		[ $group_rc != 2 ] || return 0
	fi
	[ $group_rc = 0 ] || die "group: it cannot be told whether there is a group $1"
	# A name of digits is taken for a number.
	[ "${group_line%%:*}" = "$1" ] || return 0
	group_line=${group_line#*:*:}
	group_gid=${group_line%%:*}
}

group_begin() {
	case $1 in
	'' | -* | *[!A-Za-z0-9_.@+$-]*) die "group: '$1' cannot be the name of a group" ;;
	esac
	case $2 in *[!0-9]*) die "group: gid is a number, not '$2'" ;; esac
	case $3 in
	present | absent) ;;
	*) die "group: state is present or absent, not '$3'" ;;
	esac
	if [ "$6" = true ] && [ -z "$2" ]; then die "group: non_unique needs gid"; fi
	group_look "$1" "$5"
}

group_tell() {
	result name "$1"
	result state "$3"
	[ "$3" = absent ] || [ -z "$group_gid" ] || result gid_json "$group_gid"
	result system_json "$4"
}

check_group() {
	group_begin "$@"
	group_tell "$@"
	case $3:$group_gid in
	absent:) return 0 ;;
	absent:* | present:) return 1 ;;
	esac
	[ -z "$2" ] || [ "$2" = "$group_gid" ]
}

apply_group() {
	umask 022
	group_begin "$@"
	group_name=$1 group_wanted=$2 group_state=$3 group_system=$4 group_twice=$6
	if [ "$group_state" = absent ]; then
		if command -v groupdel >/dev/null; then groupdel -- "$1"; else delgroup "$1"; fi
		return
	fi
	set --
	[ -z "$group_wanted" ] || set -- -g "$group_wanted"
	[ "$group_twice" != true ] || set -- "$@" -o
	if [ -n "$group_gid" ]; then
		command -v groupmod >/dev/null || die "group: changing the gid of $group_name needs groupmod, which this host lacks"
		groupmod "$@" -- "$group_name"
	elif command -v groupadd >/dev/null; then
		[ "$group_system" != true ] || set -- "$@" -r
		groupadd "$@" -- "$group_name"
	else
		[ "$group_system" != true ] || set -- "$@" -S
		addgroup "$@" "$group_name"
	fi
}
