# file path|dest|name state? mode? owner? group? src? recurse=false force=false follow=true access_time? modification_time?
# with: attrs
# looks: stat
#
# A file, folder or link, or that there is none: Ansible's file.
#
#   path (dest, name)   absolute, or with ~ in front
#   state               file: it must be there. directory: made with its parents.
#                       touch: made if absent, and its times set. link, hard: a
#                       link to src. absent: removed with all that is in it.
#                       Left out: whatever is there
#   mode                "0644" or u=rw,go=r; bits that are not named stay
#   owner, group        names or numbers
#   src                 what a link leads to; relative to the link's own folder
#   recurse             state=directory: mode and owner of all that is in it too
#   force               link, hard: also if src is absent, and in place of a file
#   follow              mode and owner are those of what a link leads to
#   access_time, modification_time
#                       preserve, now, or YYYYMMDDHHMM.SS
#
# Results: path (dest of links), state, mode, owner, group, uid, gid, size.
# Example: file: { path: /srv/www, state: directory, mode: "u=rwx,go=rx", owner: www-data }
# Differs from Ansible: paths are absolute, times have one format; attributes and
# SELinux contexts are not set; in check mode an owner that does not exist (an
# earlier task may make it) is no error.

# file_start ARGUMENTS: what every part begins with.
file_start() {
	umask 022
	file_mode=$3 file_owner=$4 file_group=$5 file_src=$6 file_recurse=$7 file_force=$8 file_follow=$9
	file_atime=${10} file_mtime=${11}
	attrs_path "$1"
	file_path=$attrs_path
	while [ "$file_path" != "${file_path%?/}" ]; do file_path=${file_path%/}; done
	attrs_look "$file_path"
	file_state=$2 file_was=$attrs_is
	[ -n "$file_state" ] || file_guess_state
	case $file_state in
	absent | directory | file | hard | link | touch) ;;
	*) die "state is one of absent, directory, file, hard, link and touch, not '$2'" ;;
	esac
	if [ "$7" = true ] && [ "$file_state" != directory ]; then die "recurse needs state=directory"; fi
	if [ -n "$6" ] && [ "$file_state" != link ] && [ "$file_state" != hard ]; then die "src needs state=link or state=hard"; fi
	file_behind
}

file_guess_state() {
	file_state=$file_was
	[ "$file_was" != absent ] && [ "$file_was" != other ] || file_state='file'
	[ "$file_recurse" != true ] || file_state=directory
}

# file_behind: with follow, a link stands for what it leads to.
file_behind() {
	[ "$file_was" = link ] && [ "$file_follow" = true ] || return 0
	[ "$file_state" != directory ] || [ -d "$file_path" ] || [ ! -e "$file_path" ] || return 0
	case $file_state in
	file | touch | directory)
		attrs_follow "$file_path"
		file_path=$attrs_path
		attrs_look "$file_path"
		;;
	esac
}

