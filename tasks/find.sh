# find paths|name|path[] patterns|pattern[]=* excludes|exclude[]? use_regex=false contains~? read_whole_file=false file_type=file recurse=false depth? hidden=false follow=false age? age_stamp=mtime size? get_checksum=false
# with: attrs stats regex
#
# Which files there are in folders: Ansible's find. It changes nothing, and runs in
# check mode too.
#
#   paths (path, name)  the folders
#   patterns, excludes  of names: globs; with use_regex expressions of Python's
#   contains            an expression that a line of the file must match from its
#                       beginning; with read_whole_file: anywhere in it
#   file_type           file, directory, link or any
#   recurse, depth      also below, so many folders deep
#   hidden              also names with a dot in front
#   follow              go where symbolic links lead
#   age, age_stamp      at least so old (2d, 1w, 30m; seconds without a letter), with - in
#                       front at most; by mtime, atime or ctime
#   size                at least so big (10k, 1m), with - in front at most
#   get_checksum        sha1 of each file
#
# Results: files (a list of what the kind stat tells of each), matched, examined.
# Example: find: { paths: /var/log, patterns: "*.gz", age: 4w }, register: old
# Differs from Ansible: expressions in patterns and excludes are those of sed -E with \d
# \w \s; a sum is sha1; examined counts what the patterns let through.

# find_number VALUE: with its letter multiplied, into find_number; find_less if it
# had a - in front.
find_number() {
	find_number=${1#-} find_less=''
	[ "$find_number" = "$1" ] || find_less=yes
	find_letter=${find_number##*[0-9]}
	find_number=${find_number%"$find_letter"}
	case $find_number in
	'' | *[!0-9]*) die "'$1' is neither a size nor an age" ;;
	esac
	case $2$find_letter in
	age | ages | size | sizeb) ;;
	agem) find_number=$((find_number * 60)) ;;
	ageh) find_number=$((find_number * 3600)) ;;
	aged) find_number=$((find_number * 86400)) ;;
	agew) find_number=$((find_number * 604800)) ;;
	sizek) find_number=$((find_number * 1024)) ;;
	sizem) find_number=$((find_number * 1048576)) ;;
	sizeg) find_number=$((find_number * 1073741824)) ;;
	sizet) find_number=$((find_number * 1099511627776)) ;;
	*) die "'$1' has a letter that is not known" ;;
	esac
}

# find_options ARGUMENTS: all that is not a path or a name.
find_options() {
	find_lines='' find_whole=$6 find_age='' find_size='' find_depth='' find_stamp=${13} find_sum=${15} find_follow=${11}
	case $7 in
	file) find_type=f ;;
	directory) find_type=d ;;
	link) find_type=l ;;
	any) find_type='' ;;
	*) die "file_type is file, directory, link or any, not '$7'" ;;
	esac
	case $find_stamp in
	mtime | atime | ctime) ;;
	*) die "age_stamp is mtime, atime or ctime, not '$find_stamp'" ;;
	esac
	if [ -n "${12}" ]; then
		find_number "${12}" age
		find_age="${find_less:+-}$find_number"
	fi
	if [ -n "${14}" ] && [ "$7" = file ]; then
		find_number "${14}" size
		find_size="${find_less:+-}$find_number"
	fi
	if [ "$8" != true ]; then
		find_depth=1
	elif [ -n "$9" ]; then
		find_depth=$9
	fi
	if [ -n "$5" ] && [ "$7" = file ]; then
		regex_take "$5"
		find_lines="^($regex_line)"
		[ "$find_whole" != true ] || find_lines=$regex_line
	fi
}

check_find() {
	find_options "$@"
	find_found=$(find_all "$@") || die "cannot look into all of these folders"
	find_counts=${find_found##*
}
	result files_json "[${find_found%
*}]"
	result matched_json "${find_counts% *}"
	result examined_json "${find_counts#* }"
}

