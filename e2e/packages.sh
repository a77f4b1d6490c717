#!/bin/sh
# packages.sh NAME...: installs those of Debian's packages that are missing.
set -eu
missing=
for p in "$@"; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true) in
	installed) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "these packages are missing and can only be installed by root on Debian:$missing" >&2
	exit 1
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# Nothing of what is installed is to be started on this machine itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
apt-get -q update >/dev/null
# shellcheck disable=SC2086 # the list is to be split
apt-get -q -y install --no-install-recommends $missing >/dev/null
