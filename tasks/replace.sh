# replace path|dest|destfile|name regexp~ replace? after~? before~? backup=false validate? mode? owner? group?
# with: attrs put regex
# looks: stat
#
# All that an expression matches in a text file becomes something else: Ansible's
# replace.
#
#   path (dest, destfile, name)
#                   the file; what a symbolic link leads to
#   regexp          a regular expression of Python's; ^ and $ are those of lines
#   replace         what comes instead; it may name groups: \1, \g<name>
#   after, before   expressions: only what is behind the first match of after, and
#                   before the next match of before (without after: the last)
#   backup          keeps the old file as NAME.PID.TIME~
#   validate        a command that must not fail on the new content, named %s
#   mode, owner, group
#                   as those of the kind file
#
# Results: backup_file, path, mode, owner, group, size.
# Example: replace: { path: /etc/hosts, regexp: '(\s+)old\.example(\s+.*)?$', replace: '\1new.example\2' }
# Differs from Ansible: expressions are matched by sed -E, where an alternative that
# matches more wins over one that stands first; lookahead, lookbehind, backreferences
# inside and *? +? are refused before any host is touched; of after and before too, ^
# and $ are those of lines. busybox's sed looks at lines by themselves: there, after,
# before and newlines in an expression are errors. Files with NUL bytes are refused.
# In check mode a file that is absent makes the outcome unknown.

# replace_start ARGUMENTS
replace_start() {
	umask 022
	replace_re=$2 replace_by=$3 replace_after=$4 replace_before=$5
	attrs_path "$1"
	attrs_follow "$attrs_path"
	replace_path=$attrs_path
	[ ! -d "$replace_path" ] || die "$replace_path is a directory"
	regex_take "$replace_re"
	replace_tmpl=$(regex_template "$replace_by" && echo .) || die "replace cannot be used"
	replace_tmpl=${replace_tmpl%.}
}

check_replace() {
	replace_start "$@"
	attrs_look "$replace_path"
	attrs_results path "$replace_path"
	if attrs_done; then return 0; fi
	[ "$attrs_is" != absent ] || return 10
	replace_rc=0
	put_same "$replace_path" replace_edit || replace_rc=$?
	[ $replace_rc = 0 ] || return $replace_rc
	attrs_same "$8" "$9" "${10}"
}

# replace_edit: the new content. The file is one pattern space, its last newline
# too: a byte is put behind it, for sed keeps the end of a last line without
# newline. M gives ^ and $ their lines; a sed without it takes lines by themselves.
replace_edit() {
	if ! printf '' | sed -E 's/^b/c/M' >/dev/null 2>&1; then
		replace_lines
		return
	fi
	replace_sed=$(replace_script) || return 2
	{
		cat "$replace_path"
		printf '\001'
	} | sed -E -f /dev/fd/3 3<<-EOT
		$replace_sed
	EOT
}

replace_lines() {
	regex_take "$replace_re"
	[ "$regex_scope" = lines ] || die "the sed of this host cannot match across lines: install GNU sed"
	[ -z "$replace_after$replace_before" ] || die "the sed of this host cannot look for after and before: install GNU sed"
	printf 's/%s/%s/g\n' "$regex_line" "$replace_tmpl" | sed -E -f /dev/stdin "$replace_path"
}

# replace_script: with a section, \001 stands before and behind it; it is
# taken out, changed and put back. A t to the next line forgets earlier matches.
replace_script() {
	printf ':a\n$!{\nN\nba\n}\ns/\001$//\ntb\n:b\n'
	regex_take "$replace_after"
	replace_from=$regex_text
	regex_take "$replace_before"
	replace_to=$regex_text
	regex_take "$replace_re"
	case ${replace_from:+after}:${replace_to:+before} in
	:)
		printf 's/%s/%s/gM\n' "$regex_text" "$replace_tmpl"
		return
		;;
	after:) printf 's/%s/&\001/M\nT\ns/$/\001/\n' "$replace_from" ;;
	:before) printf 's/%s/\001&/gM\nT\n:l\ns/\001([^\001]*\001)/\\1/\ntl\ns/^/\001/\n' "$replace_to" ;;
	*)
		printf 's/%s/&\001/M\nT\nh\ns/^[^\001]*\001//\ntc\n:c\ns/%s/\001&/M\nTn\n' "$replace_from" "$replace_to"
		printf 'x\ns/\001.*/\001/\nG\ns/\001\\n/\001/\nbs\n:n\nx\ns/\001//\nb\n:s\n'
		;;
	esac
	printf 'h\ns/^[^\001]*\001//\ns/\001.*//\ns/%s/%s/gM\ns/$/\002/\nG\n' "$regex_text" "$replace_tmpl"
	printf 's/^([^\002]*)\002\\n([^\001]*)\001[^\001]*\001/\\2\\1/\n'
}

apply_replace() {
	replace_start "$@"
	[ -e "$replace_path" ] || die "$replace_path does not exist"
	put_text "$replace_path"
	put_start "$replace_path"
	replace_edit >&4
	if cmp -s "$put_new" "$replace_path"; then
		attrs_make "$replace_path" "$8" "$9" "${10}"
	else
		put_end "$8" "$9" "${10}" "$6" "$7"
	fi
	attrs_remember
}

diff_replace() {
	replace_start "$@"
	replace_edit | put_diff "$replace_path"
}
