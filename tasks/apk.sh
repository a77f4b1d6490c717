# apk name[]? state=present update_cache=false upgrade=false available=false no_cache=false repository[]? world=/etc/apk/world
#
# Packages of Alpine.
#
#   name        packages: nginx, or with a version nginx=1.24.0-r7 or nginx~1.24
#   state       present (installed), latest, absent (removed)
#   update_cache  the lists of packages are read anew before
#   upgrade     all packages; with available, also to versions that look older
#   no_cache    nothing is kept of what is fetched
#   repository  only these repositories, for this once
#   world       the file that lists what is wanted
#
# Looks at: apk info -e, apk version; for upgrade a simulation. Changes: with apk.
# In check mode apk simulates. Results: stdout.
#
#     - apk: { name: [nginx, curl], state: latest, update_cache: true }

apk_begin() {
	umask 022
	apk_names=$1 apk_state=$2 apk_update=$3 apk_upgrade=$4 apk_available=$5 apk_fresh=$6 apk_repos=$7 apk_world=$8
	case $apk_state in
	present | installed) apk_state=present ;;
	absent | removed) apk_state=absent ;;
	latest) ;;
	*) die "apk: state is present, latest or absent, not '$apk_state'" ;;
	esac
	[ -n "$apk_names" ] || [ "$apk_update$apk_upgrade" != falsefalse ] || die "apk: give name, update_cache or upgrade"
	if [ -n "$apk_names" ] && [ "$apk_upgrade" = true ]; then die "apk: give only one of name and upgrade"; fi
	case "
$apk_names" in
	*"
-"*) die "apk: a name cannot begin with -: $apk_names" ;;
	esac
	command -v apk >/dev/null || die "apk: there is no apk on this host"
}

# apk_run ARGUMENT...: apk with what every call has; its words into apk_said.
apk_run() {
	[ "$apk_fresh" = false ] || set -- --no-cache "$@"
	for apk_one in $apk_repos; do set -- --repository "$apk_one" --repositories-file /dev/null "$@"; done
	apk_rc=0
	apk_said=$(apk "$@" 2>&1) || apk_rc=$?
	[ $apk_rc != 0 ] || return 0
	printf '%s\n' "$apk_said"
	die "apk ended with $apk_rc"
}

# apk_plan: the names that something is to be done about into apk_todo.
apk_plan() {
	apk_todo=
	for apk_name in $apk_names; do
		apk_bare=${apk_name%%[=~<>]*}
		if apk info -e "$apk_name" >/dev/null 2>&1; then apk_is=yes; else apk_is=''; fi
		case $apk_state:$apk_is in
		present:yes | absent:) continue ;;
		# What is installed as a need of others is to be there for itself.
		latest:yes) [ -n "$(apk version -q -l '<' "$apk_bare")" ] || continue ;;
		esac
		[ "$apk_state" = absent ] && apk_todo="$apk_todo $apk_bare" || apk_todo="$apk_todo $apk_name"
	done
}

# apk_verb: add or del, with the names.
apk_act() {
	# shellcheck disable=SC2086 # names have no blanks
	case $apk_state in
	present) apk_run "$@" add $apk_todo ;;
	latest) apk_run "$@" add -u $apk_todo ;;
	absent) apk_run "$@" del $apk_todo ;;
	esac
}

# apk_upgrades: a simulation finds something to upgrade.
apk_upgrades() {
	apk_run upgrade -s ${apk_all:+"$apk_all"}
	case $apk_said in *") Upgrading "* | *") Installing "* | *") Downgrading "* | *") Replacing "*) return 0 ;; esac
	return 1
}

check_apk() {
	apk_begin "$@"
	apk_all=
	[ "$apk_available" = false ] || apk_all=-a
	[ -n "$task_check" ] || [ "$apk_update" = false ] || return 10
	if [ "$apk_upgrade" = true ]; then
		! apk_upgrades
		return
	fi
	[ -n "$apk_names" ] || return 1
	apk_plan
	[ -n "$apk_todo" ] || return 0
	[ -z "$task_check" ] || apk_act -s
	return 1
}

apply_apk() {
	apk_begin "$@"
	apk_all=
	[ "$apk_available" = false ] || apk_all=-a
	[ "$apk_update" = false ] || apk_run update
	if [ "$apk_upgrade" = true ]; then
		apk_upgrades || return 10
		apk_run upgrade ${apk_all:+"$apk_all"}
	elif [ -n "$apk_names" ]; then
		apk_plan
		[ -n "$apk_todo" ] || return 10
		apk_act
	fi
	result stdout "$apk_said"
}
