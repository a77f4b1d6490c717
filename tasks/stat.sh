# stat path|dest|name follow=false get_checksum=true checksum_algorithm|checksum|checksum_algo=sha1 get_mime|mime|mime_type=false get_attributes|attr|attributes=false
# with: attrs stats
#
# What a path is: Ansible's stat. It changes nothing, and runs in check mode too.
#
#   path (dest, name)   absolute, or with ~ in front
#   follow              what a symbolic link leads to
#   get_checksum        of files, with checksum_algorithm: md5, sha1, sha224, sha256,
#                       sha384 or sha512
#
# Results: stat: exists, path, mode, isdir, isreg, islnk, isblk, ischr, isfifo, issock,
# uid, gid, pw_name, gr_name, size, inode, dev, nlink, atime, mtime, ctime (in whole
# seconds), rusr ... xoth, isuid, isgid, readable, writeable, executable, checksum, and of
# links lnk_source and lnk_target.
# Example: stat: { path: /etc/motd }, register: motd, and then: when: motd.stat.exists
# Differs from Ansible: nothing is told of MIME types and attributes.
check_stat() {
	attrs_path "$1"
	case $4 in
	md5 | sha1 | sha224 | sha256 | sha384 | sha512) ;;
	*) die "checksum_algorithm is one of md5, sha1, sha224, sha256, sha384 and sha512, not '$4'" ;;
	esac
	stat_path=$attrs_path stat_follow=''
	[ "$2" != true ] || stat_follow=-L
	if [ ! -e "$stat_path" ] && { [ ! -L "$stat_path" ] || [ -n "$stat_follow" ]; }; then
		result stat_json '{"exists":false}'
		return 0
	fi
	stat_is=$(stat ${stat_follow:+"$stat_follow"} -c "$stats_format" "$stat_path") || die "cannot look at $stat_path"
	stat_json=$(printf '%s\n' "$stat_is" | stats_list 'function keep() { return 1 }') || die "cannot look at $stat_path"
	stat_more='"exists":true'
	if [ -L "$stat_path" ] && [ -z "$stat_follow" ]; then
		attrs_follow "$stat_path"
		stat_at=$(cd "${attrs_path%/*}/" 2>/dev/null && pwd -P) || stat_at=${attrs_path%/*}
		stat_more=$stat_more,\"lnk_source\":$(stats_text "$stat_at/${attrs_path##*/}"),\"lnk_target\":$(stats_text "$(readlink "$stat_path")")
	elif [ "$3" = true ] && [ -f "$stat_path" ] && [ -r "$stat_path" ]; then
		stat_sum=$("${4}sum" <"$stat_path") || die "cannot sum $stat_path"
		stat_more="$stat_more,\"checksum\":\"${stat_sum%% *}\""
	fi
	stat_may readable -r
	stat_may writeable -w
	stat_may executable -x
	result stat_json "${stat_json%\}},$stat_more}"
}

# stat_may NAME TEST: what the login may do with it.
stat_may() {
	if test "$2" "$stat_path"; then
		stat_more="$stat_more,\"$1\":true"
	else
		stat_more="$stat_more,\"$1\":false"
	fi
}

apply_stat() { return 10; }
