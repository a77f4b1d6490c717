# machine_dir path name
# The folder of one machine, with the mark that makes it ours.
#
# Looks at: the folder PATH and its file `owner`, which holds "CLOUD NAME".
# Changes:  makes the folder and its missing parents (0711: QEMU's user passes
#           through and lists nothing) and the file.
# Never:    takes a folder that belongs to another cloud or machine, or one
#           without an owner that has something in it.

check_machine_dir() {
	if [ -f "$1/owner" ]; then
		machine_dir_owner=
		read -r machine_dir_owner <"$1/owner" || :
		[ "$machine_dir_owner" != "$CLOUD $2" ] || return 0
		echo "$1 belongs to \"$machine_dir_owner\", not to \"$CLOUD $2\"; nothing in it is touched" >&2
		return 2
	fi
	for machine_dir_file in "$1"/* "$1"/.[!.]*; do
		case $machine_dir_file in */owner.new) continue ;; esac
		[ -e "$machine_dir_file" ] || continue
		echo "$1 has files but no owner: move them away, or write \"$CLOUD $2\" into $1/owner to give it to this cloud" >&2
		return 2
	done
	return 1
}

apply_machine_dir() {
	(umask 066 && mkdir -p "$1")
	printf '%s %s\n' "$CLOUD" "$2" >"$1/owner.new"
	mv -f "$1/owner.new" "$1/owner"
}
