# user name|user state=present uid? group? groups[]=* append=false create_home|createhome=true home? shell? comment=* password=__unset update_password=always password_lock? system=false remove=false force=false move_home=false non_unique=false local=false skeleton? umask? expires? password_expire_max? password_expire_min? generate_ssh_key=false ssh_key_file? ssh_key_type=rsa ssh_key_bits? ssh_key_comment? ssh_key_passphrase?
# with: truth
#
# A user of the host.
#
#   name (user)  the user
#   state        present or absent
#   uid          the number; non_unique: it may be that of another user
#   group        the primary group, which must exist
#   groups       the other groups, which must exist; an empty list takes the user
#                out of all. append: the user stays in those not named
#   comment      the field of the full name
#   home         the home; move_home: the old one is moved there
#   create_home (createhome)  the home is made if it is missing, also later; with
#                what is in skeleton (/etc/skel), and a mode by umask
#   shell        the login shell
#   system       a new user gets a number as system users have
#   password     as a hash, never as text. update_password=on_create: that of a
#                user who exists stays
#   password_lock  true: cannot log in by password; false: can again
#   expires      when the account ends, in seconds since 1970; negative for never
#   password_expire_max, password_expire_min  days after which the password must,
#                or before which it cannot, be changed
#   generate_ssh_key  the user gets a key, if ssh_key_file (.ssh/id_rsa) is not
#                there, of ssh_key_type and ssh_key_bits, with ssh_key_comment and
#                ssh_key_passphrase. force: anew, though it is there
#   remove       state=absent: with the home and the mail. force: also if logged in
#   local        only the host's own files are looked at, no directory service
#
# Looks at: getent passwd and group, /etc/shadow.
# Changes: with useradd, usermod, userdel, chpasswd and chage, or where there are
# none with busybox's adduser and deluser. No password is ever in a command line.
# Results: name, state, uid, group (number), groups, home, shell, comment, append,
# move_home, create_home, system, ssh_key_file, ssh_public_key, ssh_fingerprint.
#
#     - user: { name: app, groups: [www-data], append: true, shell: /bin/bash }
#
# Differs from Ansible: what only BSD and Solaris have, and SELinux users, are not
# there; with local the usual tools are used, not libuser's.

# user_begin ARGUMENTS: named, and sane.
user_begin() {
	umask 022
	user_name=$1 user_state=$2 user_uid=$3 user_group=$4 user_groups=$5 user_append=$6 user_create=$7 user_home=$8 user_shell=$9
	shift 9
	user_comment=$1 user_password=$2 user_update=$3 user_system=$5 user_remove=$6 user_force=$7 user_move=$8 user_twice=$9
	truth password_lock "$4"
	user_lock=$truth_is
	shift 9
	user_local=$1 user_skeleton=$2 user_umask=$3 user_expires=${4%.*} user_most=$5 user_least=$6 user_key=$7 user_key_file=$8 user_key_type=$9
	shift 9
	user_key_bits=$1 user_key_comment=$2 user_key_phrase=$3
	case $user_name in
	'' | -* | *[!A-Za-z0-9_.@+$-]*) die "user: '$user_name' cannot be the name of a user" ;;
	esac
	case $user_state in
	present | absent) ;;
	*) die "user: state is present or absent, not '$user_state'" ;;
	esac
	case $user_update in
	always | on_create) ;;
	*) die "user: update_password is always or on_create, not '$user_update'" ;;
	esac
	case $user_uid in *[!0-9]*) die "user: uid is a number, not '$user_uid'" ;; esac
	if [ "$user_append" = true ] && [ "$user_groups" = '*' ]; then die "user: append needs groups"; fi
	case $user_password in *[:\
]*) die "user: password is a hash, which has no colon and one line" ;; esac
	case $user_home$user_shell$user_comment in *:*) die "user: home, shell and comment cannot contain a colon" ;; esac
	user_pending=$HOST_DIR/users/$user_name
	user_look
}

# user_base NAMES KEY: the line of passwd or group that KEY finds into user_line,
# nothing if there is none.
user_base() {
	user_line='' user_rc=0
	if [ "$user_local" = true ] || ! command -v getent >/dev/null; then
		user_line=$(awk -F: -v key="$2" '$1 == key || $3 == key { print; found = 1; exit } END { if (!found) exit 3 }' "/etc/$1") || user_rc=$?
		[ $user_rc != 3 ] || return 0
	else
		user_line=$(getent "$1" -- "$2") || user_rc=$?
		[ $user_rc != 2 ] || return 0
	fi
	[ $user_rc = 0 ] || die "user: it cannot be told what $1 knows of $2"
}

