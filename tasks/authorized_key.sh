# authorized_key user key path? manage_dir=true state=present key_options=__unset exclusive=false comment=__unset validate_certs=true follow=false
# with: attrs put
#
# Whose keys may log in as a user: Ansible's authorized_key (of ansible.posix).
#
#   user          who is logged in as
#   key           the public keys, a line each, as files of keys have them
#   state         present or absent
#   path          the file; left out: .ssh/authorized_keys in the user's home
#   manage_dir    the file's folder is made, 0700 and the user's
#   key_options   what stands in front of the keys: from="10.0.0.0/8",no-pty
#   comment       what stands behind them
#   exclusive     all other keys go
#   follow        write where a symbolic link in the file's place leads to
#
# Keys are the same if they are, whatever is in front and behind; one that is there
# with other options or another comment is replaced and comes last. Other lines are
# left as they are.
#
# Results: keyfile, path, user, key, state.
# Example: authorized_key: { user: deploy, key: "{{ lookup('file', 'deploy.pub') }}" }
# Differs from Ansible: key is no address (get_url fetches one); in check mode a user
# who does not exist (an earlier task may make him) has no keys; that modes and owner
# of file and folder are set right counts as a change.

# authorized_key_start ARGUMENTS
authorized_key_start() {
	umask 077
	key_user=$1 key_keys=$2 key_dirs=$4 key_state=$5 key_options=$6 key_exclusive=$7 key_comment=$8
	case $key_state in
	present | absent) ;;
	*) die "state is present or absent, not '$key_state'" ;;
	esac
	case $key_keys in
	http://* | https://* | ftp://* | file://*) die "key is an address: fetch it with get_url and slurp, or here with lookup('url')" ;;
	esac
	[ "$9" = true ] || die "validate_certs is for keys that are fetched, and key is none"
	key_uid='' key_gid='' key_file=''
	key_entry=$(getent passwd "$key_user") || key_entry=''
	if [ -z "$key_entry" ]; then
		[ -n "$task_check" ] || die "no such user: $key_user"
	else
		key_uid=$(printf '%s\n' "$key_entry" | cut -d: -f3)
		key_gid=$(printf '%s\n' "$key_entry" | cut -d: -f4)
		key_file=$(printf '%s\n' "$key_entry" | cut -d: -f6)/.ssh/authorized_keys
	fi
	if [ -n "$3" ]; then
		attrs_path "$3"
		key_file=$attrs_path
	fi
	if [ "${10}" = true ] && [ -n "$key_file" ]; then
		attrs_follow "$key_file"
		key_file=$attrs_path
	fi
}

# authorized_key_edit: the new file; 1 if it differs, else 0 or more than 1.
authorized_key_edit() {
	key_is=$key_file
	[ -n "$key_is" ] && [ -e "$key_is" ] || key_is=/dev/null
	key_keys=$key_keys key_state=$key_state key_options=$key_options key_comment=$key_comment key_exclusive=$key_exclusive \
		awk "$authorized_key_awk" "$key_is"
}

