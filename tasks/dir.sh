# dir path mode=0755 owner=root:root
#
# A directory with this mode and owner; missing parents are made too. Looks at
# and changes the path alone, never what is in it. A symbolic link to a
# directory is left as it is, the directory behind it counts.
check_dir() {
	[ -d "$1" ] || return 1
	dir_is=$(stat -L -c '%a:%U:%G:%u:%g' "$1") || return 2
	dir_mode=$2
	while [ "$dir_mode" != "${dir_mode#0}" ]; do dir_mode=${dir_mode#0}; done
	case ":$dir_is:" in
	":${dir_mode:-0}:$3:"* | ":${dir_mode:-0}:"*":$3:") return 0 ;;
	esac
	return 1
}

# The two zeros: on a directory GNU chmod keeps a setgid bit unless it is told in
# five digits, and a new one inherits the bit from its parent.
apply_dir() {
	[ -d "$1" ] || (umask 022 && mkdir -p "$1")
	chown "$3" "$1"
	chmod "00$2" "$1"
}
