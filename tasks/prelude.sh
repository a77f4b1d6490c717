# The prelude: what stands in front of every program's tasks. It runs in POSIX
# sh (dash, bash, busybox), inside the one function that is the program, so a
# program that arrives cut in half does nothing at all.
#
# A line that begins with $MARK is ours and read by report.go; any other line
# is the running task speaking. The newline in front keeps a tool's unfinished
# line from hiding ours. A reader that is gone ends the program here, also
# where SIGPIPE is ignored.
say() {
	held="$held
$MARK $*
"
	[ -n "$holding" ] || let_go
}

# let_go: what is held is said. Only what takes no time is held: for each thing that
# is said, the host's sshd is woken.
let_go() {
	printf %s "$held" || exit 1
	held=''
}

# stop WORDS: the program cannot go on, and no task is to blame.
stop() {
	holding=''
	say stopped "$*"
	exit 1
}

# --- For kinds ---

# die WORDS: check cannot tell, or apply fails. Not for read_KIND.
die() {
	printf '%s\n' "$*" >&2
	exit 2
}

# blob SUM: the content to stdout. blob_file SUM: the path of an uploaded one.
blob() { "blob_$1"; }
blob_file() {
	[ -f "$HOST_DIR/blobs.tmp/$1" ] || die "blob $1 was not uploaded"
	printf '%s\n' "$HOST_DIR/blobs.tmp/$1"
}

