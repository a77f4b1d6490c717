# apt name|package|pkg[]? state=present update_cache? cache_valid_time? upgrade=no deb? purge=false autoremove=false autoclean=false clean=false default_release? install_recommends? allow_unauthenticated=false allow_downgrade|allow_downgrades=false allow_change_held_packages=false force=false fail_on_autoremove=false only_upgrade=false dpkg_options=force-confdef,force-confold policy_rc_d? lock_timeout=60 update_cache_retries=5 update_cache_retry_max_delay=12 force_apt_get=false
# with: debs truth
#
# Packages of Debian and Ubuntu.
#
#   name (package, pkg)  a list: foo, foo=1.0, foo=1.0*, foo>=1.0, foo:arch, or a
#                     pattern of names (libfoo*). "*" with state=latest is all
#   state             present, latest, absent; build-dep: what foo's source needs;
#                     fixed: what is broken is repaired
#   deb               a .deb file on the host, or a URL of one; with what it needs
#   update_cache      the lists of packages are fetched anew before
#   cache_valid_time  only if they are older than these seconds
#   upgrade           yes or safe: all that is installed, none removed; full or dist
#   purge             absent: with the files of its configuration
#   autoremove        with those packages that nobody needs any more
#   autoclean, clean  removes downloaded files: those that are outdated, all
#   default_release, install_recommends, allow_unauthenticated, allow_downgrade,
#   allow_change_held_packages, force, fail_on_autoremove, only_upgrade
#                     as options of apt-get: -t, --install-recommends, ...
#   dpkg_options      options of dpkg, separated by commas
#   policy_rc_d       what /usr/sbin/policy-rc.d answers meanwhile: with 101 no
#                     service is started
#   lock_timeout      seconds to wait for another run of apt or dpkg
#   update_cache_retries, update_cache_retry_max_delay
#                     how often lists are tried, and the longest wait between
#   force_apt_get     apt-get is what is always used
#
# Results: cache_updated, cache_update_time, stdout, stderr.
#
#     - apt: { name: [nginx, curl], state: present, update_cache: true, cache_valid_time: 3600 }
#     - apt: { deb: /srv/app_1.0_all.deb }
#
# Packages that are present and were installed for others only are marked as
# wanted. In check mode lists are not fetched, and with diff it tells which
# packages come and go.

read_apt() { debs_read; }

# apt_start ARGUMENTS: what every part begins with.
apt_start() {
	apt_names=$1 apt_state=$2 apt_valid=$4 apt_deb=$6 apt_purge=$7 apt_autoremove=$8 apt_autoclean=$9
	apt_clean=${10} apt_release=${11} apt_no_remove=${17} apt_only=${18} apt_policy=${20}
	apt_retries=${22} apt_delay=${23}
	command -v apt-get >/dev/null || die "this host has no apt-get"
	[ -n "$apt_have" ] || die "dpkg-query does not tell which packages there are"
	apt_sane "$5"
	truth update_cache "$3"
	apt_update=$truth_is
	truth install_recommends "${12}"
	apt_recommends=$truth_is
	apt_older=${14}
	[ "${16}" = false ] || apt_older=true
	apt_options "${13}" "${14}" "${15}" "${16}" "${19}" "${21}"
	apt_stale
	# dpkg calls tar, dpkg-deb and others by their names, and means Debian's.
	PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
	export PATH DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical
}

