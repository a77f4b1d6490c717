# flows cloud_cidr content
#
# The connection tracking table holds no entry with a stale translation or a
# dead guest: the kernel decides about address translation at a flow's first
# packet, so an address that moved is followed only when the entry is deleted.
#
# CLOUD_CIDR is the private network of all guests; CONTENT is lines
#     live PRIVATE              a gateway, or an instance that holds the address
#     nat PUBLIC PRIVATE        a translation that is wanted now
#     pool PUBLIC               an address that is ours to translate
#
# Looks at: one conntrack -L.
# Changes:  deletes, by their full tuples, exactly the entries
#           - to a PUBLIC that were or should be translated, but do not lead to
#             its PRIVATE of today,
#           - that were given a PUBLIC as their source, but do not come from its
#             PRIVATE of today,
#           - with an address in CLOUD_CIDR that is not live (except unanswered
#             ones that only try to reach it: those are made anew for ever by
#             whoever tries, and meet the rules at every packet).
# Never:    deletes any other entry, in particular not of flows whose permission
#           was revoked: the rules cut those, while the next segment of the
#           server would revive a deleted one as a flow outwards.

# flows_awk MODE CIDR SUM: MODE check exits 10 = is so, 11 = is not so; MODE
# apply prints for each stale entry the arguments of conntrack -D. Other exit
# statuses are errors.
flows_awk() {
	{
		blob "$3" && printf '\n\001now %s\n' "$3" && {
			conntrack -L -f ipv4 2>/dev/null
			printf '\001rc %s %s\n' "$3" $?
		}
	} | awk -v mode="$1" -v cidr="$2" -v sum="$3" '
	function bad(words) { errors++; print "flows: " words | "cat 1>&2" }
	function ip(text, part) {
		if (text !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) { bad("not an IPv4 address: " text); return -1 }
		split(text, part, ".")
		return ((part[1] * 256 + part[2]) * 256 + part[3]) * 256 + part[4]
	}
	function wanted(public) { return (public in nat) ? nat[public] : "" }
	function inside(text) { return int(ip(text) / size) == net }
	function dead(text) { return !(text in live) && inside(text) }
	BEGIN {
		section = "content"
		if (split(cidr, half, "/") != 2 || half[2] !~ /^[0-9]+$/ || half[2] > 32) bad("not a network: " cidr)
		else {
			for (size = 1; half[2] < 32; half[2]++) size *= 2
			net = int(ip(half[1]) / size)
		}
	}
	substr($0, 1, 1) == "\001" && $2 == sum { section = substr($1, 2); rc = $3; next }
	section == "content" && NF > 0 {
		if ($1 == "live" && NF == 2) { ip($2); live[$2] = 1 }
		else if ($1 == "pool" && NF == 2) { ip($2); pool[$2] = 1 }
		else if ($1 == "nat" && NF == 3) {
			ip($2); ip($3)
			if ($2 in nat) bad($2 " is translated twice")
			nat[$2] = $3
		}
		else bad("not a line of flows: " $0)
	}
	section == "now" && NF > 4 {
		tuples = 0
		zone = answered = arguments = ""
		answered = !index($0, "[UNREPLIED]")
		for (i = 3; i <= NF; i++) {
			at = index($i, "=")
			key = substr($i, 1, at - 1)
			if (key == "src") tuples++
			if (at && tuples) field[tuples, key] = substr($i, at + 1)
			if (at && !tuples && key ~ /^zone/) zone = substr($i, at + 1)
		}
		if (tuples != 2) next
		src = field[1, "src"]; dst = field[1, "dst"]; from = field[2, "src"]; to = field[2, "dst"]
		stale = 0
		if ((dst in pool) && (from != dst || dst in nat) && from != wanted(dst)) stale = 1
		if ((to in pool) && src != to && src != wanted(to)) stale = 1
		if (dead(src) || dead(to)) stale = 1
		if (dead(from) && (answered || from != dst)) stale = 1
		if (!stale) next
		found++
		if (mode != "apply") next
		out = "-p " ($1 == "unknown" ? $2 : $1) " -s " src " -d " dst " -r " from " -q " to
		if ($1 == "icmp") out = out " --icmp-type " field[1, "type"] " --icmp-code " field[1, "code"] " --icmp-id " field[1, "id"]
		else if (($1 ~ /^(tcp|udp|udplite|sctp|dccp)$/)) out = out " --sport " field[1, "sport"] " --dport " field[1, "dport"]
		if (zone != "") out = out " --zone " zone
		print out
	}
	END {
		if (section != "rc") bad("the entries to look at arrived incomplete")
		else if (rc != 0) bad("conntrack -L failed (" rc "), so the flows of this host are unknown")
		if (errors) { close("cat 1>&2"); exit 2 }
		exit (mode == "check" && found ? 11 : 10)
	}'
}

check_flows() {
	flows_is=0
	flows_awk check "$1" "$2" || flows_is=$?
	case $flows_is in
	10) return 0 ;;
	11) return 1 ;;
	esac
	# Its own words, now that they are wanted.
	conntrack -L -f ipv4 >/dev/null || :
	return 2
}

apply_flows() {
	flows_is=0
	flows_list=$(flows_awk apply "$1" "$2") || flows_is=$?
	[ "$flows_is" = 10 ]
	# Its exit status is that of the loop, which runs in a subshell.
	printf '%s\n' "$flows_list" | flows_delete
}

# flows_delete: conntrack -D for each line of arguments.
flows_delete() {
	flows_rc=0
	while read -r flows_one; do
		[ -n "$flows_one" ] || continue
		# shellcheck disable=SC2086 # made of words without blanks above
		flows_words=$(conntrack -D -f ipv4 $flows_one 2>&1) || case $flows_words in
		*' 0 flow entries'*) ;; # it ended by itself
		*)
			printf '%s\n' "conntrack -D $flows_one: $flows_words"
			flows_rc=1
			;;
		esac
	done
	return "$flows_rc"
}