# user_look: what there is.
user_look() {
	user_is=
	user_base passwd "$user_name"
	[ "${user_line%%:*}" = "$user_name" ] || return 0
	user_is=yes
	IFS=: read -r user_x user_x user_has_uid user_has_gid user_has_comment user_has_home user_has_shell <<-EOT
		$user_line
	EOT
	unset IFS
	user_has_password='' user_has_least='' user_has_most='' user_has_expires=''
	[ -r /etc/shadow ] || return 0
	user_line=$(awk -F: -v key="$user_name" '$1 == key { print; exit }' /etc/shadow) || die "user: /etc/shadow cannot be read"
	IFS=: read -r user_x user_has_password user_x user_has_least user_has_most user_x user_x user_has_expires user_x <<-EOT
		$user_line
	EOT
	unset IFS
}

# user_group_of GROUP: its name and number into user_gname and user_gid.
user_group_of() {
	user_base group "$1"
	[ -n "$user_line" ] || die "Group $1 does not exist"
	user_gname=${user_line%%:*}
	user_line=${user_line#*:*:}
	user_gid=${user_line%%:*}
}

# user_member: the names of the groups that list the user.
user_member() {
	if [ "$user_local" = true ] || ! command -v getent >/dev/null; then cat /etc/group; else getent group; fi |
		awk -F: -v name="$user_name" '
			{ n = split($4, m, ","); for (i = 1; i <= n; i++) if (m[i] == name) { print $1; break } }'
}

# user_wanted_groups: the names of the groups that are wanted, one a line, into
# user_want; and into user_groups_differ whether they are not those that list the user.
user_wanted_groups() {
	user_want='' user_groups_differ=''
	[ "$user_groups" != '*' ] || return 0
	user_now=$(user_member)
	while read -r user_one; do
		[ -n "$user_one" ] || continue
		user_group_of "$user_one"
		user_want="$user_want${user_want:+
}$user_gname"
		case "
$user_now
" in
		*"
$user_gname
"*) ;;
		*) user_groups_differ=yes ;;
		esac
	done <<-EOT
		$user_groups
	EOT
	[ "$user_append" = false ] || return 0
	for user_one in $user_now; do
		case "
$user_want
" in
		*"
$user_one
"*) ;;
		*) user_groups_differ=yes ;;
		esac
	done
}

# user_want_list: the wanted groups with commas.
user_want_list() { printf '%s' "$user_want" | tr '\n' ','; }

# user_password_differs: the password is to be set.
user_password_differs() {
	[ "$user_password" != __unset ] || return 1
	if [ "$user_update" = on_create ] && [ ! -e "$user_pending" ]; then return 1; fi
	user_a=$user_has_password user_b=$user_password
	while [ "$user_a" != "${user_a#!}" ]; do user_a=${user_a#!}; done
	while [ "$user_b" != "${user_b#!}" ]; do user_b=${user_b#!}; done
	[ "$user_a" != "$user_b" ]
}

# user_expiry_differs
user_expiry_differs() {
	[ -n "$user_expires" ] || return 1
	case $user_expires in
	-*) [ -n "$user_has_expires" ] && [ "$user_has_expires" -ge 0 ] ;;
	*) [ "$user_has_expires" != $((user_expires / 86400)) ] ;;
	esac
}

user_expiry() {
	case $user_expires in
	-*) ;;
	*) date -u -d "@$user_expires" +%Y-%m-%d ;;
	esac
}