# shellcheck disable=SC2016 # of awk's
authorized_key_awk='
BEGIN {
	split("ssh-rsa ssh-dss ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com", list, " ")
	for (i in list) {
		type[list[i]] = 1
		plain = list[i]; sub(/@openssh.com$/, "", plain)
		type[plain "-cert-v01@openssh.com"] = 1
	}
	gone = ENVIRON["key_state"] == "absent"
	count = split(ENVIRON["key_keys"], given, "\n")
	for (i = 1; i <= count; i++) {
		sub(/\r$/, "", given[i])
		if (given[i] ~ /^[ \t]*(#|$)/) continue
		if (!parse(given[i])) { bad = given[i]; exit }
		if (ENVIRON["key_options"] != "__unset") options = ENVIRON["key_options"]
		if (ENVIRON["key_comment"] != "__unset") comment = ENVIRON["key_comment"]
		if (!(key in wanted)) order[++wants] = key
		wanted[key] = canonical()
		line[key] = written()
	}
	if (!wants) { bad = ENVIRON["key_keys"]; if (bad == "") bad = "nothing"; exit }
}
# parse LINE: into options, kind, key and comment.
function parse(s,   i, c, q, start, n, word, at) {
	gsub(/\t/, " ", s); sub(/^ +/, "", s); sub(/[ \r]+$/, "", s)
	options = kind = key = comment = ""
	word = first(s)
	if (!(word in type)) {
		options = word
		s = substr(s, length(word) + 1); sub(/^ +/, "", s)
		word = first(s)
		if (!(word in type)) return 0
	}
	kind = word
	s = substr(s, length(word) + 1); sub(/^ +/, "", s)
	key = first(s)
	comment = substr(s, length(key) + 1); sub(/^ +/, "", comment)
	return key ~ /^[A-Za-z0-9+\/]+=*$/
}
# first S: its first word; blanks in quotes are part of it.
function first(s,   i, c, q) {
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\" && q) i++
		else if (c == "\"") q = !q
		else if (c == " " && !q) break
	}
	return substr(s, 1, i - 1)
}
# canonical: what must be equal. The order of options does not count.
function canonical(   s, i, c, q, n, one, list, j, out) {
	s = options ","
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\" && q) { one = one c substr(s, ++i, 1); continue }
		if (c == "\"") q = !q
		if (c == "," && !q) {
			for (j = n++; j > 0 && list[j] > one; j--) list[j + 1] = list[j]
			list[j + 1] = one
			one = ""
		} else one = one c
	}
	for (i = 1; i <= n; i++) out = out list[i] "\n"
	return kind "\n" comment "\n" out
}
function written() { return (options == "" ? "" : options " ") kind " " key (comment == "" ? "" : " " comment) }
{
	if ($0 ~ /^[ \t]*(#|$)/ || !parse($0)) { print; next }
	if (!(key in wanted)) {
		if (!gone && ENVIRON["key_exclusive"] == "true") changed = 1
		else print
	} else if (gone || key in have || canonical() != wanted[key]) changed = 1
	else { have[key] = 1; print }
}
END {
	if (bad != "") {
		print "this is no public key: " substr(bad, 1, 60) | "cat 1>&2"
		close("cat 1>&2")
		exit 2
	}
	for (i = 1; i <= wants && !gone; i++) if (!(order[i] in have)) { print line[order[i]]; changed = 1 }
	exit changed + 0
}
'

check_authorized_key() {
	authorized_key_start "$@"
	result user "$key_user"
	result key "$key_keys"
	result state "$key_state"
	[ -z "$key_file" ] || result keyfile "$key_file"
	key_rc=0
	authorized_key_edit >/dev/null || key_rc=$?
	[ $key_rc = 0 ] || return $key_rc
	[ -n "$key_file" ] && [ -e "$key_file" ] || return 0
	attrs_look "$key_file" -L
	attrs_results path "$key_file"
	[ "$key_dirs" = true ] || return 0
	attrs_same 600 "$key_uid" "$key_gid" || return 1
	attrs_look "${key_file%/*}" -L
	attrs_same 700 "$key_uid" "$key_gid"
}

apply_authorized_key() {
	authorized_key_start "$@"
	key_dir=${key_file%/*}
	if [ "$key_dirs" = true ]; then
		[ -d "$key_dir/" ] || mkdir "$key_dir" || die "cannot make $key_dir"
		attrs_make "$key_dir" 700 "$key_uid" "$key_gid"
	fi
	key_mode='' key_owner='' key_group=''
	if [ "$key_dirs" = true ] || [ ! -e "$key_file" ]; then
		key_mode=600 key_owner=$key_uid key_group=$key_gid
	fi
	put_start "$key_file"
	key_rc=0
	authorized_key_edit >&4 || key_rc=$?
	case $key_rc in
	0) attrs_make "$key_file" "$key_mode" "$key_owner" "$key_group" ;;
	1) put_end "$key_mode" "$key_owner" "$key_group" false '' ;;
	*) return $key_rc ;;
	esac
}

diff_authorized_key() {
	authorized_key_start "$@"
	authorized_key_edit | put_diff "${key_file:-/dev/null}"
}