# apt_sane UPGRADE
apt_sane() {
	case $apt_state in
	installed) apt_state=present ;;
	removed) apt_state=absent ;;
	present | latest | absent | build-dep | fixed) ;;
	*) die "state is one of present, latest, absent, build-dep and fixed, not '$apt_state'" ;;
	esac
	case $1 in
	no | false) apt_upgrade='' ;;
	yes | true | safe) apt_upgrade=safe ;;
	full | dist) apt_upgrade=dist ;;
	*) die "upgrade is one of yes, safe, full, dist and no, not '$1'" ;;
	esac
	if [ "$apt_names" = '*' ] && [ "$apt_state" = latest ]; then
		apt_names='' apt_upgrade=${apt_upgrade:-dist}
	fi
	case $apt_valid$apt_policy$apt_retries$apt_delay in
	*[!0-9]*) die "cache_valid_time, policy_rc_d, update_cache_retries and update_cache_retry_max_delay are whole numbers" ;;
	esac
	case $apt_names in *' '*) die "a name has no blanks: '$apt_names'" ;; esac
	apt_many=0
	for apt_one in "$apt_names" "$apt_deb" "$apt_upgrade"; do
		[ -z "$apt_one" ] || apt_many=$((apt_many + 1))
	done
	[ $apt_many -lt 2 ] || die "give only one of name, deb and upgrade"
}

# apt_options UNAUTHENTICATED DOWNGRADE HELD FORCE DPKG_OPTIONS LOCK_TIMEOUT: the words for apt-get into apt_flags.
apt_options() {
	apt_flags="-q -y -o DPkg::Lock::Timeout=$6"
	apt_left=$5,
	while [ -n "$apt_left" ]; do
		apt_one=${apt_left%%,*} apt_left=${apt_left#*,}
		case $apt_one in
		'') ;;
		*[!A-Za-z0-9_=-]*) die "dpkg_options are words separated by commas, not '$5'" ;;
		*) apt_flags="$apt_flags -o Dpkg::Options::=--$apt_one" ;;
		esac
	done
	case $apt_release in *[!A-Za-z0-9_./=+~-]*) die "'$apt_release' is no release" ;; esac
	[ -z "$apt_release" ] || apt_flags="$apt_flags -t $apt_release"
	[ "$apt_recommends" != true ] || apt_flags="$apt_flags -o APT::Install-Recommends=yes"
	[ "$apt_recommends" != false ] || apt_flags="$apt_flags --no-install-recommends"
	[ "$1$4" = falsefalse ] || apt_flags="$apt_flags --allow-unauthenticated"
	[ "$2$4" = falsefalse ] || apt_flags="$apt_flags --allow-downgrades"
	[ "$3$4" = falsefalse ] || apt_flags="$apt_flags --allow-change-held-packages"
	[ "$4" = false ] || apt_flags="$apt_flags --allow-remove-essential"
	[ "$apt_no_remove" = false ] || apt_flags="$apt_flags --no-remove"
	[ "$apt_only" = false ] || apt_flags="$apt_flags --only-upgrade"
	[ "$apt_purge" = false ] || apt_flags="$apt_flags --purge"
	[ "$apt_autoremove" = false ] || apt_flags="$apt_flags --auto-remove"
}

# apt_since: when the lists were fetched, in seconds, into apt_time; 0 if never.
apt_since() {
	apt_time=0
	for apt_one in /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists; do
		[ -e "$apt_one" ] || continue
		apt_time=$(stat -c %Y "$apt_one")
		return
	done
}

# apt_stale: whether lists are to be fetched, into apt_update: true or nothing.
apt_stale() {
	apt_since
	[ -n "$apt_update" ] || [ -z "$apt_valid" ] || apt_update=true
	[ "$apt_update" = true ] || apt_update=''
	[ -n "$apt_update" ] && [ -n "$apt_valid" ] || return 0
	[ $(($(date +%s) - apt_time)) -ge "$apt_valid" ] || apt_update=''
}

# apt_get VERB WORDS...
apt_get() {
	# shellcheck disable=SC2086 # flags are words
	apt-get $apt_flags "$@"
}

# apt_foresee VERB WORDS...: what apt-get would do, a line for each package, into apt_moves.
apt_foresee() {
	apt_said=$(apt_get -s "$@" 2>&1) || die "$apt_said"
	apt_moves=$(printf '%s\n' "$apt_said" | sed -n '/^Inst /p;/^Remv /p;/^Purg /p')
}