# find_all ARGUMENTS: the files as stats_list gives them. What find is told is put
# together in the positional parameters, for names may contain anything but a newline.
find_all() {
	find_paths=$1 find_patterns=$2 find_excludes=$3 find_regex=$4 find_hidden=${10}
	set --
	[ "$find_follow" != true ] || set -- -L
	while IFS= read -r find_one; do
		attrs_path "$find_one"
		if [ -d "$attrs_path/" ]; then
			set -- "$@" "$attrs_path/."
		else
			echo "$attrs_path is not a directory" >&2
		fi
	done <<-EOT
		$find_paths
	EOT
	[ $# -gt 0 ] || {
		printf '\n0 0'
		return 0
	}
	set -- "$@" -mindepth 1
	[ -z "$find_depth" ] || set -- "$@" -maxdepth "$find_depth"
	[ -z "$find_type" ] || set -- "$@" -type "$find_type"
	[ "$find_hidden" = true ] || set -- "$@" ! -name '.*'
	find_like='' find_unlike=''
	if [ "$find_regex" = true ]; then
		find_like=$(find_ere "$find_patterns") find_unlike=$(find_ere "$find_excludes")
	else
		set -- "$@" '(' -name ''
		while IFS= read -r find_one; do
			set -- "$@" -o -name "$(printf '%s' "$find_one" | sed 's/\\/&&/g')"
		done <<-EOT
			$find_patterns
		EOT
		set -- "$@" ')'
		while IFS= read -r find_one; do
			[ -z "$find_one" ] || set -- "$@" ! -name "$(printf '%s' "$find_one" | sed 's/\\/&&/g')"
		done <<-EOT
			$find_excludes
		EOT
	fi
	if [ -n "$find_lines" ] || [ "$find_sum" = true ]; then
		set -- "$@" -exec /bin/sh -c "$find_each" sh "$stats_format" "$MARK" "$find_lines" "$find_sum" {} +
	elif [ "$find_follow" = true ]; then
		set -- "$@" -exec stat -L -c "$stats_format" {} +
	else
		set -- "$@" -exec stat -c "$stats_format" {} +
	fi
	find "$@" | find_now=$(date +%s) find_age=$find_age find_stamp=$find_stamp find_size=$find_size \
		find_like=$find_like find_unlike=$find_unlike stats_list "$find_keep" yes
}

# find_ere EXPRESSIONS: as awk knows them.
find_ere() { printf '%s' "$1" | sed 's/\\d/[0-9]/g; s/\\w/[A-Za-z0-9_]/g; s/\\s/[ \t]/g; s/(?:/(/g'; }

# find_each, with the format of stats, their mark, what a line must match and whether
# sums are wanted, and then files.
# shellcheck disable=SC2016 # of the other shell's
find_each='
	format=$1 mark=$2 lines=$3 sum=$4
	shift 4
	for f; do
		[ -z "$lines" ] || [ -n "$(printf "/%s/{\np\nq\n}\n" "$lines" | sed -n -E -f /dev/stdin "$f" | head -c 1 | tr "\000\n" xx)" ] || continue
		if [ "$sum" = true ] && [ -f "$f" ]; then
			one=$(sha1sum <"$f") && printf "%s sum %s\n" "$mark" "${one%% *}"
		fi
		stat -c "$format" "$f"
	done
'

# shellcheck disable=SC2016 # of awk's
find_keep='
function keep(   base, stamp, n, i, list) {
	sub(/\/\.\//, "/", path)
	base = path; sub(/^.*\//, "", base)
	stamp = now_minus(ENVIRON["find_stamp"] == "mtime" ? mtime : ENVIRON["find_stamp"] == "atime" ? atime : ctime)
	return enough(stamp, ENVIRON["find_age"]) && enough(size, ENVIRON["find_size"]) && \
		(ENVIRON["find_like"] == "" || named(base, ENVIRON["find_like"])) && !named(base, ENVIRON["find_unlike"])
}
function now_minus(t) { return ENVIRON["find_now"] - t }
function enough(is, wanted) { return wanted == "" || (wanted ~ /^-/ ? is <= -wanted : is >= wanted + 0) }
function named(base, expressions,   n, i, list) {
	n = split(expressions, list, "\n")
	for (i = 1; i <= n; i++) if (list[i] != "" && base ~ ("^(" list[i] ")")) return 1
	return 0
}
'

apply_find() { return 10; }
