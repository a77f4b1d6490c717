# lineinfile path|dest|destfile|name regexp|regex~? search_string? line|value=__unset state=present backrefs=false insertafter~? insertbefore~? firstmatch=false create=false backup=false validate? mode? owner? group?
# with: attrs put regex
# looks: text
#
# A line of a text file is there, or is not: Ansible's lineinfile.
#
#   path (dest, destfile, name)
#                   the file; what a symbolic link leads to
#   line (value)    the line
#   state           present: the last line that regexp matches becomes this line; if
#                   none does, and no line is it, it is added. absent: all lines that
#                   match, or are it, go
#   regexp (regex)  a regular expression of Python's
#   search_string   a text, instead of regexp
#   backrefs        line may name groups of regexp: \1, \g<name>; if regexp does not
#                   match, nothing is done
#   insertafter     EOF, or the last line that this expression matches
#   insertbefore    BOF, or the last line that this expression matches
#   firstmatch      the first line counts, not the last
#   create          the file is made if it is absent
#   backup          keeps the old file as NAME.PID.TIME~
#   validate        a command that must not fail on the new content, named %s
#   mode, owner, group
#                   as those of the kind file
#
# Results: backup_file, path, mode, owner, group, size.
# Example: lineinfile: { path: /etc/ssh/sshd_config, regexp: "^#?PermitRootLogin", line: "PermitRootLogin no" }
# Differs from Ansible: expressions are matched by sed -E, where an alternative that
# matches more wins over one that stands first; lookahead, lookbehind, backreferences
# inside and *? +? are refused before any host is touched. Files with NUL bytes are
# refused. In check mode a file that is absent makes the outcome unknown.

lineinfile_take() {
	lineinfile_path=$1
	lineinfile_re=$2 lineinfile_search=$3 lineinfile_line=$4 lineinfile_state=$5 lineinfile_backrefs=$6
	lineinfile_after=$7 lineinfile_before=$8 lineinfile_first=$9 lineinfile_create=${10}
	lineinfile_backup=${11} lineinfile_validate=${12}
	lineinfile_mode=${13} lineinfile_owner=${14} lineinfile_group=${15}
}

# lineinfile_start ARGUMENTS
lineinfile_start() {
	umask 022
	lineinfile_take "$@"
	attrs_path "$1"
	attrs_follow "$attrs_path"
	lineinfile_path=$attrs_path
	[ ! -d "$lineinfile_path" ] || die "$lineinfile_path is a directory"
	case $lineinfile_state in
	present) [ "$lineinfile_line" != __unset ] || die "line is missing" ;;
	absent) [ -n "$lineinfile_re$lineinfile_search" ] || [ "$lineinfile_line" != __unset ] || die "state=absent needs line, regexp or search_string" ;;
	*) die "state is present or absent, not '$5'" ;;
	esac
	[ -z "$lineinfile_re" ] || [ -z "$lineinfile_search" ] || die "regexp and search_string exclude each other"
	[ -z "$lineinfile_after" ] || [ -z "$lineinfile_before" ] || die "insertafter and insertbefore exclude each other"
	[ "$lineinfile_backrefs" != true ] || [ -n "$lineinfile_re" ] || die "backrefs needs regexp"
}

seen_lineinfile() {
	lineinfile_take "$@"
	[ "$lineinfile_line" != __unset ] && [ -z "$lineinfile_after$lineinfile_before" ] && [ ! -L "$1" ] || return 1
	attrs_so "$1" 'file' "${13}" "${14}" "${15}" && lineinfile_seen || return 1
	attrs_results path "$1"
}

check_lineinfile() {
	lineinfile_start "$@"
	attrs_look "$lineinfile_path"
	attrs_results path "$lineinfile_path"
	if attrs_done; then return 0; fi
	if [ "$attrs_is" = absent ]; then
		[ "$lineinfile_state" = present ] || return 0
		[ "$lineinfile_create" = true ] || return 10
		return 1
	fi
	if ! lineinfile_seen; then
		lineinfile_rc=0
		lineinfile_edit >/dev/null || lineinfile_rc=$?
		[ $lineinfile_rc = 0 ] || return $lineinfile_rc
	fi
	[ "$lineinfile_state" = absent ] || attrs_same "$lineinfile_mode" "$lineinfile_owner" "$lineinfile_group"
}

