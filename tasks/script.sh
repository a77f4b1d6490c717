# script content:lazy args? chdir? creates? removes? executable? name=script
# with: run
#
# Runs a script of the controller's. It is sent when it is to run, put where only
# the user can read it, and removed afterwards.
#
#   cmd         in a playbook: the script's path here and its arguments; the
#               engine reads the file and gives content, name and args
#   args        its arguments, as one writes them for a shell
#   executable  what runs it (python3); without it the script says so itself,
#               in its first line
#   chdir       the folder to run it in; without it the user's home
#   creates     a file, or a pattern of files: where one exists, nothing is done
#   removes     a file, or a pattern: where none exists, nothing is done
#
# Results: rc, stdout, stderr, msg; skipped where creates or removes say so.
# Fails if the script ends with another status than 0.
#
#     - script: files/setup.sh --fast
#       args: { creates: /etc/app.conf }
#
# It always changes something. In check mode it is not run: with creates or
# removes it would change something, without them that is unknown.

check_script() {
	run_due "$3" "$4" "$5" || return
	result skipped_json true
}

apply_script() {
	script_dir=$(scratch)
	script_name=${7##*/}
	mkdir -p "$script_dir/script"
	script_file=$script_dir/script/${script_name:-script}
	blob "$1" >"$script_file"
	chmod 0700 "$script_file"
	run_enter "$3"
	# What stands in executable may be several words, as may the arguments.
	run_it false /dev/null /bin/sh -c "${6:+$6 }\"\$0\"${2:+ $2}" "$script_file"
}
