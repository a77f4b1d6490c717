# regex: regular expressions as parameters with ~ bring them.

# regex_take EXPRESSION: its parts into regex_scope, regex_groups, regex_line and
# regex_text; for nothing, nothing.
regex_take() {
	regex_scope='' regex_groups='' regex_line='' regex_text=''
	[ -n "$1" ] || return 0
	regex_scope=${1%%[ 
]*}
	regex_groups=${1%%
*}
	regex_groups=${regex_groups#"$regex_scope"}
	regex_text=${1#*
}
	regex_line=${regex_text%%
*}
	regex_text=${regex_text#*
}
}

# regex_lines EXPRESSION FILE: the numbers of the lines in which it matches. The
# script comes by stdin, for others may read the words of a command.
regex_lines() {
	regex_take "$1"
	printf '/%s/=\n' "$regex_line" | sed -n -E -f /dev/stdin "$2"
}

# regex_plain EXPRESSION: it is a text, perhaps after ^ or before $. The pattern of sh
# that matches the same lines comes into regex_plain.
regex_plain() {
	regex_take "$1"
	regex_plain=${regex_line#^}
	regex_plain=${regex_plain%\$}
	case $regex_plain in '' | *[!A-Za-z0-9_=:,/@%#' '-]*) return 1 ;; esac
	case $regex_line in ^*) ;; *) regex_plain="*$regex_plain" ;; esac
	case $regex_line in *\$) ;; *) regex_plain="$regex_plain*" ;; esac
}

# regex_template TEXT: what Python puts in place of a match of the expression taken
# last, as sed writes it.
regex_template() {
	regex_tmpl=$1 regex_groups=$regex_groups awk 'BEGIN {
		n = split(ENVIRON["regex_groups"], pairs, " ")
		for (i = 1; i <= n; i++) { split(pairs[i], pair, "="); group[pair[1]] = pair[2] }
		group[0] = "&"
		rest = ENVIRON["regex_tmpl"]
		while (rest != "") {
			c = substr(rest, 1, 1); rest = substr(rest, 2)
			if (c == "\\" && rest != "") c = escaped()
			else if (c == "&" || c == "/" || c == "\\") c = "\\" c
			else if (c == "\n") c = "\\\n"
			printf "%s", c
		}
	}
	function escaped(   c, name) {
		c = substr(rest, 1, 1); rest = substr(rest, 2)
		if (c == "g" && match(rest, /^<[^>]+>/)) {
			name = substr(rest, 2, RLENGTH - 2)
			rest = substr(rest, RLENGTH + 1)
			return of(name)
		}
		if (c ~ /[1-9]/) {
			if (rest ~ /^[0-9]/) { c = c substr(rest, 1, 1); rest = substr(rest, 2) }
			return of(c)
		}
		if (c == "n") return "\\\n"
		if (c == "t") return "\t"
		if (c == "r") return "\r"
		if (c == "\\") return "\\\\"
		if (c ~ /[A-Za-z0]/) { print "bad escape \\" c " in " ENVIRON["regex_tmpl"] >"/dev/stderr"; exit 2 }
		return "\\\\" (c == "&" || c == "/" ? "\\" : "") c
	}
	function of(name) {
		if (!(name in group)) { print "the expression has no group " name >"/dev/stderr"; exit 2 }
		if (group[name] == "&") return "&"
		if (group[name] > 9) { print "sed knows nine groups, and this is one more: " name >"/dev/stderr"; exit 2 }
		return "\\" group[name]
	}'
}
