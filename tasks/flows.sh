# flows cloud_cidr content
#
# The connection tracking table holds no entry with a stale translation or a
# dead guest: the kernel decides about address translation at a flow's first
# packet, so an address that moved is followed only when the entry is deleted.
# And no neighbour is known by a dead guest's address: the kernel would believe
# it for up to a minute, and the next guest there would not be reached.
#
# CLOUD_CIDR is the private network of all guests; CONTENT is lines
#     live PRIVATE              a gateway, or an instance that holds the address
#     nat PUBLIC PRIVATE        a translation that is wanted now
#     pool PUBLIC               an address that is ours to translate
#     group NAME PRIVATE...     the guests of a security group
#     permit NAME PROTO FROM TO WHOM
#                               who may reach the group's guests: WHOM is a network or
#                               the NAME of a group, PROTO tcp, udp, icmp or all, FROM
#                               and TO are ports, or an icmp type and code (-1: any)
#
# Looks at: one conntrack -L, one ip neigh show.
# Changes:  deletes, by addresses and service, exactly the entries
#           - to a PUBLIC that were or should be translated, but do not lead to
#             its PRIVATE of today,
#           - that were given a PUBLIC as their source, but do not come from its
#             PRIVATE of today,
#           - with an address in CLOUD_CIDR that is not live (except unanswered
#             ones that only try to reach it: those are made anew for ever by
#             whoever tries, and meet the rules at every packet),
#           - between two guests, without permission any more: the server's
#             answers would keep it alive, and as a new flow they are refused;
#           forgets the neighbours in CLOUD_CIDR that are not live.
# Never:    deletes any other entry, in particular not of flows with the world
#           whose permission was revoked: the rules cut those, while the next
#           segment of the server would revive a deleted one as a flow outwards.

# flows_awk MODE CIDR SUM: MODE check exits 10 = is so, 11 = is not so; MODE
# apply prints for each stale entry the arguments of conntrack -D, and for each
# stale neighbour "neigh ADDRESS DEV". Other exit statuses are errors.
flows_awk() {
	{
		blob "$3" && printf '\n\001now %s\n' "$3" && {
			conntrack -L -f ipv4 2>/dev/null
			printf '\001neigh %s %s\n' "$3" $?
			ip -4 neigh show 2>/dev/null
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
	function within(text, whom, half, bits, unit) {
		split(whom, half, "/")
		unit = 1
		for (bits = half[2]; bits < 32; bits++) unit *= 2
		return int(ip(text) / unit) == int(ip(half[1]) / unit)
	}
	function known(text) { return text in groups }
	# May client reach server? port is the first of what the protocol has: a port,
	# or icmp type; code is of icmp only.
	function permitted(client, server, proto, port, code, all, i, k, n, g, p) {
		n = split(groups[server], all, " ")
		for (i = 1; i <= n; i++) {
			g = all[i]
			if ((g, client) in member) return 1
			for (k = 1; k <= permits[g]; k++) {
				split(permit[g, k], p, " ")
				if (p[1] != "all" && p[1] != proto) continue
				if (p[1] == "icmp" && (p[2] >= 0 && p[2] != port || p[3] >= 0 && p[3] != code)) continue
				if ((p[1] == "tcp" || p[1] == "udp") && (port < p[2] + 0 || port > p[3] + 0)) continue
				if (index(p[4], "/") ? within(client, p[4]) : (p[4], client) in member) return 1
			}
		}
		return 0
	}
	BEGIN {
		section = "content"
		if (split(cidr, half, "/") != 2 || half[2] !~ /^[0-9]+$/ || half[2] > 32) bad("not a network: " cidr)
		else {
			for (size = 1; half[2] < 32; half[2]++) size *= 2
			net = int(ip(half[1]) / size)
		}
	}
	substr($0, 1, 1) == "\001" && $2 == sum { section = substr($1, 2); rc[section] = $3; next }
	section == "content" && NF > 0 {
		if ($1 == "live" && NF == 2) { ip($2); live[$2] = 1 }
		else if ($1 == "pool" && NF == 2) { ip($2); pool[$2] = 1 }
		else if ($1 == "nat" && NF == 3) {
			ip($2); ip($3)
			if ($2 in nat) bad($2 " is translated twice")
			nat[$2] = $3
		}
		else if ($1 == "group") {
			for (i = 3; i <= NF; i++) { ip($i); member[$2, $i] = 1; groups[$i] = groups[$i] " " $2 }
		}
		else if ($1 == "permit" && NF == 6) permit[$2, ++permits[$2]] = $3 " " $4 " " $5 " " $6
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
		if (!stale && known(src) && known(from)) {
			if ($1 == "icmp") stale = !permitted(src, from, $1, field[1, "type"] + 0, field[1, "code"] + 0)
			else stale = !permitted(src, from, $1, field[2, "sport"] + 0, 0)
		}
		if (!stale) next
		found++
		if (mode != "apply") next
		out = "-p " ($1 == "unknown" ? $2 : $1) " -s " src " -d " dst " -r " from " -q " to
		# The port of the client, and the id of an echo, decide nothing: what differs in these goes at once.
		if ($1 == "icmp") out = out " --icmp-type " field[1, "type"] " --icmp-code " field[1, "code"]
		else if (($1 ~ /^(tcp|udp|udplite|sctp|dccp)$/)) out = out " --dport " field[1, "dport"] " --reply-port-src " field[2, "sport"]
		if (zone != "") out = out " --zone " zone
		if (!told[out]++) print out
	}
	# One without lladdr is not known, only asked for.
	section == "neigh" && $2 == "dev" && $4 == "lladdr" && dead($1) {
		found++
		if (mode == "apply") print "neigh " $1 " " $3
	}
	END {
		if (section != "rc") bad("the entries to look at arrived incomplete")
		else if (rc["neigh"] != 0) bad("conntrack -L failed (" rc["neigh"] "), so the flows of this host are unknown")
		else if (rc["rc"] != 0) bad("ip neigh show failed (" rc["rc"] "), so the neighbours of this host are unknown")
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

# flows_delete: conntrack -D for each line of arguments, or ip neigh flush.
flows_delete() {
	flows_rc=0
	while read -r flows_one; do
		case $flows_one in
		'') continue ;;
		'neigh '*)
			flows_one=${flows_one#neigh }
			ip neigh flush to "${flows_one% *}" dev "${flows_one#* }" || flows_rc=1
			continue
			;;
		esac
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
