# fetch src fail_on_missing=true
# with: attrs slurp
#
# A file of the host's for the controller, which writes it below dest: the host's half
# of Ansible's fetch. It changes nothing on the host.
#
#   src               the file: at most 6 MiB
#   fail_on_missing   false: one that is absent is no error
#
# Results: content (base64), encoding, source, checksum (sha1); missing if it is absent.
check_fetch() {
	attrs_path "$1"
	if [ ! -e "$attrs_path" ] && [ "$2" != true ]; then
		result missing true
		result msg "the remote file does not exist, not transferring, ignored"
		return 0
	fi
	check_slurp "$1"
	fetch_sum=$(sha1sum <"$attrs_path") || return 2
	result checksum "${fetch_sum%% *}"
}

apply_fetch() { return 10; }
