# assemble src dest remote_src=true delimiter? regexp~? ignore_hidden=false backup=false validate? mode? owner? group?
# with: attrs put regex
#
# A file made of the files in a folder, in the order of their names: Ansible's
# assemble. With remote_src=false the folder is the controller's.
#
#   src            the folder; folders in it are left out
#   dest           the file
#   delimiter      is put between two of them, in a line of its own; \n is a newline
#   regexp         only files whose names it matches; an expression of Python's
#   ignore_hidden  not those with a dot in front
#   backup         keeps the old file as NAME.PID.TIME~
#   validate       a command that must not fail on the new content, named %s
#   mode, owner, group
#                  as those of the kind file
#
# Results: dest, src, mode, owner, group, uid, gid, size, state, backup_file.
# Example: assemble: { src: /etc/app/conf.d, dest: /etc/app/app.conf, regexp: '\.conf$' }
# Differs from Ansible: paths are absolute; check mode tells what it would do.

# assemble_start ARGUMENTS
assemble_start() {
	umask 022
	[ "$3" = true ] || die "remote_src=false needs a folder of the controller's"
	assemble_delimiter=$4 assemble_match=$5 assemble_hidden=$6
	assemble_mode=$9 assemble_owner=${10} assemble_group=${11}
	attrs_path "$1"
	assemble_src=${attrs_path%/}
	[ -e "$assemble_src" ] || die "source ($assemble_src) does not exist"
	[ -d "$assemble_src/" ] || die "source ($assemble_src) is not a directory"
	attrs_path "$2"
	assemble_dest=$attrs_path
	[ ! -d "$assemble_dest" ] || die "$assemble_dest is a directory"
	regex_take "$assemble_match"
}

# assemble_all: the content. Between two files is always a line end.
assemble_all() {
	for assemble_one in "$assemble_src"/* "$assemble_src"/.[!.]* "$assemble_src"/..?*; do
		[ -f "$assemble_one" ] || continue
		printf '%s\n' "${assemble_one##*/}"
	done | sort | assemble_join
}

assemble_join() {
	assemble_last=''
	while IFS= read -r assemble_one; do
		assemble_wanted "$assemble_one" || continue
		[ -z "$assemble_last" ] || assemble_between
		assemble_last=$assemble_src/$assemble_one
		cat "$assemble_last" || return 2
	done
}

assemble_wanted() {
	if [ "$assemble_hidden" = true ]; then
		case $1 in .*) return 1 ;; esac
	fi
	[ -z "$assemble_match" ] || [ -n "$(printf '%s\n' "$1" | sed -n -E "/$regex_line/p")" ]
}

assemble_between() {
	[ -s "$assemble_last" ] && [ -z "$(tail -c 1 "$assemble_last")" ] || echo
	[ -n "$assemble_delimiter" ] || return 0
	assemble_text=$(printf '%b.' "$assemble_delimiter")
	assemble_text=${assemble_text%.}
	printf '%s\n' "${assemble_text%
}"
}

check_assemble() {
	assemble_start "$@"
	result src "$1"
	attrs_look "$assemble_dest"
	attrs_results dest "$assemble_dest"
	[ "$attrs_is" != absent ] || return 1
	put_same "$assemble_dest" assemble_all || return
	attrs_look "$assemble_dest" -L
	attrs_same "$assemble_mode" "$assemble_owner" "$assemble_group"
}

apply_assemble() {
	assemble_start "$@"
	if [ -e "$assemble_dest" ] && put_same "$assemble_dest" assemble_all; then
		attrs_make "$assemble_dest" "$assemble_mode" "$assemble_owner" "$assemble_group"
		return
	fi
	put_start "$assemble_dest"
	assemble_all >&4
	put_end "$assemble_mode" "$assemble_owner" "$assemble_group" "$7" "$8"
}

diff_assemble() {
	assemble_start "$@"
	assemble_all | put_diff "$assemble_dest"
}
