# file path mode=0644 owner=root:root content:lazy
#
# A file with this content, mode and owner. It is written beside its place and
# renamed, so nobody reads half of it; a symbolic link in its place is replaced,
# not followed. A directory in its place is never touched: that fails.
check_file() {
	if [ -L "$1" ] || [ ! -e "$1" ]; then return 1; fi
	[ -f "$1" ] || die "$1 is not a file"
	file_is=$(stat -c '%a:%U:%G:%u:%g' "$1") || return 2
	file_mode=$2
	while [ "$file_mode" != "${file_mode#0}" ]; do file_mode=${file_mode#0}; done
	case ":$file_is:" in
	":${file_mode:-0}:$3:"* | ":${file_mode:-0}:"*":$3:") ;;
	*) return 1 ;;
	esac
	file_sum=$(sum_of "$1") || return 2
	[ "$file_sum" = "$4" ]
}

apply_file() {
	file_new=${1%/*}/.${1##*/}.eucactl-new
	rm -f "$file_new"
	trap 'rm -f "$file_new"' EXIT
	set -C
	blob "$4" >"$file_new"
	file_sum=$(sum_of "$file_new")
	[ "$file_sum" = "$4" ] || die "$1: the content could not be written whole"
	chown "$3" "$file_new"
	chmod "00$2" "$file_new"
	# A link to a directory would have mv move the file into it.
	[ ! -L "$1" ] || rm -f "$1"
	[ ! -d "$1" ] || die "$1 is a directory"
	mv -f "$file_new" "$1"
}

diff_file() {
	if [ -f "$1" ] && [ ! -L "$1" ]; then cat "$1"; fi
}