seen_file() {
	[ -z "${10}${11}" ] && [ "$7" = false ] || return 1
	case $2:$6:$1 in
	absent::/*[!/])
		[ ! -e "$1" ] && [ ! -L "$1" ] || return 1
		attrs_is=absent
		;;
	file::* | directory::*)
		[ ! -L "$1" ] && attrs_so "$1" "$2" "$3" "$4" "$5" || return 1
		;;
	link:/*:*)
		[ -e "$6" ] && file_link_seen "$@" || return 1
		;;
	link:?*:*)
		[ -e "${1%/*}/$6" ] && file_link_seen "$@" || return 1
		;;
	*) return 1 ;;
	esac
	file_key=path
	if [ "$2" = link ]; then
		file_key=dest
		result src "$6"
	fi
	attrs_results $file_key "$1"
}

# file_link_seen ARGUMENTS: a link was seen that leads to src.
file_link_seen() {
	case $6 in *[!A-Za-z0-9_./@+,:=~%#-]*) return 1 ;; esac
	[ -z "$3$4$5" ] && [ -L "$1" ] && attrs_so "$1" link '' '' '' || return 1
	[ "${task_look#*:*:*:*:*:*:*:*:}" = "'$1' -> '$6'" ]
}

check_file() {
	file_start "$@"
	file_same=0
	"file_is_$file_state" || file_same=$?
	file_key=path
	case $file_state in
	link | hard)
		file_key=dest
		result src "$file_src"
		;;
	esac
	attrs_results $file_key "$file_path"
	return $file_same
}

file_is_absent() { [ "$attrs_is" = absent ]; }

file_is_file() {
	case $attrs_is in
	absent) die "$file_path is absent: state=touch makes it, copy and template give it a content" ;;
	directory | link) die "$file_path is a $attrs_is, not a file" ;;
	esac
	attrs_same "$file_mode" "$file_owner" "$file_group" && file_times_same
}

file_is_touch() {
	[ "$attrs_is" != absent ] || return 1
	attrs_same "$file_mode" "$file_owner" "$file_group" || return 1
	if [ "$file_atime" = preserve ] && [ "$file_mtime" = preserve ]; then return 0; fi
	attrs_done && return
	: "${file_atime:=now}" "${file_mtime:=now}"
	file_times_same
}

file_is_directory() {
	case $attrs_is in
	absent) return 1 ;;
	directory) ;;
	*) die "$file_path is a $attrs_is, not a directory" ;;
	esac
	attrs_same "$file_mode" "$file_owner" "$file_group" && file_times_same || return 1
	[ "$file_recurse" != true ] || file_all_same
}

# file_is_link: a mode and an owner are those of what it leads to.
file_is_link() {
	[ -n "$file_src" ] || file_link_src
	case $file_src in
	/*) file_to=$file_src ;;
	*) file_to=${file_path%/*}/$file_src ;;
	esac
	[ "$file_force" = true ] || [ -e "$file_to" ] || die "$file_src, which $file_path is to lead to, is absent: force=true makes the link anyway"
	case $attrs_is in
	directory)
		[ "$file_force" = true ] || die "$file_path is a directory: force=true replaces it if it is empty"
		for file_one in "$file_path"/* "$file_path"/.[!.]* "$file_path"/..?*; do
			if [ -e "$file_one" ] || [ -L "$file_one" ]; then die "$file_path is a directory with something in it: it is not replaced by a link"; fi
		done
		return 1
		;;
	file | hard)
		[ "$file_force" = true ] || die "$file_path is a file: force=true replaces it"
		return 1
		;;
	link) ;;
	*) return 1 ;;
	esac
	attrs_readlink "$file_path"
	[ "$attrs_to" = "$file_src" ] || return 1
	if [ "$file_follow" != true ]; then
		attrs_same '' "$file_owner" "$file_group"
		return
	fi
	[ -e "$file_path" ] || return 0
	[ -n "$file_mode$file_owner$file_group" ] || return 0
	attrs_look "$file_path" -L
	file_same=0
	attrs_same "$file_mode" "$file_owner" "$file_group" || file_same=1
	attrs_look "$file_path"
	return $file_same
}

file_link_src() {
	[ "$attrs_is" = link ] || die "src, what $file_path is to lead to, is missing"
	attrs_readlink "$file_path"
	file_src=$attrs_to
}

file_is_hard() {
	[ -n "$file_src" ] || die "src, what $file_path is to be a link to, is missing"
	attrs_path "$file_src"
	file_src=$attrs_path
	[ -e "$file_src" ] || die "$file_src, which $file_path is to be a link to, is absent"
	if [ "$attrs_is" = directory ]; then
		file_path=$file_path/${file_src##*/}
		attrs_look "$file_path"
	fi
	case $attrs_is in
	absent) return 1 ;;
	directory) die "$file_path is a directory: it is not replaced by a link" ;;
	esac
	if [ "$attrs_is" = link ] || ! attrs_one "$file_path" "$file_src"; then
		[ "$file_force" = true ] || [ "$attrs_is" = link ] || die "$file_path is another file than $file_src: force=true replaces it"
		return 1
	fi
	attrs_same "$file_mode" "$file_owner" "$file_group"
}

# file_times_same: now is never so, but for what this very task did.
file_times_same() {
	case $file_atime$file_mtime in
	'' | preserve | preservepreserve) return 0 ;;
	esac
	! attrs_done || return 0
	file_is_times=$(stat -c '%X %Y' "$file_path") || return 2
	file_time_same "$file_atime" "${file_is_times% *}" && file_time_same "$file_mtime" "${file_is_times#* }"
}

file_time_same() {
	case $1 in
	'' | preserve) ;;
	now) return 1 ;;
	*) [ "$(date -d "@$2" +%Y%m%d%H%M.%S)" = "$1" ] ;;
	esac
}

# file_all ARGUMENTS: find with these in all that is in the folder. With follow,
# it goes where the links in it lead.
file_all() {
	if [ "$file_follow" = true ]; then
		find -L "$file_path" "$@"
	else
		find "$file_path" "$@"
	fi
}