# lineinfile_seen: the text that was read beforehand shows that the line is there, as
# what a plain expression matches last or, if it matches nothing, anywhere. What is not
# so simple is left to lineinfile_edit.
lineinfile_seen() {
	[ "$lineinfile_state:$lineinfile_backrefs:$lineinfile_first$lineinfile_search" = present:false:false ] || return 1
	case $lineinfile_line in '' | *"
"*) return 1 ;; esac
	put_seen "$lineinfile_path" || return 1
	case "
$put_seen" in
	*"
$lineinfile_line
"*) ;;
	*) return 1 ;;
	esac
	[ -n "$lineinfile_re" ] || return 0
	regex_plain "$lineinfile_re" || return 1
	lineinfile_last=$lineinfile_line
	set -f
	IFS='
'
	for lineinfile_one in $put_seen; do
		# shellcheck disable=SC2254 # a pattern
		case $lineinfile_one in $regex_plain) lineinfile_last=$lineinfile_one ;; esac
	done
	set +f
	unset IFS
	[ "$lineinfile_last" = "$lineinfile_line" ]
}

# lineinfile_edit: the new content; 1 if it differs, else 0 or more than 1.
lineinfile_edit() {
	lineinfile_hits='' lineinfile_new='' lineinfile_where='' lineinfile_at=''
	lineinfile_file=$lineinfile_path
	[ -e "$lineinfile_file" ] || lineinfile_file=/dev/null
	[ -z "$lineinfile_re" ] || lineinfile_hits=$(regex_lines "$lineinfile_re" "$lineinfile_file") || return 2
	if [ "$lineinfile_state" = present ]; then
		lineinfile_place || return 2
	fi
	put_ends "$lineinfile_file"
	lineinfile_new=$lineinfile_line
	if [ "$lineinfile_backrefs" = true ]; then
		[ -n "$lineinfile_hits" ] || lineinfile_hits=none
		[ "$lineinfile_hits" = none ] || lineinfile_expand || return 2
	fi
	line_hits=$lineinfile_hits line_re=${lineinfile_re:+yes} line_search=$lineinfile_search \
		line_line=$lineinfile_line line_new=$lineinfile_new line_where=$lineinfile_where line_at=$lineinfile_at \
		line_first=$lineinfile_first line_state=$lineinfile_state line_open=$put_open \
		awk "$lineinfile_awk" "$lineinfile_file"
}

# lineinfile_place: where a line is added: at the end or the beginning, or at lines
# that match.
lineinfile_place() {
	lineinfile_where=end
	if [ -n "$lineinfile_before" ]; then
		lineinfile_where=before
	elif [ -n "$lineinfile_after" ]; then
		lineinfile_where=after
	fi
	regex_take "$lineinfile_before$lineinfile_after"
	case $lineinfile_where:$regex_line in
	end:* | after:EOF) lineinfile_where=end ;;
	*:BOF) lineinfile_where=begin ;;
	*) lineinfile_at=$(regex_lines "$lineinfile_before$lineinfile_after" "$lineinfile_file") || return 2 ;;
	esac
}

# lineinfile_expand: the line with the groups of what is matched in the line that
# it replaces. Newlines mark where the match is: a line has none itself.
lineinfile_expand() {
	case $lineinfile_first in
	true) lineinfile_hit=${lineinfile_hits%%
*} ;;
	*) lineinfile_hit=${lineinfile_hits##*
} ;;
	esac
	regex_take "$lineinfile_re"
	lineinfile_tmpl=$(regex_template "$lineinfile_line" && echo .) || return 2
	lineinfile_new=$(printf '%s{\ns/%s/\\\n%s\\\n/\ns/^[^\\n]*\\n//\ns/\\n[^\\n]*$//\np\n}\n' \
		"$lineinfile_hit" "$regex_line" "${lineinfile_tmpl%.}" | sed -n -E -f /dev/stdin "$lineinfile_file") || return 2
}

