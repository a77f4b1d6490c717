# service name state=started config= pidfile=
#
# The service NAME of the host's init is started or stopped. With CONFIG, the
# paths of the files that it reads (separated by spaces), started means: started
# since they became what they are now. There is no state "restarted": name the
# files in CONFIG, and a change of theirs restarts it, also when a run was cut
# between the change and the restart.
#
# Looks at: with systemd, what systemctl show says of the unit; else what the
#           script /etc/init.d/NAME answers to status, and the process in PIDFILE
#           (without it /run/NAME.pid). With CONFIG also the marker
#           $HOST_DIR/services/NAME: the files' sum, and which start that was
#           (systemd's invocation, or the process and its start time).
# Changes:  starts, restarts or stops the service, and writes the marker.
# Never:    enables or disables it, installs a unit, or touches its files. A
#           service that does not exist is an error, also where it should be
#           stopped: the name may be a slip. One that changes state just now, or
#           whose script cannot say, is neither started nor stopped.

# service_sane NAME STATE
service_sane() {
	case $1 in
	'' | -* | .* | */* | *[!A-Za-z0-9_.:@\\-]*) echo "service: bad name '$1'"; return 2 ;;
	esac
	case $2 in
	started | stopped) ;;
	restarted | reloaded) echo "service: no state $2: use state=started, with the files that it reads in config"; return 2 ;;
	*) echo "service: state is started or stopped, not '$2'"; return 2 ;;
	esac
}

# service_look NAME PIDFILE: running, stopped or between into service_is, and
# what tells this start from any other into service_start.
service_look() {
	service_is='' service_start=''
	if [ -d /run/systemd/system ]; then
		service_look_systemd "$1"
	else
		service_look_script "$@"
	fi
}

service_look_systemd() {
	service_show=$(systemctl show -p LoadState -p ActiveState -p InvocationID "$1" 2>&1) || {
		printf '%s\n' "$service_show"
		return 2
	}
	service_load='' service_active=''
	while IFS='=' read -r service_key service_value; do
		case $service_key in
		LoadState) service_load=$service_value ;;
		ActiveState) service_active=$service_value ;;
		InvocationID) service_start=$service_value ;;
		esac
	done <<-EOT
		$service_show
	EOT
	unset IFS
	case $service_load in
	loaded) ;;
	not-found) echo "service: systemd knows no unit $1: is it installed?"; return 2 ;;
	*) echo "service: systemd says that the unit $1 is ${service_load:-unknown}"; return 2 ;;
	esac
	case $service_active in
	active | reloading) service_is=running ;;
	inactive | failed) service_is=stopped ;;
	*) service_is=between ;;
	esac
}

service_look_script() {
	if ! [ -x "/etc/init.d/$1" ]; then
		echo "service: this host has no systemd and no /etc/init.d/$1: is it installed?"
		return 2
	fi
	grep -q status "/etc/init.d/$1" || {
		[ $? != 1 ] || echo "service: /etc/init.d/$1 cannot say whether it runs: it knows no 'status'"
		return 2
	}
	# What LSB says of the exit status: 1 and 2 are dead but with a file left.
	service_rc=0
	service_said=$(service "$1" status 2>&1) || service_rc=$?
	case $service_rc in
	0) service_is=running ;;
	1 | 2 | 3) service_is=stopped ;;
	*) printf '%s\n' "$service_said" "service: status of $1 ended with $service_rc"; return 2 ;;
	esac
	service_pid=
	[ ! -r "${2:-/run/$1.pid}" ] || read -r service_pid <"${2:-/run/$1.pid}" || :
	case $service_pid in
	'' | *[!0-9]*) return 0 ;;
	esac
	service_stat=
	# It may end while we look.
	read -r service_stat 2>/dev/null <"/proc/$service_pid/stat" || return 0
	# The name in parentheses may contain anything.
	# shellcheck disable=SC2086
	set -- ${service_stat##*) }
	service_start="$service_pid/${20}"
}

# service_sum CONFIG: one sum of all the files, into service_config. That a path
# is missing is an error: the daemon would not start as it is meant to.
service_sum() {
	service_config=
	for service_one in $1; do
		[ -f "$service_one" ] || { echo "service: $service_one, named in config, is not a file"; return 2; }
		service_one=$(sum_of "$service_one") || return 2
		service_config="$service_config${service_config:+-}$service_one"
	done
}

# service_marked NAME: the marker says that this start read these files.
service_marked() {
	service_was=
	! [ -e "$HOST_DIR/services/$1" ] || read -r service_was <"$HOST_DIR/services/$1" || :
	[ "$service_was" = "$service_config $service_start" ]
}

check_service() {
	service_sane "$1" "$2" >&2 || return 2
	service_look "$1" "$4" >&2 || return 2
	if [ "$2" = stopped ]; then
		[ $service_is = stopped ]
		return
	fi
	service_sum "$3" >&2 || return 2
	[ $service_is = running ] || return 1
	[ -z "$3" ] || service_marked "$1"
}

# service_do VERB NAME: what it says is shown if it fails.
service_do() {
	if [ -d /run/systemd/system ]; then
		service_said=$(systemctl "$1" "$2" 2>&1) && return
	else
		service_said=$(service "$2" "$1" 2>&1) && return
	fi
	service_rc=$?
	printf '%s\n' "$service_said"
	service_log "$2"
	echo "service: $1 $2 ended with $service_rc"
	return 1
}

# service_log NAME: what systemd knows of a service that did not start.
service_log() {
	[ ! -d /run/systemd/system ] || systemctl status --no-pager --lines 10 "$1" 2>&1 || :
}

# service_await NAME PIDFILE CONFIG: a script may return before its daemon has
# written its process id.
service_await() {
	service_left=50
	while :; do
		service_look "$1" "$2"
		if [ "$service_is" = running ] && { [ -n "$service_start" ] || [ -z "$3" ]; }; then
			return 0
		fi
		[ $service_left != 0 ] || break
		service_left=$((service_left - 1))
		sleep 0.1 2>/dev/null || sleep 1
	done
	if [ "$service_is" = running ]; then
		echo "service: $1 runs, but which process it is, ${2:-/run/$1.pid} does not say: name its file in pidfile"
	else
		service_log "$1"
		echo "service: $1 was started and does not run: see the host's log"
	fi
	return 1
}

apply_service() {
	service_sane "$1" "$2"
	service_look "$1" "$4"
	if [ "$2" = stopped ]; then
		service_do stop "$1"
		return
	fi
	service_sum "$3"
	if [ $service_is = stopped ]; then
		service_do start "$1"
	else
		service_do restart "$1"
	fi
	service_await "$1" "$4" "$3"
	[ -n "$3" ] || return 0
	mkdir -p "$HOST_DIR/services"
	printf '%s\n' "$service_config $service_start" >"$HOST_DIR/services/$1.new"
	mv -f "$HOST_DIR/services/$1.new" "$HOST_DIR/services/$1"
}
