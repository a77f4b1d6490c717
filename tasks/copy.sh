# copy dest|path content:lazy? upload? src? remote_src=false mode? directory_mode? owner? group? backup=false validate? force=true follow=false original_basename?
# with: attrs put
# looks: sum
#
# A file with a content: Ansible's copy.
#
#   dest (path)     absolute, or with ~ in front. One that ends in / or is a folder
#                   gets a file of the name that src has
#   content         the text
#   src             a file of the controller's, which is sent if it differs; with
#                   remote_src a file or folder of the host's own. Of a folder SRC/
#                   what is in it is copied, of SRC itself too
#   mode            "0644", u=rw,go=r, or preserve; left out: as it is, or 0644
#   directory_mode  of folders that are made; left out: 0755
#   owner, group    names or numbers; left out: as they are
#   backup          keeps the old file as NAME.PID.TIME~
#   validate        a command that must not fail on the new content, named %s
#   force           false: one that is there is left alone
#   original_basename
#                   what the file is called where it comes from
#   follow          write where a symbolic link in its place leads to
#
# Results: dest, src, mode, owner, group, uid, gid, size, state, backup_file.
# Example: copy: { content: "hello\n", dest: /etc/motd, mode: "0644", backup: true }
# Differs from Ansible: paths are absolute; local_follow and SELinux contexts cannot
# be told; in check mode a folder that is absent (an earlier task may make it) is no
# error. It is written beside its place and renamed: nobody reads half of it.

# copy_start ARGUMENTS: copy_dest is the file, copy_sum its content.
copy_start() {
	umask 022
	copy_sum=${2:-$3} copy_src=$4 copy_remote=$5 copy_mode=$6 copy_dirmode=$7 copy_owner=$8 copy_group=$9
	copy_backup=${10} copy_validate=${11} copy_force=${12} copy_follow=${13} copy_called=${14:-$4} copy_makes=''
	attrs_path "$1"
	copy_dest=$attrs_path
	if [ "$copy_remote" = true ]; then
		[ -z "$copy_sum" ] || die "content and remote_src exclude each other"
		[ -n "$copy_src" ] || die "src, the file on this host, is missing"
		attrs_path "$copy_src"
		copy_src=$attrs_path
		[ -e "$copy_src" ] || die "$copy_src, which is to be copied, is absent"
		[ ! -d "$copy_src" ] || return 0
	else
		[ -n "$copy_sum" ] || die "content or src is missing"
		[ "$copy_mode" != preserve ] || die "mode=preserve needs a src"
	fi
	copy_name
	if [ -L "$copy_dest" ] && [ "$copy_follow" = true ]; then
		attrs_follow "$copy_dest"
		copy_dest=$attrs_path
	fi
	[ "$copy_mode" != preserve ] || copy_mode=0$(stat -L -c %a "$copy_src")
}

# copy_name: in a folder, the file is called as src is. Only a / says that the
# folder may be made.
copy_name() {
	case $copy_dest in
	*/) copy_makes=yes ;;
	*) [ -d "$copy_dest" ] || return 0 ;;
	esac
	[ -n "$copy_called" ] || die "$copy_dest is a folder: a content needs the name of a file"
	copy_dest=${copy_dest%/}/${copy_called##*/}
	if [ -d "$copy_dest" ] && [ ! -L "$copy_dest" ]; then die "$copy_dest is a directory"; fi
}

seen_copy() {
	[ -z "$4" ] && [ "$5" = false ] && [ "${12}" = true ] || return 1
	[ -n "$2$3" ] && [ "$task_sum" = "${2:-$3}" ] && [ ! -L "$1" ] && attrs_so "$1" 'file' "$6" "$8" "$9" || return 1
	attrs_results dest "$1"
}

check_copy() {
	copy_start "$@"
	if [ "$copy_remote" = true ] && [ -d "$copy_src" ]; then
		copy_tree_same
		return
	fi
	result dest "$copy_dest"
	[ -z "$copy_src" ] || result src "$copy_src"
	[ -e "$copy_dest" ] || return 1
	[ "$copy_force" = true ] || return 0
	attrs_look "$copy_dest" -L
	attrs_results dest "$copy_dest"
	[ ! -L "$copy_dest" ] || return 1
	attrs_same "$copy_mode" "$copy_owner" "$copy_group" || return 1
	copy_same "$copy_dest"
}