# result KEY VALUE...: fields of what the task registers; the last one of a KEY
# counts. Or put what a command prints between result_begin KEY and result_end
# KEY. A KEY that ends in _json carries JSON.
result() {
	while [ $# != 0 ]; do
		held="$held
$MARK data $task_n $1
$2
$MARK data-end $task_n $1
"
		shift 2
	done
	[ -n "$holding" ] || let_go
}
result_begin() { say data "$task_n" "$1"; }
result_end() { say data-end "$task_n" "$1"; }

# scratch: the path of a private folder for what is on its way; it goes with the run.
scratch() {
	[ -d "$HOST_DIR/scratch.$$" ] || mkdir -p "$HOST_DIR/scratch.$$" || die "cannot make $HOST_DIR/scratch.$$"
	printf '%s\n' "$HOST_DIR/scratch.$$"
}

# sum_of PATH: the file's sha256 into sum_of, nothing if it is absent. Never
# returns 1, so that a file which cannot be read is not taken for one that differs.
sum_of() {
	sum_of=
	[ -e "$1" ] || return 0
	if [ -n "${task_sum-}" ] && [ "$1" = "$task_path" ]; then
		sum_of=$task_sum
		return
	fi
	sum_of=$(sha256sum <"$1") || return 2
	sum_of=${sum_of%% *}
}

# --- The run ---

open_run() {
	exec 2>&1
	LC_ALL=C
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	export LC_ALL PATH
	unset IFS ENV BASH_ENV CDPATH TMPDIR GREP_OPTIONS POSIXLY_CORRECT
	umask 077
	cd /
	held='' holding='' fresh=' ' offered=' ' wanted='' quiet='' fetched='' staged='' flagged='' environ=''
	forget_looks
	say hello 1
}

# at_home: whoever is not root keeps what is ours in his home, or where that is
# not his to write (www-data), in a folder of /tmp that is his alone.
at_home() {
	[ ! -w /run/ ] || return 0
	AT_HOME=$HOME/.eucactl
	if ! [ -w "$HOME/" ]; then
		AT_HOME=/tmp/.eucactl-$(id -u)
	fi
	HOST_DIR=$AT_HOME RUN_DIR=$AT_HOME LOCK=$AT_HOME/lock
	[ -z "$CHECK" ] || [ -e "$AT_HOME" ] || return 0
	[ -d "$AT_HOME" ] || mkdir -m 700 "$AT_HOME" || stop "cannot make $AT_HOME"
	if [ -L "$AT_HOME" ] || ! [ -O "$AT_HOME" ]; then
		stop "$AT_HOME belongs to somebody else"
	fi
}

# One run at a time on a host. A check excludes only those who change things,
# and writes nothing: it takes the lock only if the file is there. busybox's
# flock has no -w, hence the loop.
take_lock() {
	notified=' ' # later stages of the run go on with what is notified here
	lock_how=-x lock_left=$LOCK_WAIT
	if [ -z "$CHECK" ]; then
		{ [ -f "$LOCK" ] && [ -w "$LOCK" ]; } || (: >>"$LOCK") || stop "cannot open $LOCK"
		exec 9>>"$LOCK"
	elif [ -f "$LOCK" ]; then
		lock_how=-s
		exec 9<"$LOCK"
	else
		return 0
	fi
	while :; do
		flock "$lock_how" -n 9
		lock_rc=$?
		[ $lock_rc != 0 ] || break
		[ $lock_rc = 1 ] || stop "flock $LOCK: exit status $lock_rc"
		if [ "$lock_left" -le 0 ]; then
			lock_last=
			read -r lock_last <"$LOCK"
			say busy "another run holds $LOCK; last change by ${lock_last:-nobody yet}"
			exit 0
		fi
		lock_left=$((lock_left - 1))
		sleep 1 9>&-
	done
	if [ -z "$CHECK" ]; then
		printf 'pid %s, login %s, cloud %s\n' "$$" "$LOGIN" "${CLOUD:-none}" >"$LOCK"
		# What a killed run left behind may hold secrets.
		[ ! -e "$HOST_DIR/blobs.tmp" ] || rm -rf "$HOST_DIR/blobs.tmp"
		for lock_left in "$HOST_DIR"/scratch.*; do
			[ ! -e "$lock_left" ] || rm -rf "$lock_left"
		done
	fi
}

# pass_fence FROM TOKEN ACCEPTED...: the host obeys one controller, and that
# one's latest program. No fence file, or an empty one, is first contact. Our
# own token is accepted too: stage two arrives under the token of stage one.
# FROM ("CLOUD TOKEN") is whom the host is taken over from: a late program that
# takes over from somebody the host no longer obeys is as late as any.
pass_fence() {
	fence_from=$1 fence_new=$2
	shift
	fence_cloud='' fence_token='' fence_pass=''
	if [ -s "$HOST_DIR/fence" ]; then
		read -r fence_cloud fence_token <"$HOST_DIR/fence"
		if [ "$fence_cloud" = "$CLOUD" ]; then
			for fence_one; do
				[ "$fence_one" != "$fence_token" ] || fence_pass=yes
			done
		fi
		[ "${fence_cloud:-?} ${fence_token:-?}" != "$fence_from" ] || fence_pass=yes
	else
		fence_pass=yes
	fi
	if [ -z "$fence_pass" ]; then
		say fenced "${fence_cloud:-?} ${fence_token:-?}"
		exit 0
	fi
	[ -z "$CHECK" ] || return 0
	[ -d "$HOST_DIR" ] || mkdir -p "$HOST_DIR" || stop "cannot make $HOST_DIR"
	printf '%s %s\n' "$CLOUD" "$fence_new" >"$HOST_DIR/fence.new" || stop "cannot write $HOST_DIR/fence.new"
	mv -f "$HOST_DIR/fence.new" "$HOST_DIR/fence" || stop "cannot write $HOST_DIR/fence"
}

# stage_facts SUM SCRIPT: the tasks were rendered with facts of that sum. If
# the host's are others, it prints them and waits for a program made of these.
stage_facts() {
	facts_text=$(eval "$2" </dev/null 9>&-)
	facts_rc=$?
	facts_sum=$(printf '%s\n' "$facts_text" | sha256sum)
	if [ $facts_rc = 0 ] && [ -n "$1" ] && [ "${facts_sum%% *}" = "$1" ]; then
		return 0
	fi
	print_section host "$facts_rc" "$facts_text"
	say stage
	staged=yes
}

# section NAME SCRIPT: what the script prints, whole and with its exit status.
# Its stderr comes before, as words.
section() {
	let_go
	section_text=$(eval "$2" </dev/null 9>&-)
	print_section "$1" $? "$section_text"
}

print_section() {
	say section "$1"
	[ -z "$3" ] || printf '%s\n' "$3"
	say section-end "$1" "$2"
}

# The lock goes before the last word, so that who read it finds the host free.
close_run() {
	clear_run
	exec 9>&-
	say 'done'
	exit 0
}

# Another stage follows, under the same lock.
close_stage() {
	clear_run
	say stage
}

clear_run() {
	[ -z "$fetched" ] || rm -rf "$HOST_DIR/blobs.tmp"
	[ ! -e "$HOST_DIR/scratch.$$" ] || rm -rf "$HOST_DIR/scratch.$$"
	[ -n "$CHECK" ] || forget_uploads
}

# --- Tasks ---

# guard TERM...: every term must hold, and of a term's alternatives one. Says
# run, when, needs (guard_needs is the task that failed) or maybe, which is a
# change that a check cannot foresee.
guard() {
	guard_says=run
	for guard_term; do
		guard_holds=no guard_needs=''
		while [ -n "$guard_term" ]; do
			guard_task=${guard_term%%|*}
			guard_term=${guard_term#"$guard_task"}
			guard_term=${guard_term#?}
			guard_letter=${guard_task%"${guard_task#?}"}
			guard_task=${guard_task#?}
			eval "guard_was=\${was_$guard_task-}"
			case $guard_letter:$guard_was in
			n:failed | n:unsettled | n:blocked) : "${guard_needs:=$guard_task}" ;;
			n:?* | o:ok | o:changed | o:would | o:unknown) guard_holds=yes ;;
			c:changed | c:would | f:failed | f:unsettled) guard_holds=yes ;;
			s:skipped | s:blocked) guard_holds=yes ;;
			c:unknown) [ $guard_holds = yes ] || guard_holds=maybe ;;
			esac
		done
		case $guard_holds$guard_needs in
		yes*) ;;
		maybe*) guard_says=maybe ;;
		no) guard_says=when && return ;;
		no*) guard_says=needs && return ;;
		esac
	done
}

