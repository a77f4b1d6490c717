# put: a file gets a new content, whole or not at all. Needs attrs.

# put_start PATH: what is written to descriptor 4 comes to PATH by put_end. The file
# put_new is beside it, so that the last step is a rename. Mode and owner are changed
# by the descriptor: in a folder of somebody else's, the name may be another file
# by then.
put_start() {
	put_path=$1 put_new=${1%/*}/.${1##*/}.eucactl-new
	[ -d "${1%/*}/" ] || die "the folder ${1%/*} does not exist"
	trap 'rm -f "$put_new"' EXIT
	attrs_clear "$put_new"
	put_umask=$(umask)
	umask 077
	set -C
	exec 4>"$put_new"
	set +C
	umask "$put_umask"
}

# put_end MODE OWNER GROUP BACKUP VALIDATE: what is '' stays as the old file has
# it; a new one, also in place of a link, has 0644 and is ours.
put_end() {
	attrs_look "$put_path"
	[ "$attrs_is" != link ] || attrs_look /nonexistent
	put_mode=${attrs_is_mode:-644}
	if [ -n "$1" ]; then
		attrs_mode "$1" "$put_mode" file
		put_mode=$attrs_mode
	fi
	put_owner=${2:-$attrs_is_uid}${3:+:$3}
	[ -n "$3" ] || put_owner=$put_owner${attrs_is_gid:+:$attrs_is_gid}
	if [ -n "$2$3" ]; then
		chown "$put_owner" /proc/self/fd/4
	elif [ -n "$put_owner" ] && [ "$put_owner" != 0:0 ]; then
		# Who may write into a file of somebody else's cannot always give it back.
		chown "$put_owner" /proc/self/fd/4 2>/dev/null || :
	fi
	chmod "00$put_mode" /proc/self/fd/4
	[ ! -e /sys/fs/selinux/enforce ] || [ ! -e "$put_path" ] || chcon --reference="$put_path" /proc/self/fd/4 || :
	[ -z "$5" ] || put_validate "$5"
	[ "$4" != true ] || put_backup
	[ ! -d "$put_path" ] || [ ! -L "$put_path" ] || rm -f "$put_path" # mv would move into it
	exec 4>&-
	mv -f "$put_new" "$put_path"
	trap - EXIT
}

# put_backup: the old file is kept under another name.
put_backup() {
	[ -e "$put_path" ] || return 0
	put_kept=$put_path.$$.$(date +%Y-%m-%d@%H:%M:%S)~
	cp -p "$put_path" "$put_kept"
	result backup_file "$put_kept"
}

# put_validate COMMAND: it may not fail on the new content, whose path is %s. That
# is a copy where paths have no blanks, for the command may quote it as it likes.
put_validate() {
	put_copy=$(scratch)/validate.$task_n put_left=$1 put_command=''
	case $1 in
	*%s*) ;;
	*) die "validate must name the file as %s: $1" ;;
	esac
	cp -p "$put_new" "$put_copy"
	while :; do
		put_command=$put_command${put_left%%\%*}
		case $put_left in
		*%*) put_left=${put_left#*%} ;;
		*) break ;;
		esac
		case $put_left in
		s*) put_command=$put_command$put_copy put_left=${put_left#s} ;;
		%*) put_command=$put_command% put_left=${put_left#%} ;;
		*) put_command=$put_command% ;;
		esac
	done
	(eval "$put_command") || die "failed to validate with $1: exit status $?"
	rm -f "$put_copy"
}

# put_same PATH COMMAND...: what the command prints is what PATH holds. Whether the
# command failed is told beside: that is not a difference. What cmp leaves is read,
# or the command would be ended by it.
put_same() {
	put_file=$1
	shift
	put_ends=$({
		{
			"$@" 3>&-
			echo $? >&3
		} | {
			put_rc=0
			cmp -s - "$put_file" 3>&- || put_rc=$?
			cat >/dev/null
			echo $put_rc >&3
		}
	} 3>&1)
	case $put_ends in
	"0
0") return 0 ;;
	"0
1") return 1 ;;
	esac
	return 2
}

# put_seen PATH: the text of a small file, if it was read beforehand and all its lines end
# as ours do, into put_seen.
put_seen() {
	put_seen=''
	[ -z "$task_text" ] || eval "put_seen=\${look_text_$task_text-}"
	put_seen=${put_seen%.}
	[ -n "$put_seen" ] && [ "$1" = "$task_path" ] || return 1
	case $put_seen in
	*"$CR"*) return 1 ;;
	*"
") ;;
	*) return 1 ;;
	esac
}

# put_diff PATH: the difference between PATH and the new content on stdin.
put_diff() {
	[ -e "$1" ] || set -- /dev/null
	diff -U 2 "$1" - | sed '1,2d'
}

# put_ends PATH: whether its last line has no newline, into put_open.
put_ends() {
	put_open=$(tail -c 1 "$1") || die "cannot read $1"
	[ -z "$put_open" ] || put_open=yes
}

# put_text PATH: no awk and no sed can be trusted with NUL bytes.
put_text() {
	# shellcheck disable=SC2094 # only read
	tr -d '\000' <"$1" | cmp -s - "$1" || die "$1 is not a text: it has NUL bytes"
}
