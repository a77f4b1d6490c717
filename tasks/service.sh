# service name state? config= pidfile= enabled? pattern? sleep? runlevel=default arguments|args? use=auto
# with: units truth
#
# A service of the host's init (systemd, OpenRC, or scripts in /etc/init.d) is
# started, stopped, restarted or reloaded, and starts with the host or not.
#
#   name       the service
#   state      started, stopped: does nothing if it is so. restarted, reloaded:
#              always; one that does not run is started instead
#   enabled    whether it starts with the host
#   config     paths of the files that it reads, separated by blanks: then started
#              means started since they became what they are now. A change of
#              theirs restarts it, also when a run was cut between the change and
#              the restart, which a handler with restarted would not. With config,
#              state may be left out
#   pidfile    with config and scripts: where its process is told; /run/NAME.pid
#              without it
#   pattern    scripts and OpenRC: it runs if a process has these words in its
#              command line, whatever the script says
#   sleep      scripts and OpenRC, restarted: seconds between stop and start
#   runlevel   OpenRC: the one that enabled is about
#   arguments (args)  scripts and OpenRC: what is said behind start, stop, ...
#   use        auto, systemd, openrc or sysvinit
#
# Looks at: with systemd, what systemctl show says of the unit; else what the
#           script answers to status. With CONFIG also the marker
#           $HOST_DIR/services/NAME: the files' sum, and which start that was
#           (systemd's invocation, or the process and its start time).
# Changes:  starts, restarts, reloads, stops, enables or disables the service, and
#           writes the marker.
# Never:    installs a unit, or touches its files. A service that does not exist is
#           an error, also where it should be stopped: the name may be a slip. One
#           whose script cannot say is neither started nor stopped.
#
# Results: name, state, enabled; with systemd status.
#
#     - service: { name: ssh, state: started, enabled: true }
#     - service: { name: isc-dhcp-server, config: /etc/dhcp/dhcpd.conf }

# service_begin ARGUMENTS
service_begin() {
	systemd_sane "$1"
	systemd_scope='' systemd_force='' systemd_no_block=''
	service_state=$2
	truth enabled "$5"
	service_enable=$truth_is
	[ -n "$2" ] || [ -z "$3" ] || service_state=started
	case $service_state in
	started | stopped | restarted | reloaded) ;;
	'') [ -n "$service_enable" ] || die "service: what of it? give state or enabled" ;;
	*) die "service: state is started, stopped, restarted or reloaded, not '$2'" ;;
	esac
	if [ -n "$3" ] && [ "$service_state" != started ]; then die "service: config needs state=started"; fi
	case $7 in *[!0-9]*) die "service: sleep is a number of seconds, not '$7'" ;; esac
	case ${10} in
	systemd | openrc) service_init=${10} ;;
	sysvinit | service) service_init=script ;;
	auto)
		service_init='script'
		[ ! -d /run/openrc ] || service_init=openrc
		[ ! -d /run/systemd/system ] || service_init=systemd
		;;
	*) die "service: use is auto, systemd, openrc or sysvinit, not '${10}'" ;;
	esac
}

# service_look NAME PIDFILE PATTERN: running, stopped or between into service_is,
# and what tells this start from any other into service_start.
service_look() {
	service_is='' service_start=''
	if [ "$service_init" = systemd ]; then
		service_look_systemd "$1"
	else
		service_look_script "$@"
	fi
}

service_look_systemd() {
	systemd_look "$1" || return 2
	systemd_found "$1"
	service_start=$systemd_start
	case $systemd_active in
	active | reloading) service_is=running ;;
	inactive | failed) service_is=stopped ;;
	*) service_is=between ;;
	esac
}

# service_script NAME VERB ARGUMENTS
service_script() {
	# shellcheck disable=SC2086 # arguments are words
	if [ "$service_init" = openrc ]; then
		rc-service "$1" "$2" $3
	else
		service "$1" "$2" $3
	fi
}

service_look_script() {
	if ! [ -x "/etc/init.d/$1" ]; then
		echo "service: this host has no systemd and no /etc/init.d/$1: is it installed?"
		return 2
	fi
	if [ -n "$3" ]; then
		service_pattern "$3"
		return
	fi
	[ "$service_init" = openrc ] || grep -q status "/etc/init.d/$1" || {
		[ $? != 1 ] || echo "service: /etc/init.d/$1 cannot say whether it runs: it knows no 'status'"
		return 2
	}
	# What LSB says of the exit status: 1 and 2 are dead but with a file left.
	service_rc=0
	service_said=$(service_script "$1" status 2>&1) || service_rc=$?
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

# service_pattern WORDS: a process has them in its command line.
service_pattern() {
	service_words=$(printf '%s\n' "$1" | sed 's/[^A-Za-z0-9 /_-]/\\&/g') || return 2
	service_rc=0
	pgrep -f -- "$service_words" >/dev/null || service_rc=$?
	case $service_rc in
	0) service_is=running ;;
	1) service_is=stopped ;;
	*) return 2 ;;
	esac
}

