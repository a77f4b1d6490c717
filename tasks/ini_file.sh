# ini_file path|dest section? option? value=__unset values[]? state=present exclusive=true no_extra_spaces=false ignore_spaces=false allow_no_value=false modify_inactive_option=true create=true backup=false mode? owner? group? follow=false
# with: attrs put
# looks: stat
#
# An option of a section in an ini file: ini_file of community.general.
#
#   path (dest)       the file
#   section           left out: what stands before the first section
#   option            its name; left out: state=absent is of the whole section
#   value, values     its value, or more lines of the option
#   state             present or absent
#   exclusive         false: other lines of the option stay
#   no_extra_spaces   option=value, not option = value
#   ignore_spaces     a line that differs only in blanks around = stays
#   allow_no_value    an option may stand without =
#   modify_inactive_option
#                     a line that is commented out (# or ;) becomes the option
#   create, backup, mode, owner, group, follow
#                     as those of the kind lineinfile; a file that is absent is made
#
# Results: path, mode, owner, group, size, backup_file.
# Example: ini_file: { path: /etc/app.ini, section: web, option: port, value: "80" }
# Differs from community.general: section_has_values is not known.

ini_file_start() {
	umask 022
	ini_section=$2 ini_option=$3 ini_value=$4 ini_values=$5 ini_state=$6 ini_only=$7 ini_tight=$8 ini_loose=$9
	ini_bare=${10} ini_wake=${11}
	attrs_path "$1"
	[ "${17}" != true ] || attrs_follow "$attrs_path"
	ini_path=$attrs_path
	[ ! -d "$ini_path" ] || die "$ini_path is a directory"
	case $ini_state in present | absent) ;; *) die "state is present or absent, not '$6'" ;; esac
	if [ "$ini_value" != __unset ]; then
		[ -z "$ini_values" ] || die "value and values exclude each other"
		ini_values=$ini_value
		[ -n "$ini_value" ] || ini_value=empty
	elif [ -z "$ini_values" ]; then
		ini_value=none
	fi
	if [ "$ini_state" = present ] && [ "$ini_value" = none ] && [ -n "$ini_option" ] && [ "$ini_bare" != true ]; then
		die "value is missing: allow_no_value=true lets the option stand alone"
	fi
}

check_ini_file() {
	ini_file_start "$@"
	attrs_look "$ini_path" -L
	attrs_results path "$ini_path"
	if [ "$attrs_is" = absent ]; then
		[ "${12}" = true ] || return 10
		[ "$ini_state" = present ] || return 0
		return 1
	fi
	put_same "$ini_path" ini_file_edit || return $?
	attrs_same "${14}" "${15}" "${16}"
}

# ini_file_edit: the new content.
ini_file_edit() {
	ini_file=$ini_path
	[ -e "$ini_file" ] || ini_file=/dev/null
	ini_section=$ini_section ini_option=$ini_option ini_values=$ini_values ini_value=$ini_value ini_state=$ini_state \
		ini_only=$ini_only ini_tight=$ini_tight ini_loose=$ini_loose ini_wake=$ini_wake awk "$ini_file_awk" "$ini_file"
}

