# wait_for host=127.0.0.1 port? path? state=started search_regex~? timeout=300 delay=0 sleep=1 connect_timeout=5 msg? exclude_hosts[]? active_connection_states[]=ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT
# with: attrs
#
# Waits, on the host, until a port or a file is as it is to be.
#
#   host, port       what is connected to
#   path             instead of a port: a file
#   state            started, present: the port answers, the file is there.
#                    stopped, absent: it does not, it is not. drained: the port
#                    has no active connections
#   search_regex     started or present: only if the file has such a line, or what
#                    answers at the port says so; absent: if it does not
#   timeout          seconds until it fails; with neither port nor path it waits so long
#   delay            seconds before it looks for the first time
#   sleep            seconds between two looks
#   connect_timeout  seconds until an attempt to connect counts as failed
#   msg              what it fails with
#   exclude_hosts    drained: connections with these do not count
#   active_connection_states  drained: what counts as active
#
# Needs for a port bash, nc or curl on the host; for one of its own, nothing.
# Never:    changes anything, and is never "changed". In check mode it does not
#           wait.
#
# Results: elapsed, port or path, and state: that asked for, or what the path is.
#
#     - wait_for: { port: 8080, delay: 2 }
#     - wait_for: { path: /run/app.pid, search_regex: "^[0-9]+$" }

# wait_for_start ARGUMENTS
wait_for_start() {
	wait_for_host=$1 wait_for_port=$2 wait_for_path=$3 wait_for_state=$4 wait_for_regex=$5
	wait_for_sleep=$8 wait_for_connect=$9 wait_for_msg=${10} wait_for_exclude=${11} wait_for_active=${12}
	for wait_for_one in "$2" "$6" "$7" "$8" "$9"; do
		case $wait_for_one in *[!0-9]*) die "port, timeout, delay, sleep and connect_timeout are whole numbers, not '$wait_for_one'" ;; esac
	done
	case $4 in
	present | started | absent | stopped | drained) ;;
	*) die "state is one of absent, drained, present, started and stopped, not '$4'" ;;
	esac
	if [ -n "$2" ] && [ -n "$3" ]; then die "port and path are mutually exclusive: give one"; fi
	[ -z "$3" ] || [ "$4" != stopped ] || die "state=stopped is for a port: a path is absent"
	[ -z "$3" ] || [ "$4" != drained ] || die "state=drained is for a port"
	[ -n "$2" ] || [ "$4" != drained ] || die "state=drained needs a port"
	if [ -n "$3" ]; then attrs_path "$3" && wait_for_path=$attrs_path; fi
	case $2 in
	????*) [ "$2" -le 65535 ] || die "there is no port $2" ;;
	esac
}

check_wait_for() {
	wait_for_start "$@"
	[ -z "$task_check" ] || return 10
	wait_for_since=$(date +%s)
	[ "$7" = 0 ] || sleep "$7"
	if [ -z "$2$3" ]; then
		sleep "$6"
	else
		wait_for_look=wait_for_path
		[ -z "$2" ] || wait_for_look=wait_for_port
		[ "$4" != drained ] || wait_for_look=wait_for_drained
		wait_for_until $((wait_for_since + $6))
	fi
	result elapsed_json $(($(date +%s) - wait_for_since))
	wait_for_is=$4
	[ -z "$2" ] || result port_json "$2"
	if [ -n "$3" ]; then
		result path "$wait_for_path"
		attrs_look "$wait_for_path" -L
		wait_for_is=$attrs_is
	fi
	result state "$wait_for_is"
}

# Never called: it is so, or checking fails.
apply_wait_for() { return 10; }

# wait_for_until SECOND: looks until it is so; fails when that time has come.
wait_for_until() {
	while ! $wait_for_look; do
		if [ "$(date +%s)" -ge "$1" ]; then
			result elapsed_json $(($(date +%s) - wait_for_since))
			wait_for_fail
		fi
		sleep "$wait_for_sleep"
	done
}

wait_for_fail() {
	[ -z "$wait_for_msg" ] || die "$wait_for_msg"
	wait_for_what=$wait_for_path
	[ -z "$wait_for_port" ] || wait_for_what=$wait_for_host:$wait_for_port
	case $wait_for_state in
	absent | stopped) die "Timeout when waiting for $wait_for_what to stop or to be absent" ;;
	drained) die "Timeout when waiting for $wait_for_what to drain" ;;
	esac
	die "Timeout when waiting for ${wait_for_regex:+search string $wait_for_regex in }$wait_for_what"
}

