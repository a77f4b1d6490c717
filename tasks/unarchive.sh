# unarchive src dest content:lazy? remote_src=false creates? list_files=false keep_newer=false exclude[]? include[]? extra_opts[]? validate_certs=true io_buffer_size? mode? owner? group?
# with: attrs run stats web
#
# An archive, unpacked: Ansible's unarchive. It is unpacked into a private folder first
# and compared with what is there, so a repeat changes nothing; that needs room for a
# second copy for a while.
#
#   src            an archive of the controller's, which is sent; with remote_src one of the
#                  host's own, or an address of http, https or ftp, which it fetches itself.
#                  tar of every compression that the host's tar reads, and zip with unzip
#   dest           the folder to unpack in, which must be there
#   creates        a file: where it exists, nothing is done
#   exclude, include
#                  lists of names, or of patterns as tar and unzip take them; only one of both
#   extra_opts     a list of more options for tar or unzip: [--strip-components=1]
#   keep_newer     files that are newer than the archive's stay as they are
#   list_files     gives the names in the archive as the result files
#   validate_certs false: whoever the server is
#   mode, owner, group
#                  of all that is unpacked, as those of the kind file
#
# Results: dest, src, handler, files, mode, owner, group, uid, gid, size, state; skipped
# where creates says so.
# Example: unarchive: { src: app.tar.gz, dest: /srv/app, owner: app, extra_opts: [--strip-components=1] }
# Differs from Ansible: in check mode a tar that is on the host is compared too; one of the
# controller's is not sent then, and what it changes cannot be foretold. A file whose
# content alone differs is unpacked again, a newer one that is kept is no change. A name
# with .. in it is refused, as are options to leave dest (-P, -C). busybox's tar and unzip
# know no keep_newer, and its tar neither exclude nor zstd. io_buffer_size has no effect.

# unarchive_start ARGUMENTS
unarchive_start() {
	umask 022
	unarchive_src=$1 unarchive_content=$3 unarchive_remote=$4 unarchive_creates=$5 unarchive_list=$6 unarchive_newer=$7
	unarchive_exclude=$8 unarchive_include=$9 unarchive_options=${10} unarchive_validate=${11}
	unarchive_mode=${13} unarchive_owner=${14} unarchive_group=${15}
	attrs_path "$2"
	unarchive_dest=$attrs_path
	unarchive_dir=$(scratch)/unarchive.$task_n
	mkdir -p "$unarchive_dir"
	chmod 700 "$unarchive_dir"
	[ -z "$unarchive_exclude" ] || [ -z "$unarchive_include" ] || die "include and exclude exclude each other"
	unarchive_stays
	for unarchive_tool in cmp find xargs; do
		command -v "$unarchive_tool" >/dev/null || die "there is no $unarchive_tool here: install it first"
	done
}