# shellcheck disable=SC2016 # of awk's
ini_file_awk='
# named says whether the line is one of the option, and puts its value into is.
function named(line,   rest) {
	asleep = ""
	if (match(line, /^[ \t]*[#;]+[ \t]*/)) { if (!wake) return 0; asleep = 1; line = substr(line, RLENGTH + 1) }
	sub(/^[ \t]+/, "", line)
	if (substr(line, 1, length(option)) != option) return 0
	rest = substr(line, length(option) + 1)
	if (rest ~ /^[ \t]*$/) { is = ""; bareword = 1; return value == "none" || !asleep }
	if (rest !~ /^[ \t]*=/) return 0
	sub(/^[ \t]*=[ \t]*/, "", rest); sub(/[ \t\r]+$/, "", rest)
	is = rest; bareword = 0
	return 1
}
function line(v) { return value == "none" ? option : option (tight ? "=" : (v == "" ? " =" : " = ")) v }
function right(text, v) { return text == line(v) || (loose && !asleep && is == v && bareword == (value == "none")) }
BEGIN {
	section = ENVIRON["ini_section"]; option = ENVIRON["ini_option"]; value = ENVIRON["ini_value"]
	present = ENVIRON["ini_state"] == "present"; only = ENVIRON["ini_only"] == "true"
	tight = ENVIRON["ini_tight"] == "true"; loose = ENVIRON["ini_loose"] == "true"; wake = ENVIRON["ini_wake"] == "true"
	wants = split(ENVIRON["ini_values"], want, "\n")
	if (!wants) { wants = 1; want[1] = "" }
}
{ text[++n] = $0 }
END {
	from = section == "" ? 1 : 0; to = n + 1
	for (i = 1; i <= n; i++) if (text[i] ~ /^[ \t]*\[.*\][ \t\r]*$/) {
		name = text[i]; sub(/^[ \t]*\[/, "", name); sub(/\][ \t\r]*$/, "", name)
		if (from) { to = i; break }
		if (name == section) { from = i + 1; head = i }
	}
	if (!present && option == "") { for (i = 1; i <= n; i++) if (!head || i < head || i >= to) print text[i]; exit }
	if (!from) {
		for (i = 1; i <= n; i++) print text[i]
		if (present) { print "[" section "]"; if (option != "") for (k = 1; k <= wants; k++) print line(want[k]) }
		exit
	}
	if (option != "") change()
	if (!at) added()
	for (i = 1; i <= n; i++) { if (!(i in gone)) print text[i]; if (i == at) added() }
}
# change marks the lines that go, and changes those that become the option. What is
# there already counts first, then a line of another value, then one that sleeps.
function change(   i, k) {
	for (i = from; i < to; i++) if (named(text[i])) {
		if (!present) { if (!asleep && (only || value == "none" || holds())) gone[i] = 1; continue }
		if (!asleep) for (k = 1; k <= wants; k++) if (!(k in done) && (right(text[i], want[k]) || (is == want[k] && !only))) {
			done[k] = i; used[i] = 1
			if (!right(text[i], want[k])) text[i] = line(want[k])
			break
		}
	}
	for (i = from; present && i < to; i++) if (!(i in used) && named(text[i]) && !asleep && only) take(i, 1)
	for (i = from; present && i < to; i++) if (!(i in used) && !(i in gone) && named(text[i]) && asleep) take(i, 0)
	for (at = to - 1; at >= from && text[at] ~ /^[ \t]*([#;].*)?[\r]?$/; ) at--
}
function holds(   k) { for (k = 1; k <= wants; k++) if (is == want[k]) return 1; return 0 }
function take(i, drop,   k) {
	for (k = 1; k <= wants; k++) if (!(k in done)) { text[i] = line(want[k]); done[k] = i; used[i] = 1; return }
	if (drop) gone[i] = 1
}
function added(   k) {
	if (present && option != "") for (k = 1; k <= wants; k++) if (!(k in done)) { print line(want[k]); done[k] = 1 }
}
'

apply_ini_file() {
	ini_file_start "$@"
	if [ ! -e "$ini_path" ]; then
		[ "${12}" = true ] || die "$ini_path does not exist: create=true makes it"
		[ -d "${ini_path%/*}/" ] || mkdir -p "${ini_path%/*}"
	else
		put_text "$ini_path"
		if put_same "$ini_path" ini_file_edit; then
			attrs_make "$ini_path" "${14}" "${15}" "${16}"
			return
		fi
	fi
	put_start "$ini_path"
	ini_file_edit >&4
	put_end "${14}" "${15}" "${16}" "${13}" ''
}

diff_ini_file() {
	ini_file_start "$@"
	ini_file_edit | put_diff "$ini_path"
}
