# ipsets_gone content
#
# No address set of ours (EUCA-...) exists beside those of CONTENT, whose lines
# begin with the names of the sets to keep. It comes after chains, because a set
# that a rule names cannot go.
#
# Looks at: one ipset list -terse, with the numbers of references.
# Changes:  destroys the sets that are not listed.
# Never:    touches a set of another name, or one that is still referenced: that
#           is an error which names it.

read_ipsets_gone() {
	ipsets_gone_now=$(ipset list -terse 2>&1)
	ipsets_gone_rc=$?
}

# ipsets_gone_names SUM: a line "NAME REFERENCES" for each set that has to go.
# Its exit status is 10; any other one is an error.
ipsets_gone_names() {
	if [ "$ipsets_gone_rc" != 0 ]; then
		printf '%s\n' "$ipsets_gone_now" >&2
		echo "ipset list failed ($ipsets_gone_rc), so the sets of this host are unknown" >&2
		return 2
	fi
	{
		blob "$1" && printf '\n\001now %s\n%s\n\001end %s\n' "$1" "$ipsets_gone_now" "$1"
	} | awk -v sum="$1" '
	function bad(words) { errors++; print "ipsets: " words | "cat 1>&2" }
	BEGIN { section = "content" }
	substr($0, 1, 1) == "\001" && $2 == sum && NF == 2 { section = substr($1, 2); next }
	section == "content" && NF > 0 {
		if ($1 !~ /^EUCA-[A-Za-z0-9_.-]+$/) bad("not a line of sets: " $0)
		keep[$1] = 1
	}
	section == "now" && /^Name: / { name = $2 }
	section == "now" && /^References: / && name ~ /^EUCA-/ && !(name in keep) { print name " " $2 }
	END {
		if (section != "end") bad("the sets to compare with arrived incomplete")
		if (errors) { close("cat 1>&2"); exit 2 }
		exit 10
	}'
}

# ipsets_gone_find SUM: the same into ipsets_gone_list.
ipsets_gone_find() {
	ipsets_gone_is=0
	ipsets_gone_list=$(ipsets_gone_names "$1") || ipsets_gone_is=$?
	[ "$ipsets_gone_is" = 10 ] || return 2
}

check_ipsets_gone() {
	ipsets_gone_find "$1" || return 2
	[ -z "$ipsets_gone_list" ]
}

apply_ipsets_gone() {
	# The kernel drops the references of deleted nft rules a moment later.
	ipsets_gone_left=3
	while [ "$ipsets_gone_left" -gt 0 ]; do
		ipsets_gone_left=$((ipsets_gone_left - 1))
		read_ipsets_gone
		ipsets_gone_find "$1"
		case "$ipsets_gone_list " in
		*' '[1-9]*) sleep 1 ;;
		*) break ;;
		esac
	done
	printf '%s\n' "$ipsets_gone_list" | sed -n 's/^\(.*\) 0$/destroy \1/p' | ipset restore
	case "$ipsets_gone_list " in
	*' '[1-9]*)
		echo "sets that rules still use, see iptables-save: $(printf '%s\n' "$ipsets_gone_list" | sed -n 's/ [1-9][0-9]*$//p' | tr '\n' ' ')"
		return 1
		;;
	esac
}
