# attrs: what the kinds about files share: paths, modes, owners. Modes that
# nobody names are those of a umask of 022.

# attrs_path PATH: the path with ~ replaced, into attrs_path.
attrs_path() {
	attrs_path=$1
	# shellcheck disable=SC2088 # a tilde itself
	case $1 in
	"~" | "~/"*) attrs_path=$HOME${1#"~"} ;;
	"~"*)
		attrs_path=${1#"~"}
		attrs_path=$(getent passwd "${attrs_path%%/*}" | cut -d: -f6)${1#"${1%%/*}"}
		;;
	esac
	case $attrs_path in
	/*) ;;
	*) die "the path must be absolute, not '$1'" ;;
	esac
}

# attrs_follow PATH: what a chain of symbolic links leads to, also if that is
# absent, into attrs_path. readlink -f of busybox says nothing of what is absent.
attrs_follow() {
	attrs_path=$1 attrs_hops=0
	while [ -L "$attrs_path" ]; do
		attrs_readlink "$attrs_path"
		case $attrs_to in
		/*) attrs_path=$attrs_to ;;
		*) attrs_path=${attrs_path%/*}/$attrs_to ;;
		esac
		attrs_hops=$((attrs_hops + 1))
		[ $attrs_hops -lt 40 ] || die "$1 is a link that leads to itself"
	done
}

# mode:uid:gid:size:links:owner:group:type
attrs_format=%a:%u:%g:%s:%h:%U:%G:%F

# attrs_look PATH [-L]: its state (absent, file, directory, link, hard, other)
# and what else stat tells, into attrs_is_*.
attrs_look() {
	attrs_is=absent attrs_is_mode='' attrs_is_uid='' attrs_is_gid='' attrs_is_size='' attrs_is_owner='' attrs_is_group=''
	[ -e "$1" ] || [ -L "$1" ] || return 0
	attrs_seen "$@" || attrs_stat=$(stat ${2:+"$2"} -c "$attrs_format" "$1") || die "cannot look at $1"
	set -f
	IFS=:
	# shellcheck disable=SC2086 # split on purpose
	set -- $attrs_stat
	set +f
	unset IFS
	attrs_is_mode=$1 attrs_is_uid=$2 attrs_is_gid=$3 attrs_is_size=$4 attrs_is_owner=$6 attrs_is_group=$7
	case $5:$8 in
	*:directory) attrs_is=directory ;;
	*:'symbolic link') attrs_is='link' ;;
	1:regular*) attrs_is='file' ;;
	*:regular*) attrs_is=hard ;;
	*) attrs_is=other ;;
	esac
}

# attrs_seen PATH [-L]: it was looked at beforehand.
attrs_seen() {
	attrs_stat=$task_look
	[ -n "$task_look" ] && [ "$1" = "$task_path" ] || return 1
	[ -z "${2-}" ] || [ ! -L "$1" ]
}

# attrs_so PATH STATE MODE OWNER GROUP: what was seen beforehand is so. It starts nothing.
attrs_so() {
	[ "$1" = "$task_path" ] && [ -n "$task_look" ] || return 1
	case $3 in *[!0-7]*) return 1 ;; esac
	attrs_look "$1"
	[ "$attrs_is" = "$2" ] && attrs_same "$3" "$4" "$5"
}

# attrs_readlink PATH: what the symbolic link says, into attrs_to.
attrs_readlink() {
	attrs_to=${task_look#*:*:*:*:*:*:*:*:}
	case $attrs_to in
	"'$1' -> '"*[!A-Za-z0-9_./@+,:=~%#-]*"'") ;;
	"'$1' -> '"*"'")
		attrs_to=${attrs_to#"'$1' -> '"}
		attrs_to=${attrs_to%"'"}
		return
		;;
	esac
	attrs_to=$(readlink "$1")
}

# attrs_same MODE OWNER GROUP: what attrs_look found is so; what is '' does not count.
attrs_same() {
	if [ -n "$1" ]; then
		attrs_mode "$1" "$attrs_is_mode" "$attrs_is"
		[ "$attrs_mode" = "$attrs_is_mode" ] || return 1
	fi
	[ -z "$2" ] || [ "$2" = "$attrs_is_owner" ] || [ "$2" = "$attrs_is_uid" ] || return 1
	[ -z "$3" ] || [ "$3" = "$attrs_is_group" ] || [ "$3" = "$attrs_is_gid" ]
}

# attrs_make PATH MODE OWNER GROUP: makes it so. The owner comes first, for a new
# one takes the setuid bits away; the zeros, for GNU chmod keeps a folder's setgid bit
# unless it is told in five digits.
attrs_make() {
	[ -n "$2$3$4" ] || return 0
	attrs_look "$1" -L
	if ! attrs_same '' "$3" "$4"; then
		chown "$3${4:+:$4}" "$1"
		attrs_look "$1" -L
	fi
	if ! attrs_same "$2" '' ''; then chmod "00$attrs_mode" "$1"; fi
}

# attrs_clear PATH: what a run that broke off left there goes.
attrs_clear() {
	if [ -e "$1" ] || [ -L "$1" ]; then rm -f "$1"; fi
}

# attrs_mode WANTED PRESENT STATE: the mode in octal without zeros in front,
# into attrs_mode. WANTED may be u+x,g-w.
attrs_mode() {
	case $1 in
	*[!0-7]*)
		attrs_bits=$((0$2))
		attrs_words "$1" "$3"
		attrs_mode=$((attrs_bits >> 9 & 7))$((attrs_bits >> 6 & 7))$((attrs_bits >> 3 & 7))$((attrs_bits & 7))
		;;
	*) attrs_mode=$1 ;;
	esac
	while [ "$attrs_mode" != "${attrs_mode#0}" ]; do attrs_mode=${attrs_mode#0}; done
	: "${attrs_mode:=0}"
}

# attrs_words WORDS STATE: applies u+x,g-w to attrs_bits.
attrs_words() {
	attrs_left=$1,
	while [ -n "$attrs_left" ]; do
		attrs_one=${attrs_left%%,*} attrs_left=${attrs_left#*,}
		attrs_who=${attrs_one%%[!ugoa]*}
		attrs_ops=${attrs_one#"$attrs_who"}
		case $attrs_ops in
		[-+=]*) ;;
		*) die "'$1' is no mode: write \"0644\" or u=rw,go=r" ;;
		esac
		while [ -n "$attrs_ops" ]; do
			attrs_op=${attrs_ops%"${attrs_ops#?}"}
			attrs_ops=${attrs_ops#?}
			attrs_perms=${attrs_ops%%[-+=]*}
			attrs_ops=${attrs_ops#"$attrs_perms"}
			case $attrs_perms in
			*[!rwxXstugo]*) die "'$1' is no mode: write \"0644\" or u=rw,go=r" ;;
			esac
			attrs_change "$2"
		done
	done
}

# attrs_change STATE: attrs_op attrs_perms for attrs_who.
attrs_change() {
	attrs_mask=0
	for attrs_class in "u 6 04000" "g 3 02000" "o 0 01000"; do
		# shellcheck disable=SC2086 # split on purpose
		set -- "$1" $attrs_class
		case $attrs_who in '' | *a* | *"$2"*) ;; *) continue ;; esac
		attrs_rwx=0 attrs_extra=0
		case $attrs_perms in *r*) attrs_rwx=$((attrs_rwx | 4)) ;; esac
		case $attrs_perms in *w*) attrs_rwx=$((attrs_rwx | 2)) ;; esac
		case $attrs_perms in *x*) attrs_rwx=$((attrs_rwx | 1)) ;; esac
		case $attrs_perms in *X*) [ "$1" != directory ] && [ $((attrs_bits & 0111)) = 0 ] || attrs_rwx=$((attrs_rwx | 1)) ;; esac
		case $attrs_perms in *u*) attrs_rwx=$((attrs_rwx | attrs_bits >> 6 & 7)) ;; esac
		case $attrs_perms in *g*) attrs_rwx=$((attrs_rwx | attrs_bits >> 3 & 7)) ;; esac
		case $attrs_perms in *o*) attrs_rwx=$((attrs_rwx | attrs_bits & 7)) ;; esac
		case $2$attrs_perms in [ug]*s*) attrs_extra=$4 ;; o*t*) attrs_extra=$4 ;; esac
		attrs_rwx=$((attrs_rwx << $3))
		[ -n "$attrs_who" ] || attrs_rwx=$((attrs_rwx & 0755))
		attrs_mask=$((attrs_mask | attrs_rwx | attrs_extra))
		[ "$attrs_op" != = ] || attrs_bits=$((attrs_bits & ~(7 << $3 | $4)))
	done
	case $attrs_op in
	-) attrs_bits=$((attrs_bits & ~attrs_mask)) ;;
	*) attrs_bits=$((attrs_bits | attrs_mask)) ;;
	esac
}

# attrs_results KEY PATH: what attrs_look found, as fields of the result.
attrs_results() {
	if [ "$attrs_is" = absent ]; then
		result "$1" "$2" state absent
		return
	fi
	attrs_mode=$attrs_is_mode
	while [ ${#attrs_mode} -lt 4 ]; do attrs_mode=0$attrs_mode; done
	result "$1" "$2" state "$attrs_is" mode "$attrs_mode" owner "$attrs_is_owner" group "$attrs_is_group" \
		uid "$attrs_is_uid" gid "$attrs_is_gid" size "$attrs_is_size"
}

# attrs_remember: what can only be done, not looked at, was done in this run;
# attrs_done says so to the check that follows.
attrs_remember() { : >"$(scratch)/done.$task_n"; }
attrs_done() { [ -e "$HOST_DIR/scratch.$$/done.$task_n" ]; }

# attrs_one PATH PATH: both are the same file.
attrs_one() {
	attrs_stat=$(stat -L -c %d:%i "$1" "$2") || die "cannot look at $1 and $2"
	[ "${attrs_stat%%[!0-9:]*}" = "${attrs_stat##*[!0-9:]}" ]
}