# service_sum CONFIG: one sum of all the files, into service_config. That a path
# is missing is an error: the daemon would not start as it is meant to.
service_sum() {
	service_config=
	for service_one in $1; do
		[ -f "$service_one" ] || { echo "service: $service_one, named in config, is not a file"; return 2; }
		sum_of "$service_one" || return 2
		service_config="$service_config${service_config:+-}$sum_of"
	done
}

# service_marked NAME: the marker says that this start read these files.
service_marked() {
	service_was=
	! [ -e "$HOST_DIR/services/$1" ] || read -r service_was <"$HOST_DIR/services/$1" || :
	[ "$service_was" = "$service_config $service_start" ]
}

# service_enabled NAME RUNLEVEL: it starts with the host.
service_enabled() {
	case $service_init in
	systemd) systemd_enabled "$1" ;;
	openrc) [ -e "/etc/runlevels/$2/$1" ] ;;
	script) script_enabled "$1" ;;
	esac
}

# service_plan NAME RUNLEVEL: what is to be done with a script, in order, into
# service_todo.
service_plan() {
	service_todo=
	if [ -n "$service_enable" ]; then
		service_on=false
		! service_enabled "$1" "$2" || service_on=true
		case $service_enable:$service_on in
		true:false) service_todo=enable ;;
		false:true) service_todo=disable ;;
		esac
	fi
	case $service_state:$service_is in
	'':* | started:running | stopped:stopped) ;;
	stopped:*) service_todo="$service_todo stop" ;;
	restarted:running) service_todo="$service_todo restart" ;;
	reloaded:running) service_todo="$service_todo reload" ;;
	*) service_todo="$service_todo start" ;;
	esac
}

service_tell() {
	result name "$1"
	case $service_state in
	'') ;;
	stopped) result state stopped ;;
	*) result state started ;;
	esac
	[ -z "$service_enable" ] || result enabled_json "$service_enable"
}

check_service() {
	service_begin "$@"
	if [ "$service_init" = systemd ] && [ -z "$3" ]; then
		systemd_check "$1" "$service_state" "$service_enable" ''
		return
	fi
	service_look "$1" "$4" "$6" >&2 || return 2
	service_tell "$1"
	service_plan "$1" "$8"
	if [ -n "$3" ]; then
		service_sum "$3" >&2 || return 2
		[ -z "$service_todo" ] && service_marked "$1"
		return
	fi
	[ -n "$service_todo" ] || return 0
	case $service_state in restarted | reloaded) [ -n "$task_check" ] || return 10 ;; esac
	return 1
}

# service_do VERB NAME ARGUMENTS RUNLEVEL: what it says is shown if it fails.
service_do() {
	case $service_init:$1 in
	systemd:*)
		systemd_do "$1" "$2"
		return
		;;
	openrc:enable) set -- "$1" "$2" rc-update add "$2" "$4" ;;
	openrc:disable) set -- "$1" "$2" rc-update del "$2" "$4" ;;
	script:enable | script:disable) set -- "$1" "$2" service_link "$1" "$2" ;;
	*) set -- "$1" "$2" service_script "$2" "$1" "$3" ;;
	esac
	service_verb=$1 service_name=$2
	shift 2
	service_said=$("$@" 2>&1) && return
	service_rc=$?
	printf '%s\n' "$service_said"
	echo "service: $service_verb $service_name ended with $service_rc"
	exit 1
}

# service_link enable|disable NAME: the links of a script's runlevels.
service_link() {
	if ! command -v update-rc.d >/dev/null; then
		chkconfig "$2" "$([ "$1" = enable ] && echo on || echo off)"
	else
		[ "$1" = disable ] || update-rc.d "$2" defaults || return
		update-rc.d "$2" "$1"
	fi
}

# service_await NAME PIDFILE CONFIG PATTERN: a script may return before its daemon
# has written its process id.
service_await() {
	service_left=50
	while :; do
		service_look "$1" "$2" "$4"
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
		[ "$service_init" != systemd ] || systemd_log "$1"
		echo "service: $1 was started and does not run: see the host's log"
	fi
	return 1
}

apply_service() {
	service_begin "$@"
	if [ "$service_init" = systemd ] && [ -z "$3" ]; then
		systemd_act "$1" "$service_state" "$service_enable" ''
		return
	fi
	service_look "$1" "$4" "$6"
	service_plan "$1" "$8"
	service_tell "$1"
	if [ -n "$3" ]; then
		service_sum "$3"
		[ "$service_is" = stopped ] || service_marked "$1" || service_todo="${service_todo%start} restart"
	fi
	[ -n "$service_todo" ] || return 10
	for service_act in $service_todo; do
		if [ "$service_act" = restart ] && [ -n "$7" ]; then
			service_do stop "$1" "$9"
			sleep "$7"
			service_act=start
		fi
		service_do "$service_act" "$1" "$9" "$8"
		case $service_act in start | restart) service_await "$1" "$4" "$3" "$6" ;; esac
	done
	[ -n "$3" ] || return 0
	mkdir -p "$HOST_DIR/services"
	printf '%s\n' "$service_config $service_start" >"$HOST_DIR/services/$1.new"
	mv -f "$HOST_DIR/services/$1.new" "$HOST_DIR/services/$1"
}
