# shell cmd|free_form chdir? creates? removes? executable? stdin? stdin_add_newline=true
# with: run
#
# Runs a script of sh: pipes, redirections, patterns and variables mean what they
# mean there.
#
#   cmd         the script, in one line or many
#   executable  the shell, a path; /bin/sh without it
#   chdir       the folder to run it in; without it the user's home
#   creates     a file, or a pattern of files: where one exists, nothing is done
#   removes     a file, or a pattern: where none exists, nothing is done
#   stdin       what the script reads; stdin_add_newline=false gives it as it is
#
# Results: cmd, rc, stdout, stderr, start, end, delta, msg.
# Fails if the script ends with another status than 0. Output of what it leaves in
# the background is not waited for.
#
#     - shell: getent passwd | wc -l > /srv/users
#       args: { creates: /srv/users }
#
# It always changes something. In check mode it is not run: with creates or
# removes it would change something, without them that is unknown.

seen_shell() { [ -n "$1" ] && run_seen "$2" "$3"; }

check_shell() {
	[ -n "$1" ] || die "no command given"
	run_due "$2" "$3" "$4"
}

apply_shell() {
	run_enter "$2"
	run_stdin "$6" "$7"
	result cmd "$1"
	shell_is=${5:-/bin/sh}
	[ -x "$shell_is" ] || run_failed 2 "[Errno 2] No such file or directory: b'$shell_is'"
	run_it true "$run_in" "$shell_is" -c "$1"
}