# unarchive_stays: no option leads out of dest. All else is unpacked aside first, in check mode too.
unarchive_stays() {
	unarchive_lines
	for unarchive_one in $unarchive_options; do
		case $unarchive_one in
		--ab* | --dir* | --on*=/* | --on*=*..* | -[!-]*[PC]* | -[PCd:]*)
			die "the option $unarchive_one would unpack somewhere else than in dest"
			;;
		esac
	done
	unarchive_words
}

# unarchive_made: what creates names is there.
unarchive_made() {
	[ -n "$unarchive_creates" ] || return 1
	run_tilde "$unarchive_creates"
	[ -e "$run_is" ] || [ -L "$run_is" ] || return 1
	result skipped_json true
	result msg "skipped, since $unarchive_creates exists"
}

# unarchive_take: the archive, as the file unarchive_src. Ends with 1 where in check mode it
# is not there yet: an earlier task may bring it.
unarchive_take() {
	if [ -n "$unarchive_content" ]; then
		unarchive_src=$unarchive_dir/archive
		[ -e "$unarchive_src" ] || blob "$unarchive_content" >"$unarchive_src"
		return 0
	fi
	case $unarchive_remote:$unarchive_src in
	true:*://*) unarchive_get ;;
	true:*)
		attrs_path "$unarchive_src"
		unarchive_src=$attrs_path
		;;
	*) die "src is no file of the controller's; one of the host's own, or an address, needs remote_src" ;;
	esac
	[ -e "$unarchive_src" ] || [ -z "$task_check" ] || return 1
	[ -e "$unarchive_src" ] || die "the archive $unarchive_src does not exist"
	[ -f "$unarchive_src" ] || die "the archive $unarchive_src is not a file"
	[ -r "$unarchive_src" ] || die "the archive $unarchive_src is not readable"
	[ -s "$unarchive_src" ] || die "the archive $unarchive_src has 0 bytes"
}

# unarchive_get: it is fetched once for check and apply.
unarchive_get() {
	web_start "$unarchive_src"
	web_validate=$unarchive_validate
	if [ ! -e "$web_dir/have" ]; then
		web_ask
		case $web_status in
		200 | 206) : >"$web_dir/have" ;;
		*) die "cannot fetch $unarchive_src: $web_why" ;;
		esac
	fi
	unarchive_src=$web_out
}

# unarchive_how: by its first two bytes, with which tool.
unarchive_how() {
	unarchive_head=$(head -c 2 "$unarchive_src")
	unarchive_tool=tar unarchive_handler=TarArchive unarchive_gnu=yes unarchive_packed=''
	case $unarchive_head in
	PK) unarchive_tool=unzip unarchive_handler=ZipArchive ;;
	"$(printf '\037\213')") unarchive_packed=-z unarchive_handler=TgzArchive ;;
	BZ) unarchive_packed=-j ;;
	"$(printf '\3757')") unarchive_packed=-J ;;
	esac
	command -v "$unarchive_tool" >/dev/null || die "there is no $unarchive_tool here, which $unarchive_src needs: install it first"
	case $unarchive_tool:$("$unarchive_tool" --version 2>&1) in
	tar:*GNU*) ;;
	unzip:UnZip* | unzip:*Info-ZIP*) ;;
	*)
		unarchive_gnu=''
		[ "$unarchive_newer" != true ] || die "busybox's $unarchive_tool does not know keep_newer: install $unarchive_tool first"
		[ -z "$unarchive_exclude" ] || [ "$unarchive_tool" != tar ] || die "busybox's tar does not know exclude: install tar first"
		;;
	esac
}

# unarchive_names: the names in the archive, one in a line.
unarchive_names() {
	case $unarchive_tool:$unarchive_gnu in
	tar:yes) unarchive_tar -t --quoting-style=literal --show-transformed-names ;;
	tar:) unarchive_tar -t ;;
	unzip:yes) (unarchive_options='' unarchive_unzip -Z1) ;;
	*) (unarchive_options='' unarchive_unzip -l) | sed -n 's/^ *[0-9]\{1,\}  *[-0-9]\{1,\}  *[:0-9]\{1,\}  *//p' ;;
	esac
}

# unarchive_to FOLDER: unpacks.
unarchive_to() {
	case $unarchive_tool in
	tar)
		set -- "$1" -x -C "$1"
		[ "$unarchive_newer" != true ] || set -- "$@" --keep-newer-files
		;;
	*)
		set -- "$1" -o -q -d "$1"
		[ "$unarchive_newer" != true ] || set -- "$@" -u
		;;
	esac
	unarchive_at=$1
	shift
	"unarchive_$unarchive_tool" "$@" || die "failed to unpack $unarchive_src to $unarchive_at"
}

# unarchive_tar OPTION...: of the archive, with what the task says.
unarchive_tar() {
	unarchive_lines
	# shellcheck disable=SC2086 # lists of lines
	set -- "$@" $unarchive_packed $unarchive_options
	for unarchive_one in $unarchive_exclude; do set -- "$@" "--exclude=${unarchive_one%/}"; done
	# shellcheck disable=SC2086
	set -- "$@" -f "$unarchive_src" $unarchive_include
	unarchive_words
	tar "$@"
}

# unarchive_unzip OPTION...
unarchive_unzip() {
	unarchive_lines
	# shellcheck disable=SC2086 # lists of lines
	set -- "$@" $unarchive_options "$unarchive_src" $unarchive_include
	# shellcheck disable=SC2086
	[ -z "$unarchive_exclude" ] || set -- "$@" -x $unarchive_exclude
	unarchive_words
	unzip "$@"
}

