# package name|package|pkg[] state use=auto
# with: apt debs truth
#
# Packages of the host, whatever brings them.
#
#   name   a list of names, as the kind behind it takes them
#   state  present, absent or latest
#   use    auto or apt: what brings them
#
# Results: those of that kind: apt.
#
#     - package: { name: [curl, jq], state: present }
#
# On hosts without apt-get it fails.

read_package() { debs_read; }

# package_call FUNCTION ARGUMENTS: the same for apt, with its defaults.
package_call() {
	case $3 in
	present | installed | absent | removed | latest) ;;
	*) die "state is one of present, absent and latest, not '$3'" ;;
	esac
	case $4 in
	auto | apt) ;;
	*) die "use is auto or apt: packages of $4 are not known here" ;;
	esac
	command -v apt-get >/dev/null || die "this host has no apt-get: of other hosts' packages nothing is known here, use the kind command"
	"$1" "$2" "$3" '' '' no '' false false false false '' '' false false false false false false force-confdef,force-confold '' 60 5 12 false
}

check_package() { package_call check_apt "$@"; }
diff_package() { package_call diff_apt "$@"; }
apply_package() { package_call apply_apt "$@"; }
