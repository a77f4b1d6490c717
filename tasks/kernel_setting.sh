# kernel_setting name value dev= missing=wrong
#
# A kernel setting, looked at and written under /proc/sys; not kept in /etc,
# the next reconcile restores it. As with sysctl(8), a name that uses dots
# writes a dot of its own as a slash: net.ipv4.conf.eth0/10.send_redirects. The
# interface DEV, whose setting it is, may come with an earlier task of this run, so
# without it the setting is not right; with missing=fine it is.
setting_path() {
	setting_file=/proc/sys/ setting_left=$1
	setting_part=${1%%[./]*}
	case $1 in
	"$setting_part"/*) setting_file=/proc/sys/$1 setting_left='' ;;
	esac
	while [ -n "$setting_left" ]; do
		setting_part=${setting_left%%[./]*}
		setting_left=${setting_left#"$setting_part"}
		case $setting_left in
		.*) setting_file=$setting_file$setting_part/ ;;
		/*) setting_file=$setting_file$setting_part. ;;
		*) setting_file=$setting_file$setting_part ;;
		esac
		setting_left=${setting_left#?}
	done
}

# The shell's read takes a byte at a time, and the kernel hands out a number
# only to the first read: of 4096 it would see 4. Hence cat. Values of several
# numbers are separated by tabs there and blanks here.
check_kernel_setting() {
	if [ -n "$3" ] && ! [ -e "/sys/class/net/$3" ]; then
		[ "$4" = fine ]
		return
	fi
	setting_path "$1"
	[ -f "$setting_file" ] || die "$1: this kernel has no such setting ($setting_file)"
	setting_is=$(cat "$setting_file") || return 2
	setting_wanted=$2
	set -f
	# shellcheck disable=SC2086 # split into numbers on purpose
	set -- $setting_is
	setting_is=$*
	# shellcheck disable=SC2086
	set -- $setting_wanted
	[ "$setting_is" = "$*" ]
}

apply_kernel_setting() {
	[ -z "$3" ] || [ -e "/sys/class/net/$3" ] || { echo "$1: there is no interface $3"; return 1; }
	setting_path "$1"
	printf '%s\n' "$2" >"$setting_file"
}