# What a cut run left of its uploads may hold secrets; what this program offers
# may yet be resumed.
forget_uploads() {
	for forget_one in "$HOST_DIR/incoming/$LOGIN"/*; do
		[ -f "$forget_one" ] || continue
		forget_sum=${forget_one##*/}
		case $offered in
		*" ${forget_sum%.part} "*) ;;
		*) rm -f "$forget_one" ;;
		esac
	done
}

# wants N SUM...: the uploads that task N takes. quiet N: task N shows no diff.
wants() {
	shift
	wanted=$*
	offered="$offered$wanted "
}
quiet() { quiet=yes; }

# flags FLAG...: what is special about the next task.
#   changed=yes|no failed=yes|no  how its outcome is to be taken
#   check=yes|no  diff=yes|no     whatever the run says
#   timeout=SECONDS
#   notify=KEY    the handler KEY is to run if it changes something
#   handler=KEY   runs only if KEY was notified, in this run or in one that broke off
#   handled=KEY   the last task of the handler KEY
flags() { flagged=$*; }

# environment SCRIPT: what exports the variables of the next task's commands.
environment() { environ=$1; }

take_flags() {
	task_changed='' task_failed='' task_check=$CHECK task_diff=$DIFF task_timeout='' task_notify='' task_handler='' task_handled=''
	task_forgiven=ok # what a failure that does not count comes to
	for flag; do
		case $flag in
		changed=*) task_changed=${flag#*=} ;;
		failed=*) task_failed=${flag#*=} ;;
		check=yes) task_check=yes ;;
		check=no) task_check='' ;;
		diff=yes) task_diff=yes ;;
		diff=no) task_diff='' ;;
		timeout=*) task_timeout=${flag#*=} ;;
		notify=*) task_notify="$task_notify ${flag#*=}" ;;
		handler=*) task_handler=${flag#*=} ;;
		handled=*) task_handled=${flag#*=} ;;
		*) stop "a flag that this prelude does not know: $flag" ;;
		esac
	done
}

