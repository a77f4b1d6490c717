# slurp src|path
# with: attrs
#
# What is in a file, as base64: Ansible's slurp. It changes nothing, and runs in check
# mode too.
#
#   src (path)   the file: at most 6 MiB
#
# Results: content, encoding (base64), source.
# Example: slurp: { src: /etc/machine-id }, register: id, and then: "{{ id.content | b64decode }}"
check_slurp() {
	attrs_path "$1"
	[ -e "$attrs_path" ] || die "file not found: $attrs_path"
	[ -f "$attrs_path" ] || die "source is not a file: $attrs_path"
	slurp_size=$(stat -L -c %s "$attrs_path") || return 2
	[ "$slurp_size" -le 6291456 ] || die "$attrs_path has $slurp_size bytes, more than the 6 MiB that a result may hold"
	result encoding base64
	result source "$attrs_path"
	result_begin content
	base64 "$attrs_path" | tr -d '\n'
	result_end content
}

apply_slurp() { return 10; }