file_all_same() {
	if [ -n "$file_owner" ]; then
		[ -z "$(file_all ! -user "$file_owner" | head -n 1)" ] || return 1
	fi
	if [ -n "$file_group" ]; then
		[ -z "$(file_all ! -group "$file_group" | head -n 1)" ] || return 1
	fi
	case $file_mode in
	'') return 0 ;;
	*[!0-7]*) ;;
	*)
		[ -z "$(file_all ! -type l ! -perm "$file_mode" | head -n 1)" ]
		return
		;;
	esac
	# Here-documents end where names do not: only modes and kinds are read.
	file_all_modes=$(file_all ! -type l -exec stat -L -c '%a %F' {} + | sort -u) || return 2
	while read -r file_one file_kind; do
		attrs_mode "$file_mode" "$file_one" "$file_kind"
		[ "$attrs_mode" = "$file_one" ] || return 1
	done <<-EOT
		$file_all_modes
	EOT
}

apply_file() {
	file_start "$@"
	"file_make_$file_state"
}

file_make_absent() { rm -rf "$file_path"; }

file_make_file() {
	attrs_make "$file_path" "$file_mode" "$file_owner" "$file_group"
	file_set_times
}

file_make_touch() {
	[ -e "$file_path" ] || : >"$file_path"
	if [ -z "$file_atime$file_mtime" ]; then
		touch "$file_path"
	fi
	file_make_file
	attrs_remember
}

# file_make_directory: parents that are made get the same mode and owner. They are
# made beside their place and renamed, so that none is ever there without.
file_make_directory() {
	file_one=$file_path
	while [ -n "$file_one" ] && [ ! -e "$file_one" ]; do file_one=${file_one%/*}; done
	file_left=${file_path#"$file_one"/}
	if [ "$file_one" != "$file_path" ]; then
		file_first=${file_left%%/*}
		file_new=$file_one/.$file_first.eucactl-new
		[ ! -e "$file_new" ] || rm -rf "$file_new"
		file_make_chain "$file_new" "${file_left#"$file_first"}"
		mv "$file_new" "$file_one/$file_first"
		file_set_times
	else
		file_make_file
	fi
	if [ "$file_recurse" = true ]; then
		[ -z "$file_owner$file_group" ] || file_all -exec chown -h "$file_owner${file_group:+:$file_group}" {} +
		case $file_mode in
		'') ;;
		*[!0-7]*) file_all ! -type l -exec chmod "$file_mode" {} + ;;
		*) file_all ! -type l -exec chmod "00$file_mode" {} + ;;
		esac
	fi
}

# file_make_chain FOLDER BELOW: makes the folder, and one in the other below it.
file_make_chain() {
	mkdir "$1"
	attrs_make "$1" "$file_mode" "$file_owner" "$file_group"
	case $2 in
	/*)
		file_left=${2#/}
		file_first_below=${file_left%%/*}
		file_make_chain "$1/$file_first_below" "${file_left#"$file_first_below"}"
		;;
	esac
}

# file_make_link: made beside and renamed, so that there is always one.
file_make_link() {
	file_is_link || :
	if [ ! -L "$file_path" ] || [ "$(readlink "$file_path")" != "$file_src" ]; then
		file_new=${file_path%/*}/.${file_path##*/}.eucactl-new
		attrs_clear "$file_new"
		ln -s "$file_src" "$file_new"
		[ -L "$file_path" ] || [ ! -d "$file_path" ] || rmdir "$file_path"
		# A link to a folder would have mv move into it.
		[ ! -d "$file_path" ] || rm -f "$file_path"
		mv -f "$file_new" "$file_path"
	fi
	if [ "$file_follow" != true ]; then
		[ -z "$file_owner$file_group" ] || chown -h "$file_owner${file_group:+:$file_group}" "$file_path"
	elif [ -e "$file_path" ]; then
		attrs_make "$file_path" "$file_mode" "$file_owner" "$file_group"
	fi
}

file_make_hard() {
	file_is_hard || :
	if [ ! -e "$file_path" ] || [ -L "$file_path" ] || ! attrs_one "$file_path" "$file_src"; then
		file_new=${file_path%/*}/.${file_path##*/}.eucactl-new
		attrs_clear "$file_new"
		ln "$file_src" "$file_new"
		mv -f "$file_new" "$file_path"
	fi
	attrs_make "$file_path" "$file_mode" "$file_owner" "$file_group"
}

file_set_times() {
	[ -n "$file_atime$file_mtime" ] || return 0
	case $file_atime in
	'' | preserve) ;;
	now) touch -a "$file_path" ;;
	*) touch -a -t "$file_atime" "$file_path" ;;
	esac
	case $file_mtime in
	'' | preserve) ;;
	now) touch -m "$file_path" ;;
	*) touch -m -t "$file_mtime" "$file_path" ;;
	esac
	attrs_remember
}