# task_end OUTCOME STATUS
task_end() {
	task_is=$1
	case $task_is:$task_failed in
	failed:no | unsettled:no) task_is=$task_forgiven ;;
	esac
	case $task_is:$task_changed in
	ok:yes) task_is=changed ;;
	changed:no | would:no) task_is=ok ;;
	esac
	case $task_is:$task_failed in
	unknown:*) ;;
	*:yes) task_is=failed ;;
	esac
	[ -z "$task_notify" ] || notice "$task_is"
	[ -z "$task_handled" ] || handled "$task_is"
	eval "was_$task_n=$task_is"
	say end "$task_n" "$task_is" "$2"
}

# --- Handlers ---
#
# That a handler is to run is written down before the task that notifies it
# changes anything, and forgotten when the handler ran: neither a kill nor a
# task that fails in between can lose it.

# expect: the notifying task is about to be applied.
expect() {
	task_fresh=
	for handler_key in $task_notify; do
		[ ! -e "$HOST_DIR/handlers/$handler_key" ] || continue
		[ -d "$HOST_DIR/handlers" ] || mkdir -p "$HOST_DIR/handlers" || stop "cannot make $HOST_DIR/handlers"
		(: >"$HOST_DIR/handlers/$handler_key") || stop "cannot write $HOST_DIR/handlers/$handler_key"
		task_fresh="$task_fresh $handler_key"
	done
}

# notice OUTCOME: how the notifying task ended.
notice() {
	case $1 in
	changed | would)
		for handler_key in $task_notify; do
			notified="$notified$handler_key "
			[ -z "$task_check" ] || continue
			[ -e "$HOST_DIR/handlers/$handler_key" ] || expect
		done
		;;
	*)
		for handler_key in ${task_fresh-}; do
			rm -f "$HOST_DIR/handlers/$handler_key"
		done
		;;
	esac
	task_fresh=
}

# handled OUTCOME: a handler's last task ended.
handled() {
	case $1 in failed | unsettled | blocked) return ;; esac
	handled_left=$notified notified=' '
	for handler_key in $handled_left; do
		[ "$handler_key" = "$task_handled" ] || notified="$notified$handler_key "
	done
	[ -n "$task_check" ] || [ ! -e "$HOST_DIR/handlers/$task_handled" ] || rm -f "$HOST_DIR/handlers/$task_handled"
}

is_notified() {
	case $notified in *" $task_handler "*) return 0 ;; esac
	[ -e "$HOST_DIR/handlers/$task_handler" ]
}

# --- A task ---

# task N GUARD KIND ARG...
#
# The subshells are plain commands and must stay so, as must every call up to
# here: sh ignores set -e below anything that is tested (task || :). Descriptor
# 9 is closed in them, or a daemon started by a task would hold the lock.
task() {
	task_n=$1 task_guard=$2 task_kind=$3 task_wants=$wanted task_quiet=$quiet task_environ=$environ
	shift 3
	wanted='' quiet='' environ=''
	# shellcheck disable=SC2086 # a list of words
	take_flags $flagged
	flagged=''
	# shellcheck disable=SC2086 # the guard is a list of terms
	guard $task_guard
	case $guard_says in
	needs)
		eval "was_$task_n=blocked"
		say skip "$task_n" needs "$guard_needs"
		return
		;;
	when)
		task_skip
		return
		;;
	esac
	if [ -n "$task_handler" ] && ! is_notified; then
		task_skip
		return
	fi
	if seen "$@"; then return; fi
	say begin "$task_n"
	if [ $guard_says = maybe ]; then
		task_end unknown 0
		return
	fi
	case $ACTS in *" $task_kind "*)
		act "$@"
		return
		;;
	esac
	refresh
	part "check_$task_kind" "$@"
	# Others may take their time.
	case $LOOKS in *" $task_kind "*) ;; *) looked='' ;; esac
	case $task_rc in
	0) task_end ok 0 ;;
	1) settle "$@" ;;
	10) act "$@" ;;
	*) task_end failed $task_rc ;;
	esac
}

