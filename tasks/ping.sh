# ping data=pong
#
# The host runs programs: nothing is looked at, nothing is changed.
#
#   data  what comes back
#
# Results: ping, which is data.
#
#     - ping:
#
# Ansible's also asks whether Python works, which nothing here needs; and with
# data=crash it fails, as this does.

check_ping() {
	[ "$1" != crash ] || die "boom"
	result ping "$1"
}

# Never called: there is nothing that would not be so.
apply_ping() { return 10; }