# user_modify CHECK: what usermod is told; CHECK is yes if it is only to be known
# whether there is anything.
user_modify() {
	user_only=$1
	set --
	[ -z "$user_uid" ] || [ "$user_uid" = "$user_has_uid" ] || set -- -u "$user_uid"
	[ "$user_twice" != true ] || [ $# = 0 ] || set -- "$@" -o
	if [ -n "$user_group" ]; then
		user_group_of "$user_group"
		[ "$user_gid" = "$user_has_gid" ] || set -- "$@" -g "$user_gid"
	fi
	user_wanted_groups
	if [ -n "$user_groups_differ" ]; then
		set -- "$@" -G "$(user_want_list)"
		[ "$user_append" != true ] || set -- "$@" -a
	fi
	[ "$user_comment" = '*' ] || [ "$user_comment" = "$user_has_comment" ] || set -- "$@" -c "$user_comment"
	if [ -n "$user_home" ] && [ "$user_home" != "$user_has_home" ]; then
		set -- "$@" -d "$user_home"
		[ "$user_move" != true ] || set -- "$@" -m
	fi
	[ -z "$user_shell" ] || [ "$user_shell" = "$user_has_shell" ] || set -- "$@" -s "$user_shell"
	! user_expiry_differs || set -- "$@" -e "$(user_expiry)"
	case $user_lock:$user_has_password in
	true:!*) ;;
	true:*) user_password_differs || set -- "$@" -L ;;
	false:!*) user_password_differs || set -- "$@" -U ;;
	esac
	if [ -n "$user_only" ]; then
		if [ $# != 0 ] || [ -e "$user_pending" ]; then return 1; fi
		! user_password_differs
		return
	fi
	if [ $# != 0 ]; then
		command -v usermod >/dev/null || die "user: changing $user_name needs usermod, which this host lacks: is the package shadow installed?"
		usermod "$@" -- "$user_name"
	fi
	! user_password_differs || user_set_password
}

# user_set_password: the hash goes by a pipe.
user_set_password() {
	user_prefix=
	[ "$user_lock" != true ] || user_prefix=!
	printf '%s:%s%s\n' "$user_name" "$user_prefix" "$user_password" | chpasswd -e
}

# user_days_differ: chage has something to do.
user_days_differ() {
	if [ -n "$user_most" ] && [ "$user_most" != "$user_has_most" ]; then return 0; fi
	[ -n "$user_least" ] && [ "$user_least" != "$user_has_least" ]
}

# user_key_path: where the user's key is.
user_key_path() {
	user_key_is=${user_key_file:-.ssh/id_$user_key_type}
	case $user_key_is in
	/*) ;;
	\~/*) user_key_is=${user_home:-$user_has_home}/${user_key_is#\~/} ;;
	*) user_key_is=${user_home:-$user_has_home}/$user_key_is ;;
	esac
}

user_tell() {
	result name "$user_name"
	result state "$user_state"
	if [ "$user_state" = absent ]; then
		result remove_json "$user_remove"
		result force_json "$user_force"
		return
	fi
	result system_json "$user_system"
	[ "$user_groups" = '*' ] || result groups "$(printf '%s' "$user_groups" | tr '\n' ',')"
	[ -n "$user_is" ] || return 0
	result uid_json "$user_has_uid"
	result group_json "$user_has_gid"
	result home "$user_has_home"
	result shell "$user_has_shell"
	result comment "$user_has_comment"
	result append_json "$user_append"
	result move_home_json "$user_move"
	[ "$user_password" = __unset ] || result password NOT_LOGGING_PASSWORD
	[ "$user_key" = true ] || return 0
	user_key_path
	[ -f "$user_key_is.pub" ] || return 0
	result ssh_key_file "$user_key_is"
	result ssh_public_key "$(cat "$user_key_is.pub")"
	result ssh_fingerprint "$(ssh-keygen -l -f "$user_key_is")"
}

check_user() {
	user_begin "$@"
	user_tell
	if [ "$user_state" = absent ]; then
		[ -z "$user_is" ]
		return
	fi
	[ -n "$user_is" ] || return 1
	user_modify yes || return 1
	if [ "$user_create" = true ] && [ ! -e "${user_home:-$user_has_home}" ]; then return 1; fi
	! user_days_differ || return 1
	[ "$user_key" = true ] || return 0
	user_key_path
	[ -e "$user_key_is" ] || return 1
	[ "$user_force" = false ] || [ -n "$task_check" ] || return 10
}

# user_add: with useradd, but for the password.
user_add() {
	set --
	[ -z "$user_uid" ] || set -- -u "$user_uid"
	[ "$user_twice" != true ] || [ -z "$user_uid" ] || set -- "$@" -o
	if [ -n "$user_group" ]; then
		user_group_of "$user_group"
		set -- "$@" -g "$user_gid"
	else
		user_base group "$user_name"
		# A group of this name is not the user's own.
		[ -z "$user_line" ] || set -- "$@" -N
	fi
	user_wanted_groups
	[ -z "$user_want" ] || set -- "$@" -G "$(user_want_list)"
	[ "$user_comment" = '*' ] || set -- "$@" -c "$user_comment"
	[ -z "$user_home" ] || set -- "$@" -d "$user_home"
	[ -z "$user_shell" ] || set -- "$@" -s "$user_shell"
	[ -z "$user_expires" ] || set -- "$@" -e "$(user_expiry)"
	if [ "$user_create" = true ]; then
		# useradd makes no parents.
		[ -z "$user_home" ] || [ -d "${user_home%/*}/" ] || mkdir -p "${user_home%/*}"
		set -- "$@" -m
		[ -z "$user_skeleton" ] || set -- "$@" -k "$user_skeleton"
		[ -z "$user_umask" ] || set -- "$@" -K "UMASK=$user_umask"
	else
		set -- "$@" -M
	fi
	[ "$user_system" != true ] || set -- "$@" -r
	useradd "$@" -- "$user_name"
	# For users of the system it heeds no -e.
	if [ "$user_system" = true ] && [ -n "$user_expires" ]; then usermod -e "$(user_expiry)" -- "$user_name"; fi
}

# user_add_busybox: what busybox can.
user_add_busybox() {
	set -- -D
	[ -z "$user_uid" ] || set -- "$@" -u "$user_uid"
	if [ -n "$user_group" ]; then
		user_group_of "$user_group"
		set -- "$@" -G "$user_gname"
	fi
	[ "$user_comment" = '*' ] || set -- "$@" -g "$user_comment"
	[ -z "$user_home" ] || set -- "$@" -h "$user_home"
	[ -z "$user_shell" ] || set -- "$@" -s "$user_shell"
	[ "$user_create" = true ] || set -- "$@" -H
	[ "$user_system" != true ] || set -- "$@" -S
	user_wanted_groups
	adduser "$@" "$user_name"
	for user_one in $user_want; do addgroup "$user_name" "$user_one"; done
}

user_delete() {
	if ! command -v userdel >/dev/null; then
		if [ "$user_remove" = true ]; then deluser --remove-home "$user_name"; else deluser "$user_name"; fi
		return
	fi
	set --
	[ "$user_force" != true ] || set -- -f
	[ "$user_remove" != true ] || set -- "$@" -r
	userdel "$@" -- "$user_name"
}

# user_make_home: the home of one who exists, as useradd would make it.
user_make_home() {
	user_to=${user_home:-$user_has_home}
	user_from=${user_skeleton:-/etc/skel}
	mkdir -p "$user_to"
	[ ! -d "$user_from" ] || cp -R "$user_from/." "$user_to"
	user_mask=$(awk '$1 == "UMASK" { u = $2 } END { print u }' /etc/login.defs 2>/dev/null) || user_mask=
	chown -R "$user_has_uid:$user_has_gid" "$user_to"
	chmod "$(printf '%04o' $((0777 & ~0${user_umask:-${user_mask:-022}})))" "$user_to"
}

user_make_key() {
	user_key_path
	user_folder=${user_key_is%/*}
	if [ ! -e "$user_folder" ]; then
		mkdir -m 0700 "$user_folder"
		chown "$user_has_uid:$user_has_gid" "$user_folder"
	fi
	if [ -e "$user_key_is" ]; then
		[ "$user_force" = true ] || return 0
		rm -f "$user_key_is" "$user_key_is.pub"
	fi
	set -- -q -t "$user_key_type" -f "$user_key_is" -C "${user_key_comment:-ansible-generated on $(hostname)}"
	[ -z "$user_key_bits" ] || set -- "$@" -b "$user_key_bits"
	if [ -z "$user_key_phrase" ]; then
		ssh-keygen "$@" -N ''
	else
		user_ask=$(scratch)/askpass
		printf '%s' "$user_key_phrase" >"$user_ask.text"
		printf '#!/bin/sh\ncat %s.text\n' "$user_ask" >"$user_ask"
		chmod 0700 "$user_ask"
		SSH_ASKPASS=$user_ask SSH_ASKPASS_REQUIRE=force DISPLAY=none ssh-keygen "$@"
		rm -f "$user_ask" "$user_ask.text"
	fi
	chown "$user_has_uid:$user_has_gid" "$user_key_is" "$user_key_is.pub"
}

apply_user() {
	user_begin "$@"
	if [ "$user_state" = absent ]; then
		user_delete
		rm -f "$user_pending"
		return
	fi
	if [ -z "$user_is" ]; then
		# A run that is cut between the user and the password must not leave it without.
		[ "$user_password" = __unset ] || { mkdir -p "${user_pending%/*}" && : >"$user_pending"; }
		if command -v useradd >/dev/null; then user_add; else user_add_busybox; fi
		[ "$user_password" = __unset ] || user_set_password
		user_look
	else
		user_modify ''
		user_look
	fi
	if [ "$user_create" = true ] && [ ! -e "${user_home:-$user_has_home}" ]; then user_make_home; fi
	if user_days_differ; then
		set --
		[ -z "$user_most" ] || set -- -M "$user_most"
		[ -z "$user_least" ] || set -- "$@" -m "$user_least"
		chage "$@" -- "$user_name"
	fi
	[ "$user_key" != true ] || user_make_key
	rm -f "$user_pending"
	user_tell
	result create_home_json "$user_create"
}
