# tempfile state=file path? prefix=ansible. suffix?
# with: attrs
#
# A new temporary file or folder, which nobody else can read and which stays: Ansible's
# tempfile. Each run makes another one.
#
#   state            file or directory
#   path             the folder that it is made in; left out: /tmp
#   prefix, suffix   of its name
#
# Results: path, state, mode, owner, group, uid, gid, size.
# Example: tempfile: { state: directory, suffix: .build }, register: build
check_tempfile() {
	case $1 in
	file | directory) ;;
	*) die "state is file or directory, not '$1'" ;;
	esac
	return 10
}

apply_tempfile() {
	attrs_path "${2:-/tmp}"
	[ -d "$attrs_path/" ] || die "$attrs_path is not a directory"
	case $3$4 in
	*/*) die "prefix and suffix are parts of one name" ;;
	esac
	tempfile_how=''
	[ "$1" != directory ] || tempfile_how=-d
	# busybox wants the Xs at the end.
	tempfile_path=$(mktemp ${tempfile_how:+"$tempfile_how"} "${attrs_path%/}/$3XXXXXXXX")
	if [ -n "$4" ]; then
		mv -n "$tempfile_path" "$tempfile_path$4"
		[ -e "$tempfile_path" ] && die "$tempfile_path$4 is there already"
		tempfile_path=$tempfile_path$4
	fi
	attrs_look "$tempfile_path"
	attrs_results path "$tempfile_path"
}
