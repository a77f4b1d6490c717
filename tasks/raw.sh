# raw cmd|free_form executable?
# with: run
#
# Runs a script of sh as it is and tells what it said, down to the last line end.
# Here every kind runs without Python, so this is shell with less: no chdir, no
# creates, no removes, no stdin.
#
#   cmd         the script
#   executable  the shell, a path; /bin/sh without it
#
# Results: rc, stdout, stderr, msg. Fails if the script ends with another status
# than 0.
#
#     - raw: cat /etc/issue
#
# It always changes something, and is not run in check mode.

apply_raw() {
	[ -n "$1" ] || die "no command given"
	run_enter ''
	run_it false /dev/null "${2:-/bin/sh}" -c "$1"
}
