# dnf name|pkg[]? state? update_cache|expire_cache=false enablerepo[]? disablerepo[]? exclude[]? disable_gpg_check=false install_weak_deps=true autoremove=false allow_downgrade=false allowerasing=false nobest=false skip_broken=false update_only=false security=false bugfix=false cacheonly=false conf_file? releasever? installroot=/ lock_timeout=30 use_backend=auto
#
# Packages of Fedora, Red Hat and their like.
#
#   name (pkg)    packages: httpd, httpd-2.4.57, httpd.x86_64, "httpd >= 2.4",
#                 /usr/sbin/httpd, @development, the path or address of a package
#                 file; * with state=latest is all that is installed
#   state         present (installed), latest, absent (removed); left out it is
#                 present, with autoremove absent
#   update_cache  what is known of the repositories is read anew
#   enablerepo, disablerepo  repositories, for this once
#   exclude       packages that stay out of it
#   disable_gpg_check   packages need no signature
#   install_weak_deps   also what is recommended
#   autoremove    removes what was installed only as a need of others
#   allowerasing, nobest, skip_broken  as dnf's options
#   update_only   latest: what is not installed stays so
#   security, bugfix    latest: only updates of that sort
#   cacheonly, conf_file, releasever, installroot  as dnf's options
#   allow_downgrade, lock_timeout, use_backend  are taken and change nothing: a
#                 version that is named is taken, older or not
#
# Looks at: rpm -q; for latest, dnf check-update. Changes: with dnf, or where there
# is none with yum. In check mode dnf says what it would do.
# Results: stdout.
#
#     - dnf: { name: [httpd, "@development"], state: latest }

# It is /usr/bin/rpm by its path because busybox has an rpm of its own, which knows less.
dnf_begin() {
	umask 022
	dnf_names=$1 dnf_state=$2 dnf_fresh=$3 dnf_on=$4 dnf_off=$5 dnf_without=$6 dnf_unsigned=$7 dnf_weak=$8 dnf_autoremove=$9
	shift 9
	dnf_erase=$2 dnf_nobest=$3 dnf_skip=$4 dnf_only=$5 dnf_security=$6 dnf_bugfix=$7 dnf_cached=$8 dnf_conf=$9
	shift 9
	dnf_release=$1 dnf_root=$2
	case $dnf_state in
	'') [ "$dnf_autoremove" = true ] && dnf_state=absent || dnf_state=present ;;
	present | installed) dnf_state=present ;;
	absent | removed) dnf_state=absent ;;
	latest) ;;
	*) die "dnf: state is present, latest or absent, not '$dnf_state'" ;;
	esac
	if [ "$dnf_autoremove" = true ] && [ "$dnf_state" != absent ]; then die "dnf: autoremove needs state=absent"; fi
	dnf_newline='
'
	case $dnf_newline$dnf_names in *"$dnf_newline-"*) die "dnf: a name cannot begin with -: $dnf_names" ;; esac
	dnf_tool=dnf
	command -v dnf >/dev/null || dnf_tool=yum
	command -v $dnf_tool >/dev/null || die "dnf: this host has neither dnf nor yum"
	[ -x /usr/bin/rpm ] || die "dnf: there is no rpm on this host"
}

# dnf_is NAME: it is installed.
dnf_is() {
	case $1 in
	*://* | @*) return 1 ;;
	*.rpm)
		dnf_file=$(/usr/bin/rpm -qp --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}' -- "$1" 2>/dev/null) || die "dnf: $1 is no package file"
		/usr/bin/rpm -q --root "$dnf_root" -- "$dnf_file" >/dev/null 2>&1
		;;
	*' '[=\<\>]*' '*)
		dnf_op=${1#* }
		dnf_fits "${1%% *}" "${dnf_op%% *}" "${dnf_op##* }"
		;;
	*[*?]*) [ -n "$(/usr/bin/rpm -qa --root "$dnf_root" -- "$1")" ] ;;
	*)
		/usr/bin/rpm -q --root "$dnf_root" -- "$1" >/dev/null 2>&1 || /usr/bin/rpm -q --root "$dnf_root" --whatprovides -- "$1" >/dev/null 2>&1
		;;
	esac
}

# dnf_fits NAME OPERATOR VERSION: the package is installed in a version like that.
dnf_fits() {
	case $3 in
	*-*) dnf_has=$(/usr/bin/rpm -q --root "$dnf_root" --qf '%{EVR}' -- "$1" 2>/dev/null) || return 1 ;;
	*) dnf_has=$(/usr/bin/rpm -q --root "$dnf_root" --qf '%{VERSION}' -- "$1" 2>/dev/null) || return 1 ;;
	esac
	case $2:$(/usr/bin/rpm --eval "%{lua:print(rpm.vercmp('$dnf_has', '$3'))}") in
	'>=:0' | '>=:1' | '>:1' | '<=:0' | '<=:-1' | '<:-1' | '=:0' | '==:0') return 0 ;;
	esac
	return 1
}

# dnf_wanted NAME: it is not as it should be; what depends on updates is not asked.
dnf_wanted() {
	if [ "$dnf_state" = absent ]; then
		dnf_is "$1" || case $1 in @*) return 0 ;; *) return 1 ;; esac
		return 0
	fi
	if dnf_is "$1"; then return 1; fi
	[ "$dnf_only" = false ]
}

