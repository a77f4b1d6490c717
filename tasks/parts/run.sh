# run: what kinds share that run something the user wrote: command, shell, raw, script.

# run_exists PATTERN: a file of that name is there, also a link to nowhere.
run_exists() {
	# Only patterns are to be replaced, blanks separate nothing.
	IFS=
	set +f
	# shellcheck disable=SC2086
	set -- $1
	unset IFS
	[ -e "$1" ] || [ -L "$1" ]
}

# run_tilde PATH: with the home for a leading ~ into run_is.
run_tilde() {
	run_is=$1
	case $1 in \~ | \~/*) run_is=$HOME${1#?} ;; esac
}

# run_enter CHDIR
run_enter() {
	cd "${HOME:-/}" 2>/dev/null || cd /
	[ -n "$1" ] || return 0
	run_tilde "$1"
	CDPATH='' cd -- "$run_is" 2>/dev/null || die "unable to change directory before execution: $1"
}

# run_due CHDIR CREATES REMOVES: the check of all kinds that run something.
run_due() {
	run_enter "$1"
	run_tilde "$2" && set -- "$1" "$run_is" "$3"
	run_tilde "$3" && set -- "$1" "$2" "$run_is"
	run_not=
	if [ -n "$2" ] && run_exists "$2"; then
		run_not="'$2' exists" run_why="$2 exists"
	elif [ -n "$3" ] && ! run_exists "$3"; then
		run_not="'$3' does not exist" run_why="$3 does not exist"
	fi
	if [ -n "$run_not" ]; then
		run_needless
		return 0
	fi
	[ -n "$task_check" ] || return 10
	result msg "Command would have run if not in check mode"
	[ -n "$2$3" ] || return 10
	return 1
}

run_needless() {
	run_did=Did
	[ -z "$task_check" ] || run_did=Would
	result rc_json 0 stdout "skipped, since $run_why" stderr '' msg "$run_did not run command since $run_not"
}

# run_seen CHDIR CREATES: what it creates is there. It starts nothing.
run_seen() {
	case $1$2 in /*) ;; *) return 1 ;; esac
	case $1:$2 in :*[*?[]* | [!:]*) return 1 ;; esac
	[ -e "$2" ] || [ -L "$2" ] || return 1
	run_not="'$2' exists" run_why="$2 exists"
	run_needless
}

# run_failed RC WORDS: it cannot even be started.
run_failed() {
	result rc_json "$1"
	result stdout ''
	result stderr ''
	result msg "$2"
	printf '%s\n' "$2" >&2
	exit 1
}

# run_clock: hundredths of a second since the host was started.
run_clock() {
	run_now=0.00
	read -r run_now run_idle </proc/uptime || :
	run_now=$((${run_now%.*} * 100 + 1${run_now#*.} - 100))
}

# run_spoken KEY FILE STRIP
run_spoken() {
	result_begin "$1"
	if [ ! -s "$2" ]; then
		:
	elif [ "$3" = true ]; then
		awk 'NR == 1 { held = $0; next }
			/^\r*$/ { held = held "\n" $0; next }
			{ print held; held = $0 }
			END { sub(/[\r\n]+$/, "", held); printf "%s", held }' "$2"
	else
		cat "$2"
	fi
	result_end "$1"
}

# run_it STRIP STDIN COMMAND...: runs it and tells what came of it. STDIN is
# the path of a file.
run_it() {
	run_strip=$1 run_in=$2
	shift 2
	run_dir=$(scratch)
	result start "$(date '+%Y-%m-%d %H:%M:%S').000000"
	run_clock
	run_since=$run_now
	run_rc=0
	(
		umask 022
		exec "$@"
	) <"$run_in" >"$run_dir/stdout" 2>"$run_dir/stderr" || run_rc=$?
	run_clock
	run_since=$((run_now - run_since))
	result end "$(date '+%Y-%m-%d %H:%M:%S').000000"
	result delta "$(printf '%d:%02d:%02d.%02d0000' $((run_since / 360000)) $((run_since / 6000 % 60)) \
		$((run_since / 100 % 60)) $((run_since % 100)))"
	result rc_json "$run_rc"
	run_spoken stdout "$run_dir/stdout" "$run_strip"
	run_spoken stderr "$run_dir/stderr" "$run_strip"
	[ $run_rc != 0 ] || return 0
	result msg "non-zero return code"
	cat "$run_dir/stdout" "$run_dir/stderr"
	echo "non-zero return code: $run_rc"
	exit 1
}

# run_stdin TEXT ADD_NEWLINE: the file that the command reads, into run_in.
run_stdin() {
	run_in=/dev/null
	[ -n "$1" ] || return 0
	run_in=$(scratch)/stdin
	printf '%s' "$1" >"$run_in"
	[ "$2" != true ] || printf '\n' >>"$run_in"
}