wait_for_path() {
	if [ "$wait_for_state" = absent ]; then
		[ ! -e "$wait_for_path" ]
	else
		[ -e "$wait_for_path" ] && { [ -z "$wait_for_regex" ] || grep -qE -- "$wait_for_regex" "$wait_for_path" 2>/dev/null; }
	fi
}

wait_for_port() {
	wait_for_found=no
	if [ -n "$wait_for_regex" ]; then
		wait_for_says | grep -qaE -- "$wait_for_regex" && wait_for_found=yes
	else
		wait_for_answers && wait_for_found=yes
	fi
	case $wait_for_state in
	absent | stopped) [ $wait_for_found = no ] ;;
	*) [ $wait_for_found = yes ] ;;
	esac
}

# wait_for_answers: something takes a connection. Only bash can connect by itself.
wait_for_answers() {
	if command -v bash >/dev/null; then
		# shellcheck disable=SC2016 # for bash
		timeout "$wait_for_connect" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$wait_for_host" "$wait_for_port" 2>/dev/null
	elif command -v nc >/dev/null; then
		timeout "$wait_for_connect" nc -w "$wait_for_connect" "$wait_for_host" "$wait_for_port" </dev/null >/dev/null 2>&1
	elif command -v curl >/dev/null; then
		wait_for_rc=0
		curl -s -m "$wait_for_connect" "telnet://$wait_for_host:$wait_for_port" </dev/null >/dev/null 2>&1 || wait_for_rc=$?
		case $wait_for_rc in 6 | 7) return 1 ;; esac
	else
		case $wait_for_host in
		127.* | localhost | ::1) wait_for_listens ;;
		*) die "this host has neither bash nor nc nor curl to connect with" ;;
		esac
	fi
}

# wait_for_listens: the kernel's table of sockets has one that listens there.
wait_for_listens() {
	grep -qsiE ":$(printf '%04x' "$wait_for_port") [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6
}

# wait_for_says: what is said at the port by itself.
wait_for_says() {
	if command -v bash >/dev/null; then
		# busybox's timeout ends the process it started, and no child of that.
		# shellcheck disable=SC2016 # for bash
		timeout "$wait_for_connect" bash -c 'exec 3<>"/dev/tcp/$0/$1" && exec cat <&3' "$wait_for_host" "$wait_for_port" 2>/dev/null
	elif command -v nc >/dev/null; then
		# Its own end of input would end it before the other side has spoken.
		sleep "$wait_for_connect" | timeout "$wait_for_connect" nc "$wait_for_host" "$wait_for_port" 2>/dev/null
	else
		die "this host has neither bash nor nc to hear what is said at a port"
	fi
}

# wait_for_drained: no connection of the port is active.
wait_for_drained() {
	# Names are asked for now, the table has numbers.
	wait_for_not=''
	set -f
	for wait_for_one in $wait_for_exclude; do
		wait_for_one=$(getent ahostsv4 "$wait_for_one" | awk 'NR == 1 { print $1 }')
		wait_for_not="$wait_for_not $wait_for_one"
	done
	set +f
	# shellcheck disable=SC2046 # two files or one
	awk -v host="$wait_for_host" -v port="$(printf '%04X' "$wait_for_port")" -v not="$wait_for_not " \
		-v states=" $(printf '%s' "$wait_for_active" | tr '\n,' '  ') " '
		function byte(h) { return (index("0123456789ABCDEF", substr(h, 1, 1)) - 1) * 16 + index("0123456789ABCDEF", substr(h, 2, 1)) - 1 }
		function address(h) {
			h = substr(h, length(h) - 7) # also of an IPv4 address in IPv6
			return byte(substr(h, 7)) "." byte(substr(h, 5)) "." byte(substr(h, 3)) "." byte(h)
		}
		BEGIN {
			n = split("ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT", name, " ")
			for (i = 1; i <= n; i++) if (index(states, " " name[i] " ")) active["0" i] = 1
		}
		FNR > 1 && ($4 in active) {
			split($2, here, ":")
			split($3, there, ":")
			if (here[2] != port || index(not, " " address(there[1]) " ")) next
			if (host == "0.0.0.0" || host == "::" || address(here[1]) == host) busy = 1
		}
		END { exit busy }' /proc/net/tcp $([ ! -e /proc/net/tcp6 ] || echo /proc/net/tcp6)
}
