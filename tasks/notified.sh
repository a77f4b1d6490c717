# notified keys[]?
#
# Tells which of these handlers an earlier run, which broke off, left to be done:
# the result left has their keys. It changes nothing.

seen_notified() { check_notified "$@"; }

check_notified() {
	notified_left=
	for notified_key in $1; do
		[ ! -e "$HOST_DIR/handlers/$notified_key" ] || notified_left="$notified_left$notified_key "
	done
	result left "$notified_left"
}

apply_notified() { :; }