# recall: what was seen of the task's file beforehand (parts/look.sh), into task_look
# and the like. task_text is the task that has the text.
recall() {
	task_look='' task_path='' task_sum='' task_text=''
	[ -z "$looked" ] || eval "task_look=\${look_$task_n-} task_path=\${look_path_$task_n-} task_sum=\${look_sum_$task_n-} task_text=\${look_like_$task_n-}"
}

# forget_looks: an earlier stage, in the same shell, had tasks of the same numbers.
forget_looks() {
	for look_one in ${look_all-}; do
		unset "look_$look_one" "look_path_$look_one" "look_sum_$look_one" "look_like_$look_one" "look_text_$look_one"
	done
	looked='' look_all=''
}

# seen ARG...: it is so, as seen_KIND shows without starting anything: then the task
# has ended. seen_KIND runs in the program's own shell: it may not exit, nor change
# anything but variables of its own.
seen() {
	recall
	case $guard_says$task_environ$SEES in run*" $task_kind "*) ;; *) return 1 ;; esac
	seen_before=$held holding=yes
	say begin "$task_n"
	if ! "seen_$task_kind" "$@"; then
		held=$seen_before holding=''
		return 1
	fi
	task_end ok 0
	holding=''
	[ ${#held} -lt 4096 ] || let_go
}

task_skip() {
	[ -z "$task_handled" ] || handled skipped
	eval "was_$task_n=skipped"
	say skip "$task_n" when
}

# part FUNCTION ARG...: check or apply, its status in task_rc.
part() {
	if [ -n "$task_timeout" ]; then
		part_in_time "$@"
		return
	fi
	(set -e; eval "$task_environ"; "$@") </dev/null 9>&-
	task_rc=$?
}

# A watchdog ends what takes too long, with all that it started.
part_in_time() {
	(set -e; eval "$task_environ"; "$@") </dev/null 9>&- &
	part_pid=$!
	(
		trap 'kill $part_sleep; exit 0' TERM
		sleep "$task_timeout" &
		part_sleep=$!
		wait $part_sleep
		trap '' TERM
		end_tree $part_pid
		exit 1
	) </dev/null >/dev/null 2>&1 9>&- &
	part_dog=$!
	wait $part_pid
	task_rc=$?
	kill $part_dog 2>/dev/null
	wait $part_dog
	[ $? = 1 ] || return
	result timedout true
	echo "timed out after $task_timeout seconds"
	[ $task_rc != 0 ] && [ $task_rc != 1 ] && [ $task_rc != 10 ] || task_rc=124
}

# end_tree PID: the process and its children.
end_tree() {
	for end_child in $(pgrep -P "$1"); do
		(end_tree "$end_child")
	done
	kill "$1"
}

# An act has no check, or one that says so (10): it runs, and nobody can foretell
# what it changes. One that ends with 10 changed nothing.
act() {
	if [ -n "$task_check" ]; then
		task_end unknown 0
		return
	fi
	task_forgiven=changed
	apply "$@"
	case $task_rc in
	0) task_end changed 0 ;;
	10) task_end ok 0 ;;
	esac
}

