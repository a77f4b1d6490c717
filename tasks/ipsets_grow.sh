# ipsets_grow content
#
# The address sets of CONTENT hold everything that is listed. See ipsets_shrink,
# which makes the sets and takes the same CONTENT: NAME TYPE MEMBER MEMBER ...
#
# Looks at: one ipset save.
# Changes:  adds the missing members, in one ipset restore.
# Never:    creates a set, deletes a member, or touches a set not listed.

read_ipsets_grow() {
	ipsets_grow_now=$(ipset save 2>&1)
	ipsets_grow_rc=$?
}

# ipsets_grow_awk MODE SUM: MODE check exits 10 = is so, 11 = is not so; MODE
# apply prints what ipset restore shall do. Other exit statuses are errors.
ipsets_grow_awk() {
	if [ "$ipsets_grow_rc" != 0 ]; then
		printf '%s\n' "$ipsets_grow_now" >&2
		echo "ipset save failed ($ipsets_grow_rc), so the sets of this host are unknown" >&2
		return 2
	fi
	# What is there comes first: then the listed can be ticked off.
	{
		printf '\001now %s\n%s\n\001content %s\n' "$2" "$ipsets_grow_now" "$2"
		blob "$2" && printf '\n\001end %s\n' "$2"
	} | awk -v mode="$1" -v sum="$2" '
	function bad(words) { errors++; print "ipsets: " words | "cat 1>&2" }
	substr($0, 1, 1) == "\001" && $2 == sum && NF == 2 { section = substr($1, 2); next }
	section == "now" && $1 == "create" { type[$2] = $3 }
	section == "now" && $1 == "add" { member[$2, $3] = 1 }
	section == "content" && NF > 0 {
		if ($1 !~ /^EUCA-[A-Za-z0-9_.-]+$/ || length($1) > 31 || $2 !~ /^[a-z]+:[a-z,]+$/) { bad("not a line of sets: " $0); next }
		if ($1 in seen) bad("set " $1 " is listed twice")
		seen[$1] = 1
		# A set may still be missing in a check: ipsets_shrink makes it.
		if (($1 in type) && type[$1] != $2) bad("set " $1 " exists with type " type[$1] ", wanted is " $2)
		for (i = 3; i <= NF; i++) {
			if ($i !~ /^[0-9A-Za-z.:,\/-]+$/ || $i ~ /^-/) bad("bad member " $i " of set " $1)
			else if (!(($1, $i) in member)) more[++adds] = $1 " " $i
		}
	}
	END {
		if (section != "end") bad("the sets to compare with arrived incomplete")
		if (errors) { close("cat 1>&2"); exit 2 }
		if (mode == "apply") for (i = 1; i <= adds; i++) print "add " more[i]
		exit (mode == "check" && adds ? 11 : 10)
	}'
}

check_ipsets_grow() {
	ipsets_grow_is=0
	ipsets_grow_awk check "$1" || ipsets_grow_is=$?
	case $ipsets_grow_is in
	10) return 0 ;;
	11) return 1 ;;
	*) return 2 ;;
	esac
}

apply_ipsets_grow() {
	read_ipsets_grow
	ipsets_grow_is=0
	ipsets_grow_do=$(ipsets_grow_awk apply "$1") || ipsets_grow_is=$?
	[ "$ipsets_grow_is" = 10 ]
	printf '%s\n' "$ipsets_grow_do" | ipset -exist restore
}
