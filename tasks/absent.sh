# absent path
#
# A generated file of ours is not there. Only a file that carries our mark
# ("eucactl" and the cloud's id) in its first five lines is removed; anything
# else in that place is someone's, and the task fails.
check_absent() {
	if [ ! -L "$1" ] && [ ! -e "$1" ]; then return 0; fi
	[ -n "$CLOUD" ] || die "$1: without a cloud's id nothing is known to be ours"
	if [ -L "$1" ] || [ ! -f "$1" ]; then die "$1 is not a file of ours"; fi
	absent_head=$(head -n 5 "$1" | tr -d '\000') || return 2
	case $absent_head in
	*"eucactl $CLOUD"*) return 1 ;;
	esac
	die "$1 is not ours: its first lines do not say \"eucactl $CLOUD\""
}

apply_absent() { rm -f "$1"; }