# apt_unmarked: some of apt_there came for others only.
apt_unmarked() {
	[ -n "$apt_there" ] && [ -r /var/lib/apt/extended_states ] || return 1
	awk -v names="$apt_there " '
		/^Package: / { name = $2 }
		/^Auto-Installed: 1/ && index(names, " " name " ") { found = 1 }
		END { exit !found }' /var/lib/apt/extended_states
}

# apt_deb_look: the package in the .deb file, and whether it is to be installed, into apt_todo.
apt_deb_look() {
	case $apt_deb in
	*://*) apt_deb_fetch ;;
	/*) ;;
	*) die "deb is an absolute path or a URL, not '$apt_deb'" ;;
	esac
	[ -f "$apt_deb" ] || die "$apt_deb is absent"
	apt_name=$(/usr/bin/dpkg-deb -f "$apt_deb" Package) || die "$apt_deb is no package"
	apt_spec=$(/usr/bin/dpkg-deb -f "$apt_deb" Version)
	apt_line=$(/usr/bin/dpkg-deb -f "$apt_deb" Architecture)
	case $apt_line in all) ;; *) apt_name=$apt_name:$apt_line ;; esac
	apt_look "$apt_name"
	apt_todo='' apt_there=''
	if [ "$apt_is" = installed ]; then
		[ "$apt_version" != "$apt_spec" ] || return 0
		[ "$apt_older" = true ] || /usr/bin/dpkg --compare-versions "$apt_version" lt "$apt_spec" ||
			die "$apt_name: a later version, $apt_version, is installed: allow_downgrade=true replaces it by $apt_spec"
	fi
	# apt-get knows files by the end of their name.
	apt_todo=$(scratch)/apt.deb
	ln -sf "$apt_deb" "$apt_todo"
}

apt_deb_fetch() {
	apt_todo=$(scratch)/fetched.deb
	if ! [ -e "$apt_todo" ]; then
		apt_said=$(/usr/lib/apt/apt-helper download-file "$apt_deb" "$apt_todo" 2>&1) || die "$apt_deb cannot be fetched: $apt_said"
	fi
	apt_deb=$apt_todo
}

# apt_plan: the words for apt-get that make it so into apt_do, and what comes of
# it into apt_moves where that is asked for; no words if it is so.
apt_plan() {
	apt_do='' apt_moves='' apt_sure=''
	if [ -n "$apt_deb" ]; then
		apt_deb_look
		[ -z "$apt_todo" ] || apt_do="install $apt_todo"
	elif [ "$apt_state" = fixed ]; then
		apt_do="--fix-broken install $apt_names"
	elif [ -n "$apt_upgrade" ]; then
		apt_do=dist-upgrade
		[ "$apt_upgrade" = dist ] || apt_do='upgrade --with-new-pkgs'
	elif [ -n "$apt_names" ] && [ "$apt_state" = build-dep ]; then
		apt_do="build-dep $apt_names"
	elif [ -n "$apt_names" ]; then
		apt_choose
		apt_sure=$apt_state
		apt_plan_names
	elif [ "$apt_autoremove" = true ]; then
		apt_do=autoremove
	fi
	[ -n "$apt_do" ] || return 0
	case $apt_sure:$task_check$task_diff in
	present: | absent:) return 0 ;;
	esac
	# shellcheck disable=SC2086 # words
	apt_foresee $apt_do
	[ -n "$apt_moves" ] || apt_do=''
}

apt_plan_names() {
	[ -n "$apt_todo" ] || return 0
	apt_do="install$apt_todo"
	[ "$apt_state" != absent ] || apt_do="remove$apt_todo"
}

check_apt() {
	apt_start "$@"
	if [ -z "$task_check" ] && [ "$apt_update$apt_clean$apt_autoclean" != falsefalse ]; then return 10; fi
	apt_told false
	apt_plan
	[ -z "$apt_do" ] || return 1
	[ "$apt_autoclean" = false ] || apt_outdated || return 1
	[ -z "$apt_update" ] || [ -n "$apt_names$apt_deb$apt_upgrade" ] || return 1
	if [ -z "$task_check" ] && apt_unmarked; then return 10; fi
}

apt_told() {
	result cache_updated_json "$1"
	result cache_update_time_json "$apt_time"
}

# apt_outdated: no downloaded file is.
apt_outdated() {
	apt_said=$(apt_get -s autoclean 2>&1) || die "$apt_said"
	case $apt_said in *"Del "*) return 1 ;; esac
}

# The lines of apt-get -s are Inst NAME [OLD] (NEW ARCHIVE [ARCH]), Remv NAME [OLD].
diff_apt() {
	apt_start "$@"
	apt_plan
	printf '%s\n' "$apt_moves" | sed -n '
		s/^Remv \([^ ]*\) \[\([^]]*\)].*/-\1 \2/p
		s/^Purg \([^ ]*\) \[\([^]]*\)].*/-\1 \2/p
		s/^Inst \([^ ]*\) \[\([^]]*\)] (\([^ ]*\).*/-\1 \2\n+\1 \3/p
		s/^Inst \([^ ]*\) (\([^ ]*\).*/+\1 \2/p'
}

apply_apt() {
	apt_start "$@"
	apt_did='' apt_there=''
	if [ -n "$apt_update" ]; then
		apt_lists
		[ -n "$apt_names$apt_deb$apt_upgrade" ] || apt_did=yes
	fi
	[ "$apt_clean" = false ] || apt-get clean
	apt_plan
	if [ -n "$apt_do" ]; then
		# shellcheck disable=SC2086 # words
		apt_run $apt_do
		apt_did=yes
	fi
	if apt_unmarked; then
		# shellcheck disable=SC2086 # words
		apt-mark manual $apt_there >/dev/null
	fi
	if [ "$apt_autoclean" = true ] && ! apt_outdated; then
		apt_run autoclean
		apt_did=yes
	fi
	[ -n "$apt_did" ] || return 10
}

# apt_lists fetches the lists, and again if that fails.
apt_lists() {
	apt_try=0 apt_wait=1
	until apt_said=$(apt-get -q -o APT::Update::Error-Mode=any update 2>&1); do
		[ $apt_try -lt "$apt_retries" ] || die "$apt_said"
		apt_try=$((apt_try + 1))
		sleep $((apt_wait < apt_delay ? apt_wait : apt_delay))
		apt_wait=$((apt_wait * 2))
	done
	# Where nothing is new the folder keeps its time, by which the lists' age is told.
	[ ! -d /var/lib/apt/lists ] || touch /var/lib/apt/lists
	apt_since
	apt_told true
}

# apt_run VERB WORDS...: does it, and tells what apt-get says.
apt_run() {
	apt_policy_begin
	apt_dir=$(scratch) apt_rc=0
	apt_get "$@" >"$apt_dir/apt.out" 2>"$apt_dir/apt.err" || apt_rc=$?
	apt_policy_end
	result_begin stdout
	cat "$apt_dir/apt.out"
	result_end stdout
	result_begin stderr
	cat "$apt_dir/apt.err"
	result_end stderr
	[ $apt_rc != 0 ] || return 0
	cat "$apt_dir/apt.out" "$apt_dir/apt.err"
	echo "apt-get $1 ended with $apt_rc"
	exit 1
}

# apt_policy_begin: invoke-rc.d asks policy-rc.d. One that a killed run left aside comes back.
apt_policy_begin() {
	[ -n "$apt_policy" ] || return 0
	apt_file=/usr/sbin/policy-rc.d
	if [ -e $apt_file ] && ! [ -e $apt_file.eucactl-old ]; then mv $apt_file $apt_file.eucactl-old; fi
	printf '#!/bin/sh\nexit %s\n' "$apt_policy" >$apt_file
	chmod 755 $apt_file
}

apt_policy_end() {
	[ -n "$apt_policy" ] || return 0
	rm -f "$apt_file"
	[ ! -e "$apt_file.eucactl-old" ] || mv "$apt_file.eucactl-old" "$apt_file"
}
