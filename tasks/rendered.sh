# rendered path mode=0644 owner=root:root content:lazy
#
# A file of ours with this content, mode and owner: what a template is rendered
# to. It is written beside its place and
# renamed, so nobody reads half of it; a symbolic link in its place is replaced,
# not followed. A directory in its place is never touched: that fails.
check_rendered() {
	if [ -L "$1" ] || [ ! -e "$1" ]; then return 1; fi
	[ -f "$1" ] || die "$1 is not a file"
	rendered_is=$(stat -c '%a:%U:%G:%u:%g' "$1") || return 2
	rendered_mode=$2
	while [ "$rendered_mode" != "${rendered_mode#0}" ]; do rendered_mode=${rendered_mode#0}; done
	case ":$rendered_is:" in
	":${rendered_mode:-0}:$3:"* | ":${rendered_mode:-0}:"*":$3:") ;;
	*) return 1 ;;
	esac
	sum_of "$1" || return 2
	[ "$sum_of" = "$4" ]
}

apply_rendered() {
	rendered_new=${1%/*}/.${1##*/}.eucactl-new
	rm -f "$rendered_new"
	trap 'rm -f "$rendered_new"' EXIT
	set -C
	blob "$4" >"$rendered_new"
	sum_of "$rendered_new"
	[ "$sum_of" = "$4" ] || die "$1: the content could not be written whole"
	chown "$3" "$rendered_new"
	chmod "00$2" "$rendered_new"
	# A link to a directory would have mv move the file into it.
	[ ! -L "$1" ] || rm -f "$1"
	[ ! -d "$1" ] || die "$1 is a directory"
	mv -f "$rendered_new" "$1"
}

diff_rendered() {
	if [ -f "$1" ] && [ ! -L "$1" ]; then cat "$1"; fi
}
