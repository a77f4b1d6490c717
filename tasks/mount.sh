# mount path|name src? fstype? state opts? dump=0 passno=0 fstab=/etc/fstab boot=true backup=false
# with: attrs put
#
# A file system of /etc/fstab, and whether it is mounted: mount of ansible.posix.
#
#   path (name)   where it is mounted
#   src, fstype, opts, dump, passno
#                 the other fields of its line; opts are defaults if left out
#   state         mounted: in fstab and mounted; the folder is made. present: in fstab.
#                 unmounted: not mounted. absent: neither, and the folder goes.
#                 remounted: mounted anew, each time. ephemeral: mounted, not in fstab
#   fstab         another file than /etc/fstab
#   boot          false: with the option noauto
#   backup        keeps the old fstab as NAME.PID.TIME~
#
# Results: name, src, fstype, opts, dump, passno, fstab, backup_file.
# Example: mount: { path: /srv/data, src: LABEL=data, fstype: ext4, opts: noatime, state: mounted }
# Differs from ansible.posix: a file system whose line changes is remounted, and if that
# is refused, unmounted and mounted.

mount_start() {
	umask 022
	attrs_path "$1"
	mount_path=$attrs_path mount_src=$2 mount_type=$3 mount_state=$4 mount_opts=${5:-defaults} mount_dump=$6 mount_pass=$7
	mount_fstab=$8 mount_backup=${10}
	case $mount_path in ?*/) mount_path=${mount_path%/} ;; esac
	case $mount_state in
	mounted | present | ephemeral)
		[ -n "$2" ] || die "state=$4 needs src"
		[ -n "$3" ] || die "state=$4 needs fstype"
		;;
	unmounted | absent | remounted) ;;
	*) die "state is absent, ephemeral, mounted, present, remounted or unmounted, not '$4'" ;;
	esac
	if [ "$9" = false ]; then
		case ",$mount_opts," in *,noauto,*) ;; *) mount_opts=$mount_opts,noauto ;; esac
	fi
}

check_mount() {
	mount_start "$@"
	result name "$mount_path"
	result src "$mount_src"
	result fstype "$mount_type"
	result opts "$mount_opts"
	result fstab "$mount_fstab"
	if attrs_done; then return 0; fi
	case $mount_state in
	present) mount_in_fstab ;;
	mounted) mount_in_fstab && mount_is ;;
	ephemeral) mount_is ;;
	unmounted) ! mount_is ;;
	absent)
		mount_in_fstab || return $?
		! mount_is
		;;
	remounted) return 1 ;;
	esac
}

# mount_is: something is mounted there. The kernel writes blanks as \040.
mount_is() {
	mount_at=$mount_path awk '
	BEGIN { at = ENVIRON["mount_at"]; gsub(/\\/, "\\134", at); gsub(/ /, "\\040", at); gsub(/\t/, "\\011", at); gsub(/\n/, "\\012", at) }
	$2 == at { found = 1 }
	END { exit !found }' /proc/self/mounts
}

mount_in_fstab() {
	mount_file=$mount_fstab
	[ -e "$mount_file" ] || mount_file=/dev/null
	put_same "$mount_file" mount_edit
}

# mount_edit: the new fstab. A swap has no path of its own: there, src counts too.
mount_edit() {
	mount_file=$mount_fstab
	[ -e "$mount_file" ] || mount_file=/dev/null
	mount_at=$mount_path mount_src=$mount_src mount_type=$mount_type mount_opts=$mount_opts mount_dump=$mount_dump \
		mount_pass=$mount_pass mount_state=$mount_state awk '
	function escaped(s) { gsub(/\\/, "\\134", s); gsub(/ /, "\\040", s); gsub(/\t/, "\\011", s); gsub(/\n/, "\\012", s); return s }
	BEGIN {
		at = escaped(ENVIRON["mount_at"]); src = escaped(ENVIRON["mount_src"]); type = ENVIRON["mount_type"]
		opts = escaped(ENVIRON["mount_opts"]); dump = ENVIRON["mount_dump"]; pass = ENVIRON["mount_pass"]
		gone = ENVIRON["mount_state"] == "absent"
		line = src " " at " " type " " opts " " dump " " pass
	}
	/^[ \t]*(#|$)/ || NF < 4 || NF > 6 || $2 != at { print; next }
	at == "none" && type == "swap" && $1 != src { print; next }
	gone { next }
	seen { next }
	{
		seen = 1
		if ($1 == src && $3 == type && $4 == opts && (NF < 5 ? 0 : $5) == dump && (NF < 6 ? 0 : $6) == pass) print
		else print line
	}
	END { if (!gone && !seen) print line }' "$mount_file"
}

apply_mount() {
	mount_start "$@"
	mount_other=''
	case $mount_state in
	mounted | present | absent) mount_in_fstab || mount_write ;;
	esac
	case $mount_state in
	mounted)
		[ -d "$mount_path/" ] || mkdir -p "$mount_path"
		if ! mount_is; then
			mount_by_fstab
		elif [ -n "$mount_other" ]; then
			mount_anew
		fi
		;;
	ephemeral)
		[ -d "$mount_path/" ] || mkdir -p "$mount_path"
		mount -t "$mount_type" -o "$mount_opts" "$mount_src" "$mount_path"
		;;
	unmounted) umount "$mount_path" ;;
	absent)
		if mount_is; then umount "$mount_path"; fi
		[ ! -d "$mount_path" ] || rmdir "$mount_path"
		;;
	remounted)
		mount_is || die "nothing is mounted on $mount_path"
		mount_anew
		attrs_remember
		;;
	esac
}

mount_write() {
	mount_other=yes
	put_start "$mount_fstab"
	mount_edit >&4
	put_end '' '' '' "$mount_backup" ''
}

mount_by_fstab() {
	if [ "$mount_fstab" = /etc/fstab ]; then
		mount "$mount_path"
	else
		mount -t "$mount_type" -o "$mount_opts" "$mount_src" "$mount_path"
	fi
}

mount_anew() {
	mount -o "remount,$mount_opts" "$mount_path" && return
	umount "$mount_path"
	mount_by_fstab
}

diff_mount() {
	mount_start "$@"
	case $mount_state in mounted | present | absent) mount_edit | put_diff "$mount_fstab" ;; esac
}
