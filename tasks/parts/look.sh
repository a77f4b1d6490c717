# look: the files of many tasks, looked at together. Needs attrs.
#
# Most tasks find that nothing is to be done, and most of those look at a file.
# One stat and one sha256sum for the files of all tasks take as long as those of
# a single one. What they say is believed as long as nothing is done, and nothing
# but such tasks comes between.

# look TASKS PATH...: for each of the TASKS, what stat says of its PATH. One with
# s behind its number wants the sum of a small file too, one with t the text.
look() {
	look_tasks="$1 " look_sums='' look_files='' look_text_of=''
	shift
	let_go
	forget_looks
	looked=yes
	look_said=$(stat -c "$attrs_format:%N" -- / "$@" 2>/dev/null)
	case ${look_said%%
*} in
	*:"'/'") look_said=${look_said#*"'/'"} ;;
	# One that does not quote names lets who owns a link write lines.
	*) look_said=$(stat -c "$attrs_format:%n" -- "$@" 2>/dev/null) ;;
	esac
	set -f
	IFS='
'
	# What is absent has no line.
	for look_line in $look_said; do
		while [ $# != 0 ]; do
			look_task=${look_tasks%% *} look_tasks=${look_tasks#* } look_path=$1
			shift
			case ${look_line#*:*:*:*:*:*:*:*:} in
			"$look_path" | "'$look_path'" | "'$look_path' -> '"*)
				look_keep "${look_task%[st]}"
				break
				;;
			esac
		done
	done
	# shellcheck disable=SC2086 # a file a line
	[ -z "$look_files" ] || look_sum $look_files
	set +f
	unset IFS
}

# look_keep TASK: the line is of its path.
look_keep() {
	eval "look_$1=\$look_line look_path_$1=\$look_path"
	look_all="$look_all$1 "
	look_size=${look_line#*:*:*:}
	look_size=${look_size%%:*}
	case $look_task:${look_line#*:*:*:*:*:*:*:} in
	*s:regular*)
		[ "$look_size" -le 1048576 ] || return 0
		look_sums="$look_sums$1 " look_files="$look_files$look_path
"
		;;
	*t:regular*)
		[ "$look_size" -le 65536 ] || return 0
		if [ "$look_path" != "$look_text_of" ]; then
			look_text_of=$look_path look_like=$1
			{ look_text=$(cat -- "$look_path" && echo .); } 2>/dev/null
			# A NUL byte is not in a variable.
			[ ${#look_text} != $((look_size + 1)) ] || eval "look_text_$1=\$look_text"
		fi
		eval "look_like_$1=$look_like"
		;;
	esac
}

# look_sum PATH...: sums of the tasks in look_sums.
look_sum() {
	for look_line in $(sha256sum -- "$@" 2>/dev/null); do
		while [ $# != 0 ]; do
			look_task=${look_sums%% *} look_sums=${look_sums#* } look_path=$1
			shift
			if [ "$look_path" = "${look_line#*  }" ]; then
				eval "look_sum_$look_task=\${look_line%% *}"
				break
			fi
		done
	done
}
