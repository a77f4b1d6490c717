# units: what the kinds service and systemd share: what systemd knows of a unit, and what
# is to be done to have it as it is wanted.

# systemd_sane NAME
systemd_sane() {
	case $1 in
	'' | -* | .* | */* | *[!A-Za-z0-9_.:@\\-]*) die "service: bad name '$1'" ;;
	esac
}

# systemd_ctl ARGUMENT...: systemctl for the scope that is wanted.
systemd_ctl() {
	# shellcheck disable=SC2086 # nothing, or one word
	systemctl ${systemd_scope:+--$systemd_scope} "$@"
}

# systemd_look NAME: what is known of it, all from one question. The status is a
# mapping of JSON.
systemd_look() {
	systemd_show=$(systemd_ctl show -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p SourcePath \
		-p FragmentPath -p MainPID -p Type -p Result -p ExecMainStatus -p NRestarts -p InvocationID -- "$1" 2>&1) || {
		printf '%s\n' "$systemd_show" >&2
		return 2
	}
	systemd_load='' systemd_active='' systemd_file='' systemd_source='' systemd_start='' systemd_status=''
	while IFS='=' read -r systemd_key systemd_value; do
		case $systemd_key in
		LoadState) systemd_load=$systemd_value ;;
		ActiveState) systemd_active=$systemd_value ;;
		UnitFileState) systemd_file=$systemd_value ;;
		SourcePath) systemd_source=$systemd_value ;;
		InvocationID) systemd_start=$systemd_value ;;
		esac
		case $systemd_value in
		*[\"\\]*) ;;
		*) systemd_status="$systemd_status${systemd_status:+, }\"$systemd_key\": \"$systemd_value\"" ;;
		esac
	done <<-EOT
		$systemd_show
	EOT
	unset IFS
}

# systemd_found NAME: there is such a unit, and it can be read.
systemd_found() {
	case $systemd_load in
	loaded | masked) ;;
	not-found) die "service: systemd knows no unit $1: is it installed?" ;;
	*) die "service: systemd says that the unit $1 is ${systemd_load:-unknown}" ;;
	esac
}

# systemd_enabled NAME: it is started with the host. What systemd made from a
# script of init is enabled by its links.
systemd_enabled() {
	case $systemd_file:$systemd_source in
	generated:/etc/init.d/*) script_enabled "${1%.service}" ;;
	enabled:* | enabled-runtime:* | static:* | indirect:* | alias:* | generated:*) return 0 ;;
	*) return 1 ;;
	esac
}

# script_enabled NAME: a link starts the script of init in one runlevel.
script_enabled() {
	for script_link in /etc/rc?.d/S??"$1"; do
		[ ! -L "$script_link" ] || return 0
	done
	return 1
}

# systemd_plan NAME STATE ENABLED MASKED: what systemctl is to do, in order, into
# systemd_todo.
systemd_plan() {
	systemd_todo=
	systemd_masked=false
	[ "$systemd_load" != masked ] || systemd_masked=true
	case $4:$systemd_masked in
	true:false) systemd_todo=mask ;;
	false:true) systemd_todo=unmask ;;
	esac
	if [ -n "$3" ]; then
		systemd_found "$1"
		systemd_is=false
		! systemd_enabled "$1" || systemd_is=true
		case $3:$systemd_is in
		true:false) systemd_todo="$systemd_todo enable" ;;
		false:true) systemd_todo="$systemd_todo disable" ;;
		esac
	fi
	[ -n "$2" ] || return 0
	systemd_found "$1"
	case $2:$systemd_active in
	started:active | started:activating | started:reloading) ;;
	stopped:inactive | stopped:failed) ;;
	stopped:*) systemd_todo="$systemd_todo stop" ;;
	restarted:active | restarted:activating | restarted:reloading) systemd_todo="$systemd_todo restart" ;;
	reloaded:active | reloaded:activating | reloaded:reloading) systemd_todo="$systemd_todo reload" ;;
	*) systemd_todo="$systemd_todo start" ;;
	esac
}

# systemd_tell NAME STATE ENABLED: the fields of the result.
systemd_tell() {
	result name "$1"
	case $2 in
	'') ;;
	stopped) result state stopped ;;
	*) result state started ;;
	esac
	[ -z "$3" ] || result enabled_json "$3"
	result status_json "{$systemd_status}"
}

# systemd_check NAME STATE ENABLED MASKED: how a check ends.
systemd_check() {
	systemd_look "$1" || return 2
	systemd_plan "$@"
	systemd_tell "$@"
	[ -n "$systemd_todo" ] || return 0
	# What is done may end as it began: one that runs once is not active afterwards.
	[ -n "$task_check" ] || return 10
	return 1
}

# systemd_act NAME STATE ENABLED MASKED: does what is to be done; 10 if nothing is.
systemd_act() {
	systemd_look "$1"
	systemd_plan "$@"
	systemd_tell "$@"
	[ -n "$systemd_todo" ] || return 10
	for systemd_verb in $systemd_todo; do
		systemd_do "$systemd_verb" "$1"
	done
}

# systemd_do VERB NAME: what it says is shown if it fails.
systemd_do() {
	case $1 in
	enable | disable) systemd_with=${systemd_force:+--force} ;;
	mask | unmask) systemd_with='' ;;
	*) systemd_with=${systemd_no_block:+--no-block} ;;
	esac
	# shellcheck disable=SC2086 # nothing, or one word
	systemd_said=$(systemd_ctl $systemd_with "$1" -- "$2" 2>&1) && return
	systemd_rc=$?
	printf '%s\n' "$systemd_said"
	systemd_log "$2"
	echo "service: systemctl $1 $2 ended with $systemd_rc"
	exit 1
}

# systemd_log NAME: what systemd knows of a service that did not start.
systemd_log() { systemd_ctl status --no-pager --lines 10 -- "$1" 2>&1 || :; }