# dnf_options: what every call has, in front of the arguments.
dnf_run() {
	set -- -q -y "$@"
	for dnf_one in $dnf_on; do set -- "--enablerepo=$dnf_one" "$@"; done
	for dnf_one in $dnf_off; do set -- "--disablerepo=$dnf_one" "$@"; done
	set -f
	for dnf_one in $dnf_without; do set -- "--exclude=$dnf_one" "$@"; done
	set +f
	[ "$dnf_unsigned" = false ] || set -- --nogpgcheck "$@"
	[ "$dnf_weak" = true ] || set -- --setopt=install_weak_deps=False "$@"
	[ "$dnf_erase" = false ] || set -- --allowerasing "$@"
	[ "$dnf_nobest" = false ] || set -- --nobest "$@"
	[ "$dnf_skip" = false ] || set -- --skip-broken "$@"
	[ "$dnf_security" = false ] || set -- --security "$@"
	[ "$dnf_bugfix" = false ] || set -- --bugfix "$@"
	[ "$dnf_cached" = false ] || set -- --cacheonly "$@"
	[ -z "$dnf_conf" ] || set -- -c "$dnf_conf" "$@"
	[ -z "$dnf_release" ] || set -- "--releasever=$dnf_release" "$@"
	[ "$dnf_root" = / ] || set -- "--installroot=$dnf_root" "$@"
	dnf_rc=0
	dnf_said=$($dnf_tool "$@" 2>&1) || dnf_rc=$?
}

# dnf_must ARGUMENT...: as dnf_run, and it succeeds.
dnf_must() {
	dnf_run "$@"
	dnf_all="$dnf_all$dnf_said
"
	[ $dnf_rc != 0 ] || return 0
	printf '%s\n' "$dnf_said"
	die "$dnf_tool ended with $dnf_rc"
}

# dnf_plan: the names that something is to be done about, a line each, into
# dnf_todo, and those that an update may be there for into dnf_update.
dnf_plan() {
	dnf_todo='' dnf_update=
	while read -r dnf_one; do
		[ -n "$dnf_one" ] || continue
		if dnf_wanted "$dnf_one"; then
			dnf_todo="$dnf_todo$dnf_one
"
		elif [ "$dnf_state" = latest ]; then
			dnf_update="$dnf_update$dnf_one
"
		fi
	done <<-EOT
		$dnf_names
	EOT
	[ -n "$dnf_update" ] || return 0
	dnf_lines "$dnf_update" dnf_run check-update
	case $dnf_rc in
	0) dnf_update='' ;;
	100) ;;
	*)
		printf '%s\n' "$dnf_said"
		die "$dnf_tool check-update ended with $dnf_rc"
		;;
	esac
}

# dnf_lines LINES COMMAND...: the command with each line as an argument more.
dnf_lines() {
	dnf_text=$1
	shift
	while read -r dnf_one; do
		case $dnf_one in
		'') ;;
		'*') ;;
		*) set -- "$@" "$dnf_one" ;;
		esac
	done <<-EOT
		$dnf_text
	EOT
	"$@"
}

# dnf_try VERB LINES: whether dnf has something to do. What it cannot do is an error.
dnf_try() {
	dnf_lines "$2" dnf_run --assumeno "$1"
	dnf_all="$dnf_all$dnf_said
"
	case $dnf_rc:$dnf_said in
	*"Operation aborted"*) return 0 ;;
	0:*) return 1 ;;
	esac
	printf '%s\n' "$dnf_said"
	die "$dnf_tool ended with $dnf_rc"
}

dnf_verb() {
	dnf_do=install
	[ "$dnf_state" != absent ] || dnf_do=remove
	[ "$dnf_autoremove" = false ] || dnf_do=autoremove
}

check_dnf() {
	dnf_begin "$@"
	dnf_all=
	# Groups, and what was read before, only dnf knows about.
	[ -n "$task_check" ] || [ "$dnf_fresh" = false ] || return 10
	dnf_plan
	dnf_verb
	case $dnf_todo in *@*) [ -n "$task_check" ] || return 10 ;; esac
	if [ -z "$dnf_names" ]; then
		[ "$dnf_autoremove" = true ] || return 0
		! dnf_try autoremove ''
		return
	fi
	[ -n "$dnf_todo$dnf_update" ] || return 0
	[ -n "$task_check" ] || return 1
	if [ -n "$dnf_todo" ] && dnf_try "$dnf_do" "$dnf_todo"; then return 1; fi
	if [ -n "$dnf_update" ]; then return 1; fi
}

apply_dnf() {
	dnf_begin "$@"
	dnf_all='' dnf_did=
	[ "$dnf_fresh" = false ] || dnf_must makecache --refresh
	dnf_plan
	dnf_verb
	if [ -z "$dnf_names" ] && [ "$dnf_autoremove" = true ]; then
		dnf_must autoremove
		dnf_did=yes
	fi
	dnf_before=
	case $dnf_todo in *@*) dnf_before=$(/usr/bin/rpm -qa --root "$dnf_root" | sort) ;; esac
	if [ -n "$dnf_todo" ]; then
		dnf_lines "$dnf_todo" dnf_must "$dnf_do"
		dnf_did=yes
	fi
	if [ -n "$dnf_update" ]; then
		dnf_lines "$dnf_update" dnf_must upgrade
		dnf_did=yes
	fi
	result stdout "$dnf_all"
	[ -n "$dnf_did" ] || return 10
	if [ -n "$dnf_before" ] && [ "$dnf_before" = "$(/usr/bin/rpm -qa --root "$dnf_root" | sort)" ]; then return 10; fi
}
