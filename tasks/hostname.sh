# hostname name use?
#
# The name of the host, at once and after it starts anew.
#
#   name  the name, at most 64 characters
#   use   where it is kept: systemd, debian, alpine and generic keep it in
#         /etc/hostname, openrc in /etc/conf.d/hostname, redhat (6 and older) in
#         /etc/sysconfig/network. Without it: whichever the host has
#
# Looks at: /proc/sys/kernel/hostname and that file.
# Never:    changes /etc/hosts.
#
# Results: name, and the facts ansible_hostname and ansible_nodename.
#
#     - hostname: { name: web1 }

# hostname_start NAME USE: the file that keeps the name into hostname_file, and
# what it says in hostname_was.
hostname_start() {
	case $1 in
	'') die "a name is not empty" ;;
	-* | .* | *[!A-Za-z0-9.-]*) die "'$1' is no name of a host: it has letters, digits, - and ." ;;
	esac
	[ ${#1} -le 64 ] || die "a name has at most 64 characters, $1 has ${#1}"
	case $2 in
	'')
		hostname_file=/etc/hostname
		if ! [ -d /run/systemd/system ] && ! [ -e /etc/hostname ]; then
			if [ -e /etc/conf.d/hostname ]; then
				hostname_file=/etc/conf.d/hostname
			elif [ -e /etc/sysconfig/network ]; then
				hostname_file=/etc/sysconfig/network
			fi
		fi
		;;
	systemd | debian | alpine | generic) hostname_file=/etc/hostname ;;
	openrc) hostname_file=/etc/conf.d/hostname ;;
	redhat) hostname_file=/etc/sysconfig/network ;;
	*) die "use is one of systemd, debian, alpine, generic, openrc and redhat, not '$2'" ;;
	esac
	hostname_is=$(cat /proc/sys/kernel/hostname) || die "cannot tell the name of the host"
	hostname_was=''
	[ -e "$hostname_file" ] || return 0
	case $hostname_file in
	/etc/hostname) hostname_was=$(sed '/^#/d' "$hostname_file") ;;
	*) hostname_was=$(sed -n "s/^$(hostname_key)=[\"']\{0,1\}\([^\"']*\).*/\1/p" "$hostname_file") ;;
	esac
}

hostname_key() {
	case $hostname_file in
	*/network) echo HOSTNAME ;;
	*) echo hostname ;;
	esac
}

check_hostname() {
	hostname_start "$@"
	result name "$1"
	result ansible_facts_json "{\"ansible_hostname\": \"${1%%.*}\", \"ansible_nodename\": \"$1\"}"
	[ "$hostname_is" = "$1" ] && [ "$hostname_was" = "$1" ]
}

diff_hostname() {
	hostname_start "$@"
	if [ "$hostname_was" != "$1" ]; then
		[ -z "$hostname_was" ] || echo "-$hostname_file: $hostname_was"
		echo "+$hostname_file: $1"
	fi
	if [ "$hostname_is" != "$1" ]; then
		echo "-hostname: $hostname_is"
		echo "+hostname: $1"
	fi
}

apply_hostname() {
	hostname_start "$@"
	umask 022
	if [ "$hostname_was" != "$1" ]; then
		# Written whole beside it: a host without a name in its file would start nameless.
		hostname_new=$hostname_file.eucactl-new
		case $hostname_file in
		/etc/hostname) printf '%s\n' "$1" >"$hostname_new" ;;
		*)
			{
				[ ! -e "$hostname_file" ] || sed "/^$(hostname_key)=/d" "$hostname_file"
				printf '%s="%s"\n' "$(hostname_key)" "$1"
			} >"$hostname_new"
			;;
		esac
		mv -f "$hostname_new" "$hostname_file"
	fi
	[ "$hostname_is" = "$1" ] || hostname_set "$1"
}

hostname_set() {
	if command -v hostname >/dev/null; then
		hostname "$1"
	else
		printf '%s\n' "$1" >/proc/sys/kernel/hostname
	fi
}