# unarchive_lines, unarchive_words: lists are split at the ends of lines, and no pattern in
# them means files of here; or as usual.
unarchive_lines() {
	set -f
	IFS='
'
}
unarchive_words() {
	set +f
	unset IFS
}

# unarchive_look: unpacks aside and compares. The file same is there afterwards, if all
# of it is in dest; other files have the names, what is wanted of them, and what is.
unarchive_look() {
	unarchive_how
	trap 'rm -rf "$unarchive_dir/tree"' EXIT
	rm -rf "$unarchive_dir/tree" "$unarchive_dir/same"
	mkdir "$unarchive_dir/tree"
	unarchive_names >"$unarchive_dir/told" || die "$unarchive_tool cannot read the archive $unarchive_src"
	sed 's#^/*##; /^$/d' "$unarchive_dir/told" >"$unarchive_dir/list"
	[ -s "$unarchive_dir/list" ] || die "there is nothing to unpack in $unarchive_src"
	! grep -E '(^|/)\.\.(/|$)' "$unarchive_dir/list" || die "a name with .. in it leads out of dest"
	unarchive_to "$unarchive_dir/tree"
	cd "$unarchive_dir/tree" || return
	unarchive_folders >"$unarchive_dir/folders"
	unarchive_found >"$unarchive_dir/solid"
	find . -type l -print0 >"$unarchive_dir/links"
	[ "$unarchive_newer" != true ] || unarchive_kept
	{
		unarchive_found
		find . -type l -print0
	} >"$unarchive_dir/names"
	unarchive_state >"$unarchive_dir/want"
	cd "$unarchive_dest" || return
	unarchive_state >"$unarchive_dir/is"
	cd "$unarchive_dir/tree" || return
	if cmp -s "$unarchive_dir/want" "$unarchive_dir/is" && [ -z "$(unarchive_others)" ]; then : >"$unarchive_dir/same"; fi
	cd /
	rm -rf "$unarchive_dir/tree"
}

# unarchive_folders: the folders that are in the archive themselves. With /. behind it, a
# name means a folder also where a link leads to it.
unarchive_folders() {
	while IFS= read -r unarchive_one; do
		[ ! -d "$unarchive_one" ] || [ -L "${unarchive_one%/}" ] || printf './%s/.\0' "${unarchive_one%/}"
	done <"$unarchive_dir/list"
}

# unarchive_found: what is no link. Folders that are but on the way to a file do not count.
unarchive_found() {
	find . ! -type d ! -type l -print0
	cat "$unarchive_dir/folders"
}

# unarchive_tops: the first parts of names, which get the mode and owner as well.
unarchive_tops() {
	sed -n 's#/.*##p' "$unarchive_dir/list" | sort -u | while IFS= read -r unarchive_one; do
		[ ! -d "$unarchive_dest/$unarchive_one" ] || printf './%s/.\0' "$unarchive_one"
	done
}

# unarchive_kept: what is as new in dest does not count.
unarchive_kept() {
	find . -type f -exec sh -c 'to=$1; shift
		for f; do [ ! -e "$to/$f" ] || [ "$f" -nt "$to/$f" ] || rm "$f"; done' sh "$unarchive_dest" {} +
}

# unarchive_state: what the names are in this folder, a line each, as far as it counts.
# What tar packed has its owner where root unpacks it, and folders have none. What
# busybox's unzip unpacks has the time of now.
unarchive_state() {
	unarchive_root='' unarchive_timed=yes
	[ "$unarchive_tool:$unarchive_gnu" != unzip: ] || unarchive_timed=''
	[ "$(id -u)" != 0 ] || unarchive_root=yes
	xargs -0 -r stat -c '%F|%a|%u|%g|%Y|%n' <"$unarchive_dir/names" 2>/dev/null |
		awk -F'|' -v mode="$unarchive_mode" -v owner="$unarchive_owner" -v group="$unarchive_group" \
			-v tar="$unarchive_tool" -v root="$unarchive_root" -v timed="$unarchive_timed" '{
			name = $0
			for (i = 0; i < 5; i++) name = substr(name, index(name, "|") + 1)
			sub(/ empty/, "", $1)
			owned = tar != "tar" || (root && $1 != "directory" && $1 != "symbolic link")
			if (mode != "" || $1 == "symbolic link") $2 = "-"
			if (owner != "" || !owned) $3 = "-"
			if (group != "" || !owned) $4 = "-"
			if ($1 != "regular file" || timed == "") $5 = "-"
			print name ": " $1 ", mode " $2 ", owner " $3 ":" $4 ", time " $5
		}'
}