# copy_same DEST: it has the content.
copy_same() {
	if [ "$copy_remote" != true ]; then
		sum_of "$1" || return 2
		[ "$sum_of" = "$copy_sum" ]
		return
	fi
	copy_rc=0
	cmp -s "$copy_src" "$1" || copy_rc=$?
	[ $copy_rc -lt 2 ] || die "cannot compare $copy_src and $1"
	return $copy_rc
}

apply_copy() {
	copy_start "$@"
	if [ "$copy_remote" = true ] && [ -d "$copy_src" ]; then
		copy_tree
		return
	fi
	copy_folder
	if [ -f "$copy_dest" ] && [ ! -L "$copy_dest" ] && copy_same "$copy_dest"; then
		attrs_make "$copy_dest" "$copy_mode" "$copy_owner" "$copy_group"
		return
	fi
	put_start "$copy_dest"
	copy_content >&4
	put_end "$copy_mode" "$copy_owner" "$copy_group" "$copy_backup" "$copy_validate"
}

copy_content() {
	if [ "$copy_remote" = true ]; then
		cat "$copy_src"
		return
	fi
	blob "$copy_sum"
}

# copy_folder: the folders on the way, where dest ended in /.
copy_folder() {
	[ -n "$copy_makes" ] || return 0
	copy_mkdir "${copy_dest%/*}"
}

copy_mkdir() {
	[ ! -d "$1/" ] || return 0
	copy_mkdir_one=${1%/*}
	(copy_mkdir "$copy_mkdir_one")
	mkdir "$1"
	[ -z "$copy_dirmode" ] || chmod "$copy_dirmode" "$1"
	[ -z "$copy_owner$copy_group" ] || chown "$copy_owner${copy_group:+:$copy_group}" "$1"
}

diff_copy() {
	copy_start "$@"
	if [ "$copy_remote" != true ]; then
		[ ! -f "$copy_dest" ] || cat "$copy_dest"
	elif [ -f "$copy_src" ]; then
		put_diff "$copy_dest" <"$copy_src"
	fi
}

# --- Folders of the host's own ---

# copy_tree_to: what is in the folder copy_from comes to copy_to.
copy_tree_to() {
	copy_to=${copy_dest%/} copy_from=${copy_src%/}
	case $copy_src in
	*/) ;;
	*) copy_to=$copy_to/${copy_src##*/} ;;
	esac
}

# copy_walk WHAT FROM TO: WHAT_folder and WHAT_file for everything in the folder.
# The arguments are this call's own, other variables are not.
copy_walk() {
	for copy_one in "$2"/* "$2"/.[!.]* "$2"/..?*; do
		[ -e "$copy_one" ] || [ -L "$copy_one" ] || continue
		if [ -d "$copy_one" ]; then
			"$1_folder" "$copy_one" "$3/${copy_one##*/}" || return
			copy_walk "$1" "$copy_one" "$3/${copy_one##*/}" || return
		else
			"$1_file" "$copy_one" "$3/${copy_one##*/}" || return
		fi
	done
}

copy_tree_same() {
	copy_tree_to
	result dest "$copy_dest"
	result src "$copy_src"
	copy_is_folder "$copy_from" "$copy_to" || return
	attrs_look "$copy_to"
	attrs_same "$copy_mode" "$copy_owner" "$copy_group" || return 1
	copy_walk copy_is "$copy_from" "$copy_to"
}

copy_is_folder() { [ -d "$2" ] && copy_owned "$2"; }

copy_is_file() {
	[ -f "$2" ] || return 1
	[ "$copy_force" = true ] || return 0
	copy_owned "$2" || return
	copy_src=$1
	copy_same "$2"
}

copy_owned() {
	[ -n "$copy_owner$copy_group" ] || return 0
	attrs_look "$1"
	attrs_same '' "$copy_owner" "$copy_group"
}

# What is copied has the mode that it has here.
copy_tree() {
	copy_tree_to
	copy_make_folder "$copy_from" "$copy_to"
	copy_walk copy_make "$copy_from" "$copy_to"
	attrs_make "$copy_to" "$copy_mode" "$copy_owner" "$copy_group"
}

copy_make_folder() {
	if [ ! -d "$2" ]; then
		copy_mkdir "$2"
		chmod "${copy_dirmode:-00$(stat -L -c %a "$1")}" "$2"
	fi
	attrs_make "$2" '' "$copy_owner" "$copy_group"
}

copy_make_file() {
	if copy_is_file "$1" "$2"; then return 0; fi
	(
		set -e
		put_start "$2"
		cat "$1" >&4
		put_end "$(stat -L -c %a "$1")" "$copy_owner" "$copy_group" "$copy_backup" ""
	)
}