# The task's check said that it is not so.
settle() {
	show "$@"
	if [ -n "$task_check" ]; then
		task_end would 0
		return
	fi
	apply "$@"
	case $task_rc in
	0) ;;
	10)
		task_end ok 0
		return
		;;
	*) return ;;
	esac
	refresh
	part "check_$task_kind" "$@"
	if [ $task_rc = 0 ]; then
		task_end changed 0
	else
		task_end unsettled $task_rc
	fi
}

# What apply fails with becomes the task's end; what it did makes every kind
# read the host again.
apply() {
	[ -z "$task_notify" ] || expect
	# shellcheck disable=SC2086 # a list of sums
	fetch $task_wants
	task_rc=$?
	if [ $task_rc = 0 ]; then
		fresh=' ' looked=''
		recall
		part "apply_$task_kind" "$@"
	fi
	case $task_rc in
	0 | 10) ;;
	*) task_end failed $task_rc ;;
	esac
}

# The present content, for --diff.
show() {
	if [ -z "$task_diff" ] || [ -n "$task_quiet" ]; then return; fi
	case $DIFFS in *" $task_kind "*) ;; *) return ;; esac
	say diff "$task_n"
	(set -e; "diff_$task_kind" "$@") </dev/null 2>/dev/null 9>&-
	say diff-end "$task_n"
}

# read_KIND fetches once what many checks look at.
refresh() {
	case $READS in *" $task_kind "*) ;; *) return ;; esac
	case $fresh in *" $task_kind "*) return ;; esac
	"read_$task_kind" </dev/null 9>&-
	unset IFS
	fresh="$fresh$task_kind "
}

# fetch SUM...: uploads arrive as the login user's files and become root's
# before anything looks at them. The controller puts one there when it reads
# "need", then answers on our stdin.
fetch() {
	for fetch_sum; do
		[ ! -f "$HOST_DIR/blobs.tmp/$fetch_sum" ] || continue
		fetched=yes
		ask_for "$fetch_sum" || return 2
	done
}

# ask_for SUM: where sftp cannot reach us, because we are neither root nor the
# login user, the answer is "send", and the content follows in lines of base64
# up to a dot.
ask_for() {
	if [ -n "${AT_HOME-}" ]; then
		mkdir -p "$HOST_DIR/blobs.tmp" || return 2
	else
		mkdir -p "$HOST_DIR/incoming/$LOGIN" "$HOST_DIR/blobs.tmp" &&
			chmod 711 "$HOST_DIR" "$HOST_DIR/incoming" &&
			chown "$LOGIN" "$HOST_DIR/incoming/$LOGIN" || return 2
	fi
	say need "$1"
	read -r ask_word ask_sum ask_why || stop "no answer to need $1"
	case $ask_word:$ask_sum in
	"have:$1") take_in "$1" "$HOST_DIR/incoming/$LOGIN/$1" "$HOST_DIR/blobs.tmp/$1" ;;
	"send:$1") take_lines "$1" "$HOST_DIR/blobs.tmp/$1" ;;
	"lack:$1") printf '%s\n' "${ask_why:-the controller lacks it}" && return 2 ;;
	*) stop "not an answer to need $1: $ask_word" ;;
	esac
}

take_in() {
	if [ -L "$2" ] || [ ! -f "$2" ]; then
		printf '%s\n' "the upload did not arrive as $2"
		return 2
	fi
	mv -f "$2" "$3" && chown 0:0 "$3" && chmod 600 "$3" || return 2
	take_whole "$1" "$3"
}

# sh reads a line of its input, and not a byte more.
take_lines() {
	while IFS= read -r take_line && [ "$take_line" != . ]; do
		printf '%s\n' "$take_line"
	done | base64 -d >"$2" || return 2
	take_whole "$@"
}

# take_whole SUM PATH
take_whole() {
	sum_of "$2"
	[ "$sum_of" != "$1" ] || return 0
	rm -f "$2"
	printf '%s\n' "the upload $1 arrived with the sum ${sum_of:-?}"
	return 2
}
