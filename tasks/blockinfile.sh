# blockinfile path|dest|destfile|name block|content? marker? marker_begin=BEGIN marker_end=END state=present insertafter~? insertbefore~? create=false backup=false validate? mode? owner? group?
# with: attrs put regex
# looks: text
#
# A block of lines of a text file, between two marks: Ansible's blockinfile.
#
#   path (dest, destfile, name)
#                   the file; what a symbolic link leads to
#   block (content) the lines; without any the block goes, with its marks
#   marker          the marks, {mark} being the word of each; left out:
#                   "# {mark} ANSIBLE MANAGED BLOCK"
#   marker_begin, marker_end
#                   the words in them
#   state           present or absent
#   insertafter     EOF, or the last line that this expression of Python's matches
#   insertbefore    BOF, or the last line that this expression matches
#   create          the file is made if it is absent
#   backup          keeps the old file as NAME.PID.TIME~
#   validate        a command that must not fail on the new content, named %s
#   mode, owner, group
#                   as those of the kind file
#
# Results: backup_file, path, mode, owner, group, size.
# Example: blockinfile: { path: /etc/hosts, block: "10.0.0.1 one\n10.0.0.2 two" }
# Differs from Ansible: expressions as in lineinfile. In check mode a file that is
# absent makes the outcome unknown.

blockinfile_take() {
	block_path=$1
	block_lines=$2 block_mark=${3:-# {mark\} ANSIBLE MANAGED BLOCK} block_state=$6 block_after=$7 block_before=$8 block_create=$9
	block_backup=${10} block_validate=${11} block_mode=${12} block_owner=${13} block_group=${14}
	block_begin=$block_mark block_end=$block_mark
	case $block_mark in
	*'{mark}'*)
		block_begin=${block_mark%%'{mark}'*}$4${block_mark#*'{mark}'}
		block_end=${block_mark%%'{mark}'*}$5${block_mark#*'{mark}'}
		;;
	esac
}

# blockinfile_start ARGUMENTS
blockinfile_start() {
	umask 022
	blockinfile_take "$@"
	attrs_path "$1"
	attrs_follow "$attrs_path"
	block_path=$attrs_path
	[ ! -d "$block_path" ] || die "$block_path is a directory"
	case $block_state in
	present) ;;
	absent) block_lines='' ;;
	*) die "state is present or absent, not '$6'" ;;
	esac
	[ -z "$block_after" ] || [ -z "$block_before" ] || die "insertafter and insertbefore exclude each other"
}

seen_blockinfile() {
	blockinfile_take "$@"
	[ "$block_state" = present ] && [ -z "$block_after$block_before" ] && [ ! -L "$1" ] || return 1
	attrs_so "$1" 'file' "$block_mode" "$block_owner" "$block_group" && blockinfile_seen || return 1
	attrs_results path "$1"
}

check_blockinfile() {
	blockinfile_start "$@"
	attrs_look "$block_path"
	attrs_results path "$block_path"
	if attrs_done; then return 0; fi
	if [ "$attrs_is" = absent ]; then
		[ "$block_create" = true ] || return 10
		return 1
	fi
	if ! blockinfile_seen; then
		block_rc=0
		put_same "$block_path" blockinfile_edit || block_rc=$?
		[ $block_rc = 0 ] || return $block_rc
	fi
	attrs_same "$block_mode" "$block_owner" "$block_group"
}

# blockinfile_seen: the text that was read beforehand has the block, and its marks once.
# What is not so simple is left to blockinfile_edit.
blockinfile_seen() {
	case $block_begin$block_end in *"
"*) return 1 ;; esac
	[ -n "$block_lines" ] && [ "$block_begin" != "$block_end" ] && put_seen "$block_path" || return 1
	block_seen="
$put_seen" block_whole="
$block_begin
${block_lines%
}
$block_end
"
	case $block_seen in
	*"
$block_begin
"*"
$block_begin
"* | *"
$block_end
"*"
$block_end
"*) return 1 ;;
	*"$block_whole"*) ;;
	*) return 1 ;;
	esac
}

# blockinfile_edit: the new content.
blockinfile_edit() {
	block_file=$block_path block_where=end block_at=''
	[ -e "$block_file" ] || block_file=/dev/null
	regex_take "$block_after$block_before"
	case ${block_before:+before}:$regex_line in
	: | :EOF | before:EOF) ;;
	*:BOF) block_where=begin ;;
	*)
		block_where=${block_before:+before}
		block_at=$(regex_lines "$block_after$block_before" "$block_file") || return 2
		;;
	esac
	put_ends "$block_file"
	printf '%s' "$block_lines" | block_begin=$block_begin block_end=$block_end block_where=$block_where \
		block_at=$block_at block_open=$put_open awk "$blockinfile_awk" part=block - part=file "$block_file"
}

# shellcheck disable=SC2016 # of awk's
blockinfile_awk='
BEGIN {
	begin = ENVIRON["block_begin"]; end = ENVIRON["block_end"]; where = ENVIRON["block_where"]
	open = ENVIRON["block_open"]; last = split(ENVIRON["block_at"], at, "\n")
}
part == "block" { block[++lines] = $0; next }
{ text[++n] = $0 }
END {
	whole = n - (open != "")
	for (i = 1; i <= whole; i++) { if (text[i] == begin) from = i; if (text[i] == end) to = i }
	if (from && to) {
		if (from > to) { i = from; from = to; to = i }
		k = from - 1
	} else {
		from = n + 1; to = 0
		if (where == "begin") k = 0
		else if (where == "end" || !last) k = n
		else k = where == "before" ? at[last] - 1 : at[last] + 0
	}
	for (i = 1; i <= k; i++) printf "%s%s", text[i], i == n && open && i != k ? "" : "\n"
	if (lines) {
		print begin
		for (i = 1; i <= lines; i++) print block[i]
		print end
	}
	for (i = k + 1; i <= n; i++) if (i < from || i > to) printf "%s%s", text[i], i == n && open ? "" : "\n"
}
'

apply_blockinfile() {
	blockinfile_start "$@"
	if [ -e "$block_path" ]; then
		put_text "$block_path"
	else
		[ "$block_create" = true ] || die "$block_path does not exist: create=true makes it"
		[ -d "${block_path%/*}/" ] || mkdir -p "${block_path%/*}"
	fi
	put_start "$block_path"
	blockinfile_edit >&4
	if [ -e "$block_path" ] && cmp -s "$put_new" "$block_path"; then
		attrs_make "$block_path" "$block_mode" "$block_owner" "$block_group"
	else
		put_end "$block_mode" "$block_owner" "$block_group" "$block_backup" "$block_validate"
	fi
	attrs_remember
}

diff_blockinfile() {
	blockinfile_start "$@"
	blockinfile_edit | put_diff "$block_path"
}
