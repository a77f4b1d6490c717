# sysctl name value dev= missing=wrong
#
# A kernel setting, looked at and written under /proc/sys; not kept in /etc,
# the next reconcile restores it. As with sysctl(8), a name that uses dots
# writes a dot of its own as a slash: net.ipv4.conf.eth0/10.send_redirects. The
# interface DEV, whose setting it is, may come with an earlier task of this run, so
# without it the setting is not right; with missing=fine it is.
sysctl_path() {
	sysctl_file=/proc/sys/ sysctl_left=$1
	sysctl_part=${1%%[./]*}
	case $1 in
	"$sysctl_part"/*) sysctl_file=/proc/sys/$1 sysctl_left='' ;;
	esac
	while [ -n "$sysctl_left" ]; do
		sysctl_part=${sysctl_left%%[./]*}
		sysctl_left=${sysctl_left#"$sysctl_part"}
		case $sysctl_left in
		.*) sysctl_file=$sysctl_file$sysctl_part/ ;;
		/*) sysctl_file=$sysctl_file$sysctl_part. ;;
		*) sysctl_file=$sysctl_file$sysctl_part ;;
		esac
		sysctl_left=${sysctl_left#?}
	done
}

# The shell's read takes a byte at a time, and the kernel hands out a number
# only to the first read: of 4096 it would see 4. Hence cat. Values of several
# numbers are separated by tabs there and blanks here.
check_sysctl() {
	if [ -n "$3" ] && ! [ -e "/sys/class/net/$3" ]; then
		[ "$4" = fine ]
		return
	fi
	sysctl_path "$1"
	[ -f "$sysctl_file" ] || die "$1: this kernel has no such setting ($sysctl_file)"
	sysctl_is=$(cat "$sysctl_file") || return 2
	sysctl_wanted=$2
	set -f
	# shellcheck disable=SC2086 # split into numbers on purpose
	set -- $sysctl_is
	sysctl_is=$*
	# shellcheck disable=SC2086
	set -- $sysctl_wanted
	[ "$sysctl_is" = "$*" ]
}

apply_sysctl() {
	[ -z "$3" ] || [ -e "/sys/class/net/$3" ] || { echo "$1: there is no interface $3"; return 1; }
	sysctl_path "$1"
	printf '%s\n' "$2" >"$sysctl_file"
}
