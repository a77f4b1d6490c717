# systemd name|service|unit? state? enabled? masked? daemon_reload=false daemon_reexec=false no_block=false force=false scope=system
# with: units truth
#
# A unit of systemd is started, stopped, restarted or reloaded; it starts with the
# host or not; or systemd itself reads its units anew.
#
#   name (service, unit)  the unit; .service may be left out
#   state          started, stopped: does nothing if it is so. restarted,
#                  reloaded: always; one that does not run is started instead
#   enabled        whether it starts with the host
#   masked         whether it cannot be started at all
#   daemon_reload  before anything else, systemd reads changed unit files; that
#                  alone changes nothing
#   daemon_reexec  systemd starts itself anew; that alone changes nothing
#   no_block       does not wait until the unit is started or stopped
#   force          enabled: other links of that name are replaced
#   scope          system, user or global: whose systemd it is
#
# Looks at: one systemctl show. Changes nothing else than what systemctl does.
# Results: name, state, enabled, status (what systemctl showed before: Id,
# ActiveState, SubState, UnitFileState, MainPID and some more).
# A unit that does not exist is an error, also where it should be stopped.
#
#     - systemd: { name: app, state: restarted, enabled: true, daemon_reload: true }
#
# Differs from Ansible: status has fewer entries.

systemd_begin() {
	systemd_scope='' systemd_force='' systemd_no_block=''
	case $9 in
	system) ;;
	user | global) systemd_scope=$9 ;;
	*) die "scope is system, user or global, not '$9'" ;;
	esac
	[ "$7" != true ] || systemd_no_block=yes
	[ "$8" != true ] || systemd_force=yes
	case $2 in
	'' | started | stopped | restarted | reloaded) ;;
	*) die "state is started, stopped, restarted or reloaded, not '$2'" ;;
	esac
	[ -d /run/systemd/system ] || die "systemd: this host has no systemd: see the kind service"
	systemd_name=$1 systemd_wants=$2
	truth enabled "$3"
	systemd_enable=$truth_is
	truth masked "$4"
	systemd_mask=$truth_is
	if [ -z "$1" ]; then
		[ -z "$2$3$4" ] || die "systemd: which unit? name is missing"
		[ "$5$6" != falsefalse ] || die "systemd: nothing is asked for: give name and state, or daemon_reload"
		return 0
	fi
	systemd_sane "$1"
}

check_systemd() {
	systemd_begin "$@"
	if [ -z "$task_check" ] && [ "$5$6" != falsefalse ]; then return 10; fi
	[ -n "$1" ] || return 0
	systemd_check "$systemd_name" "$systemd_wants" "$systemd_enable" "$systemd_mask"
}

apply_systemd() {
	systemd_begin "$@"
	[ "$5" != true ] || systemd_ctl daemon-reload
	[ "$6" != true ] || systemd_ctl daemon-reexec
	[ -n "$1" ] || return 10
	systemd_act "$systemd_name" "$systemd_wants" "$systemd_enable" "$systemd_mask"
}
