# known_hosts name|host key? path=~/.ssh/known_hosts hash_host=false state=present
# with: attrs put
#
# The key of another host, as ssh knows it: Ansible's known_hosts.
#
#   name (host)  the other host; [name]:port for another port than 22
#   key          its key as known_hosts has it: NAME TYPE KEY. With state=absent the
#                host's key of this type goes; left out: all of them
#   path         the file
#   hash_host    its name is written so that nobody can read it
#   state        present or absent
#
# A host has one key of a type here: another one is replaced, also where the host is
# one of several in a line. Other lines are left as they are.
#
# Results: path, name, key, state, mode, owner, group, size.
# Example: known_hosts: { name: git.example.org, key: "git.example.org ssh-ed25519 AAAAC3..." }
# Differs from Ansible: a key that is none is refused; no NAME.old is left behind; all
# wrong keys go in one run.

# known_hosts_start ARGUMENTS
known_hosts_start() {
	umask 022
	known_name=$(printf '%s' "$1" | tr '[:upper:]' '[:lower:]')
	known_key=$2 known_hash=$4 known_state=$5
	case $known_state in
	present) [ -n "$known_key" ] || die "key is missing: state=present needs it" ;;
	absent) ;;
	*) die "state is present or absent, not '$known_state'" ;;
	esac
	command -v ssh-keygen >/dev/null || die "there is no ssh-keygen here: install openssh-client first"
	while :; do
		case $known_key in
		*"
") known_key=${known_key%?} ;;
		*) break ;;
		esac
	done
	case $known_key in
	*"
"*) die "key is one line; for more keys use a loop" ;;
	esac
	attrs_path "$3"
	known_path=$attrs_path
	[ -z "$known_key" ] || known_hosts_key
}

# known_hosts_key: the key must be the host's. ssh-keygen knows what is one.
known_hosts_key() {
	known_file=$(scratch)/known.$task_n
	printf '%s\n' "$known_key" >"$known_file"
	[ -n "$(ssh-keygen -F "$known_name" -f "$known_file")" ] || die "key does not begin with the host's name, $known_name: $known_key"
	ssh-keygen -l -f "$known_file" >/dev/null || die "key is no key: $known_key"
}

# known_hosts_edit: the new content; 1 if it differs, else 0 or more than 1. What is
# written is known_new.
known_hosts_edit() {
	known_is=/dev/null known_found='' known_new=$known_key
	if [ -e "$known_path" ]; then
		known_is=$known_path
		# It ends with 1 if it finds nothing.
		known_found=$(ssh-keygen -F "$known_name" -f "$known_path") || :
	fi
	if [ "$known_hash" = true ] && [ -n "$known_key" ]; then known_hosts_hashed || return 2; fi
	known_found=$known_found known_key=$known_key known_new=$known_new known_state=$known_state known_hash=$known_hash \
		awk "$known_hosts_awk" "$known_is"
}

# known_hosts_hashed: with a salt by which the name can be compared again, but not read.
known_hosts_hashed() {
	known_file=$(scratch)/known.$task_n
	printf '%s\n' "$known_key" >"$known_file"
	ssh-keygen -H -f "$known_file" >/dev/null 2>&1 || die "cannot hash $known_name"
	known_new=$(cat "$known_file")
	rm -f "$known_file.old"
}

# shellcheck disable=SC2016 # of awk's
known_hosts_awk='
# fields LINE: what counts of a line: its mark (@revoked), the kind of key and the key.
function fields(s,   f, i) {
	split(s, f, /[ \t]+/)
	i = f[1] ~ /^@/ ? 2 : 1
	mark = i == 2 ? f[1] : ""; host = f[i]; type = f[i + 1]; key = f[i + 2]
}
BEGIN {
	n = split(ENVIRON["known_found"], found, "\n")
	for (i = 1; i <= n; i++)
		if (match(found[i], /^# Host .* found: line [0-9]+/)) {
			s = substr(found[i], RSTART, RLENGTH); sub(/.* /, "", s)
			hit[s] = 1
		}
	wanted = ENVIRON["known_key"]; gone = ENVIRON["known_state"] == "absent"
	if (wanted != "") { fields(wanted); my_mark = mark; my_host = host; my_type = type; my_key = key }
}
{
	if (NR in hit) {
		if (wanted == "") { changed = 1; next }
		fields($0)
		if (mark == my_mark && type == my_type) {
			same = key == my_key && (host == my_host || host ~ /^\|/)
			if (gone || !same) { changed = 1; next }
			have = 1
		}
	}
	print
}
END {
	if (!gone && !have) { print ENVIRON["known_new"]; changed = 1 }
	exit changed + 0
}
'

check_known_hosts() {
	known_hosts_start "$@"
	attrs_look "$known_path"
	attrs_results path "$known_path"
	result name "$known_name"
	result key "$known_key"
	result state "$known_state"
	known_hosts_edit >/dev/null
}

apply_known_hosts() {
	known_hosts_start "$@"
	put_start "$known_path"
	known_rc=0
	known_hosts_edit >&4 || known_rc=$?
	[ $known_rc = 1 ] || return $known_rc
	put_end '' '' '' false ''
}

diff_known_hosts() {
	known_hosts_start "$@"
	known_hosts_edit | put_diff "$known_path"
}