# Ends with 1 if the content becomes another. A line that is another only in how it
# ends is made whole.
# shellcheck disable=SC2016 # of awk's
lineinfile_awk='
function bare(s) { sub(/\r+$/, "", s); return s }
function put(s) { printf "%s\n", s }
BEGIN {
	line = ENVIRON["line_line"]; new = ENVIRON["line_new"]; where = ENVIRON["line_where"]; search = ENVIRON["line_search"]
	first = ENVIRON["line_first"] == "true"; gone = ENVIRON["line_state"] == "absent"; open = ENVIRON["line_open"]
	backrefs = ENVIRON["line_hits"] == "none"; by = ENVIRON["line_re"] != "" || search != ""
	n = split(ENVIRON["line_hits"], list, "\n"); for (i = 1; i <= n; i++) hit[list[i]] = 1
	n = split(ENVIRON["line_at"], list, "\n"); for (i = 1; i <= n; i++) at[list[i]] = 1
}
{ text[NR] = $0; if (search != "" && index($0, search)) hit[NR] = 1 }
END {
	exit gone ? remove() : present()
}
function remove(   i, found) {
	for (i = 1; i <= NR; i++) {
		if (by ? i in hit : bare(text[i]) == line) { found++; continue }
		printf "%s%s", text[i], i == NR && open ? "" : "\n"
	}
	return found > 0
}
function present(   i, found, to, is) {
	for (i = 1; i <= NR && by; i++) if (i in hit) { found = i; if (first) break }
	for (i = 1; i <= NR && !found; i++) {
		if (bare(text[i]) == line) is = i
		else if (i in at) { to = i; if (first) break }
	}
	if (found || is) return replace(found ? found : is, found ? new : line)
	if (backrefs) return same()
	if (where == "begin") return insert(1)
	if (where == "end" || !to) { if (NR && open && text[NR] !~ /\r$/) open = ""; return insert(NR + 1) }
	if (where == "before") return insert(to)
	if (bare(text[to == NR ? NR : to + 1]) == line) return same()
	return insert(to + 1)
}
function same(   i) {
	for (i = 1; i <= NR; i++) printf "%s%s", text[i], i == NR && open ? "" : "\n"
	return 0
}
function replace(k, s,   i) {
	sub(/\n$/, "", s)
	if (text[k] == s && !(k == NR && open)) return same()
	for (i = 1; i <= NR; i++) if (i == k) put(s); else printf "%s%s", text[i], i == NR && open ? "" : "\n"
	return 1
}
function insert(k,   i) {
	for (i = 1; i <= NR; i++) { if (i == k) put(line); printf "%s%s", text[i], i == NR && open ? "" : "\n" }
	if (k > NR) put(line)
	return 1
}
'

apply_lineinfile() {
	lineinfile_start "$@"
	if [ -e "$lineinfile_path" ]; then
		put_text "$lineinfile_path"
	elif [ "$lineinfile_create" != true ]; then
		die "$lineinfile_path does not exist: create=true makes it"
	else
		[ -d "${lineinfile_path%/*}/" ] || mkdir -p "${lineinfile_path%/*}"
	fi
	put_start "$lineinfile_path"
	lineinfile_rc=0
	lineinfile_edit >&4 || lineinfile_rc=$?
	case $lineinfile_rc in
	0) [ "$lineinfile_state" = absent ] || attrs_make "$lineinfile_path" "$lineinfile_mode" "$lineinfile_owner" "$lineinfile_group" ;;
	1)
		put_end "$lineinfile_mode" "$lineinfile_owner" "$lineinfile_group" "$lineinfile_backup" "$lineinfile_validate"
		attrs_remember
		;;
	*) return $lineinfile_rc ;;
	esac
}

diff_lineinfile() {
	lineinfile_start "$@"
	lineinfile_edit | put_diff "$lineinfile_path"
}
