# ipsets_shrink content
#
# The address sets of CONTENT exist and hold nothing that is not listed. It
# comes before the rules that name the sets, and ipsets_grow after them, so that
# no moment is more open than the old and the new policy both allow.
#
# CONTENT is a line a set: NAME TYPE MEMBER MEMBER ..., where NAME begins with
# EUCA- and members are spelled as the kernel does (10.0.0.1, 10.0.0.0/24).
#
# Looks at: one ipset save.
# Changes:  creates missing sets and deletes members, in one ipset restore.
# Never:    touches a set that is not listed. A set that exists with another
#           type is an error: what refers to it would have to go first.

read_ipsets_shrink() {
	ipsets_shrink_now=$(ipset save 2>&1)
	ipsets_shrink_rc=$?
}

# ipsets_shrink_awk MODE SUM: MODE check exits 10 = is so, 11 = is not so; MODE
# apply prints what ipset restore shall do. Other exit statuses are errors.
ipsets_shrink_awk() {
	if [ "$ipsets_shrink_rc" != 0 ]; then
		printf '%s\n' "$ipsets_shrink_now" >&2
		echo "ipset save failed ($ipsets_shrink_rc), so the sets of this host are unknown" >&2
		return 2
	fi
	{
		blob "$2" && printf '\n\001now %s\n%s\n\001end %s\n' "$2" "$ipsets_shrink_now" "$2"
	} | awk -v mode="$1" -v sum="$2" '
	function bad(words) { errors++; print "ipsets: " words | "cat 1>&2" }
	BEGIN { section = "content" }
	substr($0, 1, 1) == "\001" && $2 == sum && NF == 2 { section = substr($1, 2); next }
	section == "content" && NF > 0 {
		if ($1 !~ /^EUCA-[A-Za-z0-9_.-]+$/ || length($1) > 31 || $2 !~ /^[a-z]+:[a-z,]+$/) { bad("not a line of sets: " $0); next }
		if ($1 in type) bad("set " $1 " is listed twice")
		type[$1] = $2
		name[++sets] = $1
		for (i = 3; i <= NF; i++) if ($i !~ /^[0-9A-Za-z.:,\/-]+$/ || $i ~ /^-/) bad("bad member " $i " of set " $1)
		else member[$1, $i] = 1
	}
	section == "now" && $1 == "create" && ($2 in type) {
		there[$2] = 1
		if ($3 != type[$2]) bad("set " $2 " exists with type " $3 ", wanted is " type[$2] ": ipset destroy " $2 " when no rule uses it")
	}
	section == "now" && $1 == "add" && ($2 in type) && !(($2, $3) in member) { less[++drops] = $2 " " $3 }
	END {
		if (section != "end") bad("the sets to compare with arrived incomplete")
		if (errors) { close("cat 1>&2"); exit 2 }
		for (i = 1; i <= sets; i++) if (!(name[i] in there)) {
			missing = 1
			if (mode == "apply") print "create " name[i] " " type[name[i]]
		}
		if (mode == "apply") for (i = 1; i <= drops; i++) print "del " less[i]
		exit (mode == "check" && (missing || drops) ? 11 : 10)
	}'
}

check_ipsets_shrink() {
	ipsets_shrink_is=0
	ipsets_shrink_awk check "$1" || ipsets_shrink_is=$?
	case $ipsets_shrink_is in
	10) return 0 ;;
	11) return 1 ;;
	*) return 2 ;;
	esac
}

apply_ipsets_shrink() {
	read_ipsets_shrink
	ipsets_shrink_is=0
	ipsets_shrink_do=$(ipsets_shrink_awk apply "$1") || ipsets_shrink_is=$?
	[ "$ipsets_shrink_is" = 10 ]
	printf '%s\n' "$ipsets_shrink_do" | ipset -exist restore
}
