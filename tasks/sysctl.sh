# sysctl name|key value|val= state=present reload=true sysctl_file=/etc/sysctl.conf sysctl_set=false ignoreerrors=false
#
# A setting of the kernel, kept in a file for the next start.
#
#   name (key), value (val)  the setting
#   sysctl_file  the file that keeps it
#   state        present or absent in that file
#   reload       the file is read (sysctl -p) when it was changed: all that it has is set
#   sysctl_set   the kernel's own value has to be right too
#   ignoreerrors settings that the kernel does not know are no errors
#
# Looks at: the file, and the kernel's value if sysctl_set says so.
# Changes:  that setting's lines in the file, which keeps its owner and mode.
#
# Results: name, value.
#
#     - sysctl: { name: vm.swappiness, value: 5 }
#     - sysctl: { name: net.ipv4.ip_forward, value: 1, sysctl_file: /etc/sysctl.d/60-router.conf, sysctl_set: true }

# sysctl_words VALUE: with single blanks into sysctl_word.
sysctl_words() {
	set -f
	# shellcheck disable=SC2086 # split on purpose
	set -- $1
	set +f
	sysctl_word=$*
}

# sysctl_live NAME VALUE: the kernel has this value.
sysctl_live() {
	sysctl_is=$(sysctl -n "$1" 2>&1) || die "$1: $sysctl_is"
	sysctl_words "$sysctl_is"
	sysctl_is=$sysctl_word
	sysctl_words "$2"
	[ "$sysctl_is" = "$sysctl_word" ]
}

# sysctl_kept NAME FILE: the value that the file gives it into sysctl_is; 1 if none.
sysctl_kept() {
	sysctl_is=''
	[ -e "$2" ] || return 1
	sysctl_is=$(sysctl_lines "$1" get <"$2") || return
	sysctl_words "$sysctl_is"
	sysctl_is=$sysctl_word
}

# sysctl_lines NAME get: its value. NAME put VALUE, NAME drop: the file with it, or
# without. Dots and slashes stand for one another.
sysctl_lines() {
	sysctl_name=$1 sysctl_what=$2 sysctl_value=${3-} awk '
	function plain(w) { gsub(/[\/]/, ".", w); gsub(/^[ \t-]+|[ \t]+$/, "", w); return w }
	BEGIN { name = plain(ENVIRON["sysctl_name"]); what = ENVIRON["sysctl_what"] }
	{
		at = index($0, "=")
		if ($0 !~ /^[ \t]*[#;]/ && at > 0 && plain(substr($0, 1, at - 1)) == name) {
			value = substr($0, at + 1)
			found = 1
			if (what == "put" && !wrote++) print ENVIRON["sysctl_name"] "=" ENVIRON["sysctl_value"]
			next
		}
		if (what != "get") print
	}
	END {
		if (what == "put" && !wrote) print ENVIRON["sysctl_name"] "=" ENVIRON["sysctl_value"]
		if (what == "get") {
			if (!found) exit 1
			print value
		}
	}'
}

# sysctl_sane NAME VALUE STATE FILE
sysctl_sane() {
	case $1 in '' | -* | *[!A-Za-z0-9_./*:@-]*) die "'$1' is no name of a setting" ;; esac
	case $2 in *'
'*) die "$1: a value has one line" ;; esac
	case $3 in present | absent) ;; *) die "state is present or absent, not '$3'" ;; esac
	[ "$3" = absent ] || [ -n "$2" ] || die "$1: value is missing"
	case $4 in /*) ;; *) die "sysctl_file is an absolute path, not '$4'" ;; esac
}

# sysctl_in_file NAME VALUE STATE FILE: the file is right.
sysctl_in_file() {
	if [ "$3" = absent ]; then
		! sysctl_kept "$1" "$4"
		return
	fi
	sysctl_kept "$1" "$4" || return 1
	sysctl_words "$2"
	[ "$sysctl_is" = "$sysctl_word" ]
}

check_sysctl() {
	sysctl_sane "$1" "$2" "$3" "$5"
	result name "$1"
	result value "$2"
	sysctl_lives=true
	[ "$6" = false ] || [ "$3" = absent ] || sysctl_live "$1" "$2" || sysctl_lives=false
	sysctl_in_file "$1" "$2" "$3" "$5" && $sysctl_lives
}

diff_sysctl() {
	if sysctl_kept "$1" "$5"; then echo "-$5: $1=$sysctl_is"; fi
	[ "$3" = absent ] || echo "+$5: $1=$2"
	[ "$6" = false ] || [ "$3" = absent ] || sysctl_live "$1" "$2" || echo "-kernel: $1=$sysctl_is"
}

# The setting goes into the kernel first: a value that it refuses is not kept.
apply_sysctl() {
	if [ "$6" = true ] && [ "$3" = present ] && ! sysctl_live "$1" "$2"; then
		sysctl -w "$1=$2" >/dev/null
	fi
	sysctl_in_file "$1" "$2" "$3" "$5" || sysctl_keep "$@"
}

# sysctl_keep ARGUMENTS: changes the file, and has it read.
sysctl_keep() {
	sysctl_do=drop
	[ "$3" = absent ] || sysctl_do=put
	umask 022
	mkdir -p "${5%/*}"
	sysctl_words "$2"
	if [ -e "$5" ]; then
		cp -p "$5" "$5.eucactl-new"
		sysctl_lines "$1" $sysctl_do "$sysctl_word" <"$5" >"$5.eucactl-new"
	else
		sysctl_lines "$1" $sysctl_do "$sysctl_word" </dev/null >"$5.eucactl-new"
	fi
	mv -f "$5.eucactl-new" "$5"
	[ "$4" = true ] || return 0
	if [ "$7" = true ]; then
		sysctl -e -p "$5" >/dev/null
	else
		sysctl -p "$5" >/dev/null
	fi
}
