# debs: what apt_have, which kinds read, tells of packages: what is installed, and what
# is to be done about names.

# debs_read: apt_have is a line NAME|STATUS|ARCHITECTURE|VERSION|PROVIDES for each
# package that dpkg knows; nothing, if it does not tell.
debs_read() {
	if apt_have=$(dpkg-query -W -f '${Package}|${db:Status-Status}|${Architecture}|${Version}|${Provides}\n' 2>/dev/null); then
		apt_have="
$apt_have"
	else
		apt_have=''
	fi
}

# apt_look NAME[:ARCH]: installed, config-files or another word of dpkg's into
# apt_is, nothing if dpkg does not know it; its version into apt_version.
apt_look() {
	apt_is='' apt_version='' apt_left=$apt_have apt_arch=''
	case $1 in
	*:any | *:native) ;;
	*:*) apt_arch=${1#*:} ;;
	esac
	while :; do
		case $apt_left in
		*"
${1%%:*}|"*) ;;
		*) return 0 ;;
		esac
		apt_left=${apt_left#*"
${1%%:*}|"}
		apt_line=${apt_left%%"
"*}
		apt_left="
$apt_left"
		apt_rest=${apt_line#*|}
		[ -z "$apt_arch" ] || [ "$apt_arch" = "${apt_rest%%|*}" ] || continue
		apt_is=${apt_line%%|*}
		apt_version=${apt_rest#*|}
		apt_version=${apt_version%%|*}
		[ "$apt_is" != installed ] || return 0
	done
}

# apt_provided NAME: it is but a word for what another package, which is installed, provides.
apt_provided() {
	printf '%s\n' "$apt_have" | awk -F'|' -v name="$1" '
		$2 == "installed" && $5 != "" {
			n = split($5, list, /, */)
			for (i = 1; i <= n; i++) {
				sub(/ .*/, "", list[i])
				if (list[i] == name) found = 1
			}
		}
		END { exit !found }' || return 1
	[ -z "$(apt-cache show "$1" 2>/dev/null)" ]
}

# apt_candidate NAME: the version that apt would install, into apt_cand.
apt_candidate() {
	apt_cand=$(apt-cache ${apt_release:+-t "$apt_release"} policy "$1" | sed -n 's/^  Candidate: //p')
	[ "$apt_cand" != '(none)' ] || apt_cand=''
}

# apt_spread: names with patterns in them are replaced by those that match.
apt_spread() {
	case $apt_names in *[*?[]*) ;; *) return 0 ;; esac
	apt_all='' apt_spread=''
	set -f
	for apt_spec in $apt_names; do
		case ${apt_spec%%[=>]*} in
		*[*?[]*) ;;
		*)
			apt_spread="$apt_spread $apt_spec"
			continue
			;;
		esac
		if [ "$apt_state" = absent ]; then
			apt_all=$(printf '%s\n' "$apt_have" | cut -d'|' -f1)
		else
			apt_all=$(apt-cache pkgnames | sort)
		fi
		apt_found=''
		for apt_one in $apt_all; do
			# shellcheck disable=SC2254 # a pattern
			case $apt_one in $apt_spec) apt_found="$apt_found $apt_one" ;; esac
		done
		[ -n "$apt_found" ] || [ "$apt_state" = absent ] || die "no package matches '$apt_spec'"
		apt_spread="$apt_spread$apt_found"
	done
	set +f
	apt_names=$apt_spread
}

# apt_choose: those names that something is to be done about, into apt_todo; those
# that are there, into apt_there.
apt_choose() {
	apt_todo='' apt_there=''
	apt_spread
	set -f
	for apt_spec in $apt_names; do
		apt_name=${apt_spec%%[=>]*}
		case $apt_name in
		'' | -* | *[!A-Za-z0-9.+:-]*) die "'$apt_spec' is no name of a package" ;;
		esac
		apt_look "$apt_name"
		case $apt_state in
		absent) apt_choose_absent ;;
		latest) apt_choose_latest ;;
		*) apt_choose_present ;;
		esac
	done
	set +f
}

apt_choose_absent() {
	case $apt_is in
	'' | not-installed) return 0 ;;
	config-files) [ "$apt_purge" = true ] || return 0 ;;
	esac
	if [ "$apt_name" != "$apt_spec" ]; then
		# shellcheck disable=SC2254 # a pattern
		case $apt_version in ${apt_spec#*=}) ;; *) return 0 ;; esac
	fi
	apt_todo="$apt_todo $apt_name"
}

apt_choose_latest() {
	[ "$apt_name" = "$apt_spec" ] || { apt_choose_present; return; }
	[ "$apt_is" = installed ] || [ "$apt_only" = false ] || return 0
	if [ "$apt_is" = installed ]; then apt_there="$apt_there $apt_name"; fi
	apt_todo="$apt_todo $apt_name"
}

apt_choose_present() {
	apt_fits=''
	case $apt_spec in
	*'>='*) [ "$apt_is" != installed ] || ! /usr/bin/dpkg --compare-versions "$apt_version" ge "${apt_spec#*>=}" || apt_fits=yes ;;
	*'>'*) die "'$apt_spec': write NAME=VERSION or NAME>=VERSION" ;;
	*=*)
		# shellcheck disable=SC2254 # a pattern
		case $apt_is:$apt_version in installed:${apt_spec#*=}) apt_fits=yes ;; esac
		;;
	*)
		if [ "$apt_is" = installed ]; then
			apt_fits=yes
		elif [ -z "$apt_is" ] && apt_provided "$apt_name"; then
			return 0
		fi
		;;
	esac
	if [ -n "$apt_fits" ]; then
		apt_there="$apt_there $apt_name"
		return 0
	fi
	[ "$apt_is" = installed ] || [ "$apt_only" = false ] || return 0
	case $apt_spec in
	*'>='*)
		apt_candidate "$apt_name"
		if [ -z "$apt_cand" ] || ! /usr/bin/dpkg --compare-versions "$apt_cand" ge "${apt_spec#*>=}"; then
			die "no package matches '$apt_spec': the newest of $apt_name is ${apt_cand:-unknown}"
		fi
		apt_spec=$apt_name=$apt_cand
		;;
	esac
	apt_todo="$apt_todo $apt_spec"
}
