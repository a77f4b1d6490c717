# command cmd|free_form? argv@? chdir? creates? removes? stdin? stdin_add_newline=true strip_empty_ends=true
# with: run json
#
# Runs a command, without a shell.
#
#   cmd        the command in one text. It is cut into words at blanks; quotes
#              and backslashes keep a word together. A variable of the
#              environment ($HOME) and a leading ~ are replaced, nothing else
#              means anything: no pipes, no redirections, no patterns
#   argv       instead of cmd: a list of its words, which may contain blanks
#   chdir      the folder to run it in; without it the user's home
#   creates    a file, or a pattern of files: where one exists, nothing is done
#   removes    a file, or a pattern: where none exists, nothing is done
#   stdin      what the command reads; stdin_add_newline=false gives it as it is
#   strip_empty_ends  without line ends at the end of what it says
#
# Results: cmd (a list), rc, stdout, stderr, start, end, delta, msg.
# Fails if the command ends with another status than 0, or does not exist (rc 2)
# or cannot be executed (rc 13). One that a signal ends has 128 and its number as
# rc. Output of what it leaves in the background is not waited for.
#
#     - command: tar -xf /srv/app.tar -C /opt creates=/opt/app
#     - command: { argv: [touch, a file], chdir: /tmp, creates: /tmp/a file }
#
# It always changes something. In check mode it is not run: with creates or
# removes it would change something, without them that is unknown.

# command_split MODE: cuts the command on stdin into words: text as shlex does, a
# list of JSON (MODE json) into its items. Prints them as a list of JSON in one
# line, then quoted for eval, with what the environment and ~ stand for.
command_split() {
	json_awk '
	function quoted(w) { gsub(/\047/, "\047\\\047\047", w); return "\047" w "\047" }
	function variables(w, out, name, whole) {
		while (match(w, /[$]([A-Za-z0-9_]+|[{][^}]*[}])/)) {
			whole = name = substr(w, RSTART + 1, RLENGTH - 1)
			gsub(/[{}]/, "", name)
			out = out substr(w, 1, RSTART - 1) (name in ENVIRON ? ENVIRON[name] : "$" whole)
			w = substr(w, RSTART + RLENGTH)
		}
		return out w
	}
	function home(w, name, rest, line, part) {
		name = w
		sub(/[\/].*/, "", name)
		rest = substr(w, length(name) + 1)
		if (name == "~") return ("HOME" in ENVIRON ? ENVIRON["HOME"] : "~") rest
		while ((getline line <"/etc/passwd") > 0) {
			split(line, part, ":")
			if ("~" part[1] == name) w = part[6] rest
		}
		close("/etc/passwd")
		return w
	}
	function add(w, shown) {
		shown = json(w)
		w = variables(w)
		if (w ~ /^~/) w = home(w)
		words = words (count ? " " : "") quoted(w)
		list = list (count++ ? ", " : "") shown
	}
	function bad(what) { print what ": " json_text | "cat 1>&2"; close("cat 1>&2"); exit failed = 2 }
	function split_json() {
		for (json_at = 2; json_at <= length(json_text); json_at++) add(json_word())
	}
	function split_text(i, c, n, q, w, have) {
		for (i = 1; i <= length(json_text); i++) {
			c = substr(json_text, i, 1)
			n = substr(json_text, i + 1, 1)
			if (q == "\047") { if (c == q) q = ""; else w = w c }
			else if (q == "\"") {
				if (c == q) q = ""
				else if (c == "\\" && (n == "\"" || n == "\\")) { w = w n; i++ }
				else w = w c
			} else if (c ~ /[ \t\r\n]/) {
				if (have) add(w)
				have = 0; w = ""
			} else {
				have = 1
				if (c == "\\") {
					if (i == length(json_text)) bad("no escaped character")
					w = w n; i++
				} else if (c == "\"" || c == "\047") q = c
				else w = w c
			}
		}
		if (q != "") bad("no closing quotation")
		if (have) add(w)
	}
	{ json_text = json_text (NR > 1 ? "\n" : "") $0 }
	END {
		if (mode == "json") split_json()
		else split_text()
		if (failed) exit failed
		print "[" list "]"
		print words
	}' mode="$1" -
}

# command_path WORD: where the command is; never a function or a built-in word.
command_path() {
	command_errno=2
	case $1 in
	*/*)
		if [ -f "$1" ] && [ -x "$1" ]; then
			printf '%s\n' "$1"
			return
		fi
		[ ! -e "$1" ] || command_errno=13
		;;
	*)
		IFS=:
		set -f
		for command_dir in $PATH; do
			if [ -f "$command_dir/$1" ] && [ -x "$command_dir/$1" ]; then
				printf '%s\n' "$command_dir/$1"
				return
			fi
		done
		;;
	esac
	return $command_errno
}

# command_cut CMD ARGV: the words of the command into command_words.
command_cut() {
	if [ -n "$2" ]; then
		command_words=$(printf '%s\n' "$2" | command_split json)
	else
		command_words=$(printf '%s\n' "$1" | command_split text)
	fi
}

seen_command() {
	case $1 in '' | *[\'\"\\]*) return 1 ;; esac
	[ -z "$2" ] && run_seen "$3" "$4"
}

check_command() {
	if [ -n "$1" ] && [ -n "$2" ]; then die "give only one of cmd and argv"; fi
	[ -n "$1$2" ] || die "no command given: give cmd or argv"
	# What cannot be cut into words is to be known before.
	case $1 in *[\'\"\\]*) command_cut "$1" || return 2 ;; esac
	run_due "$3" "$4" "$5"
}

apply_command() {
	run_enter "$3"
	run_stdin "$6" "$7"
	run_strip=$8
	command_cut "$1" "$2"
	result cmd_json "${command_words%%
*}"
	eval "set -- ${command_words#*
}"
	[ $# != 0 ] || die "no command given"
	command_errno=0
	command_file=$(command_path "$1") || command_errno=$?
	case $command_errno in
	2) run_failed 2 "[Errno 2] No such file or directory: b'$1'" ;;
	13) run_failed 13 "[Errno 13] Permission denied: b'$1'" ;;
	esac
	shift
	run_it "$run_strip" "$run_in" "$command_file" "$@"
}