# unarchive_others: the names whose content is another one in dest.
unarchive_others() {
	find . \( -type f -o -type l \) -exec sh -c 'to=$1; shift
		for f; do
			if [ -L "$f" ]; then
				[ "$(readlink "$f")" = "$(readlink "$to/$f")" ]
			else
				cmp -s "$f" "$to/$f"
			fi || printf "%s\n" "$f"
		done' sh "$unarchive_dest" {} +
}

# unarchive_owned: everything in dest has the mode, owner and group that the task says.
unarchive_owned() {
	[ -n "$unarchive_mode$unarchive_owner$unarchive_group" ] || return 0
	unarchive_tops >"$unarchive_dir/tops"
	cd "$unarchive_dest" || return
	cat "$unarchive_dir/solid" "$unarchive_dir/tops" | xargs -0 -r stat -c '%a:%u:%g:%U:%G:%F:%n' >"$unarchive_dir/attrs" 2>/dev/null || :
	xargs -0 -r stat -c ':%u:%g:%U:%G:%F:%n' <"$unarchive_dir/links" >>"$unarchive_dir/attrs" 2>/dev/null || :
	while IFS=: read -r attrs_is_mode attrs_is_uid attrs_is_gid attrs_is_owner attrs_is_group attrs_is unarchive_one; do
		attrs_same "${attrs_is_mode:+$unarchive_mode}" "$unarchive_owner" "$unarchive_group" || return 1
	done <"$unarchive_dir/attrs"
}

# unarchive_own: makes it so.
unarchive_own() {
	[ -n "$unarchive_mode$unarchive_owner$unarchive_group" ] || return 0
	unarchive_tops >"$unarchive_dir/tops"
	cd "$unarchive_dest" || return
	if [ -n "$unarchive_owner$unarchive_group" ]; then
		cat "$unarchive_dir/solid" "$unarchive_dir/links" "$unarchive_dir/tops" |
			xargs -0 -r chown -h "$unarchive_owner${unarchive_group:+:$unarchive_group}"
	fi
	[ -n "$unarchive_mode" ] || return 0
	case $unarchive_mode in
	*[!0-7]*) ;;
	*) unarchive_mode=00$unarchive_mode ;;
	esac
	cat "$unarchive_dir/solid" "$unarchive_dir/tops" | xargs -0 -r chmod "$unarchive_mode"
}

unarchive_results() {
	result handler "$unarchive_handler"
	result src "$unarchive_src"
	attrs_look "$unarchive_dest" -L
	attrs_results dest "$unarchive_dest"
	if [ "$unarchive_list" = true ]; then
		result files_json "$(stats_texts <"$unarchive_dir/list")"
	fi
}

check_unarchive() {
	unarchive_start "$@"
	if unarchive_made; then return 0; fi
	if attrs_done; then
		unarchive_owned
		return
	fi
	if [ ! -d "$unarchive_dest/" ]; then
		[ -n "$task_check" ] || die "dest '$unarchive_dest' must be an existing folder"
		return 1
	fi
	[ -z "$unarchive_content" ] || return 10
	unarchive_take || return 10
	unarchive_look
	unarchive_results
	[ -e "$unarchive_dir/same" ] || return 1
	unarchive_owned
}

apply_unarchive() {
	unarchive_start "$@"
	unarchive_take
	if [ -n "$unarchive_content" ]; then
		unarchive_look
		if [ -e "$unarchive_dir/same" ] && unarchive_owned; then
			unarchive_results
			return 10
		fi
	fi
	unarchive_how
	if [ ! -e "$unarchive_dir/same" ]; then
		unarchive_to "$unarchive_dest"
	fi
	unarchive_own
	unarchive_results
	attrs_remember
}

diff_unarchive() {
	unarchive_start "$@"
	[ -e "$unarchive_dir/want" ] || return 0
	diff -U 0 "$unarchive_dir/is" "$unarchive_dir/want" | sed '1,2d; /^@/d'
}
