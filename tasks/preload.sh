# preload table path
#
# What is not ours in the iptables TABLE (filter or nat) is exactly what PATH
# says, a file that the operator wrote with iptables-save; but filter's policy of
# FORWARD is DROP. It is the guide's way with a frontend, and comes in front of
# chains, which sees to what is ours.
#
# Of PATH the block of TABLE is read. Chains of ours in it (somebody saved while
# they were there) and jumps to them count for nothing. Without a file nothing of
# others is wanted. But a file that a reboot took is not one that was removed:
# until there is one again, what it said is remembered.
#
# Looks at: PATH, one iptables-save and the file $HOST_DIR/preload/TABLE, which
#           keeps the text asked for and what the back end printed for it.
# Changes:  in ONE whole iptables-restore of TABLE: the operator's rules, and ours
#           as they are, hooks first. One wrong rule and nothing changes.
# Refuses:  a table that may not let the controller in again, by the SSH
#           connection that this program came through: each packet of it and of
#           the next one must surely be accepted. What cannot be judged (sets,
#           limits, unknown targets) counts against it.
# Never:    touches another table.

# One iptables-save for all tables. Its words are only wanted when it fails.
read_preload() {
	preload_now=$(iptables-save 2>/dev/null)
	preload_rc=$?
}

# preload_ready PATH: there is a dump, a tool to act, and the file is read whole.
preload_ready() {
	if [ "$preload_rc" != 0 ]; then
		iptables-save >/dev/null || :
		echo "preload: iptables-save failed ($preload_rc), so the rules of this host are unknown"
		return 2
	elif ! command -v iptables-restore >/dev/null; then
		echo "preload: there is no iptables-restore on this host: apt-get install iptables"
		return 2
	fi
	preload_file='' preload_missing=yes
	if [ -e "$1" ]; then
		[ -f "$1" ] || die "preload: $1 is not a file"
		preload_missing=
		preload_file=$(cat "$1") || return 2
	fi
	preload_sum=$(printf '%s\n' "$preload_file" | sha256sum) || return 2
	preload_sum=${preload_sum%% *}
}

# preload_stream TABLE: all that preload_awk reads, in sections. No content can
# fake a section's header: it would have to hold its own sum.
preload_stream() {
	printf '\001stored %s\n' "$preload_sum"
	! [ -e "$HOST_DIR/preload/$1" ] || cat "$HOST_DIR/preload/$1" || return 2
	printf '\n\001chains %s\n' "$preload_sum"
	! [ -e "$HOST_DIR/chains/$1" ] || cat "$HOST_DIR/chains/$1" || return 2
	printf '\n\001file %s\n%s\n' "$preload_sum" "$preload_file"
	printf '\001now %s\n%s\n' "$preload_sum" "$preload_now"
	printf '\001end %s\n' "$preload_sum"
}

# preload_awk MODE TABLE PATH: weighs what is wanted against what is there.
#   check   exits 10 = is so, 11 = is not so
#   apply   prints the whole table as it shall be
#   store   prints the new $HOST_DIR/preload/TABLE
#   diff    prints what goes and what comes
# Any other exit status means that it cannot be told; words are on stderr.
preload_awk() {
	preload_boot=
	! [ -r /proc/sys/kernel/random/boot_id ] || read -r preload_boot </proc/sys/kernel/random/boot_id
	preload_stream "$2" | awk -v mode="$1" -v table="$2" -v path="$3" -v sum="$preload_sum" \
		-v missing="$preload_missing" -v cloud="$CLOUD" -v boot="$preload_boot" '
	function bad(words) {
		if (++errors <= 20) print "preload " table ": " words | "cat 1>&2"
	}
	function at(n) { return "line " n " of " path ": " }
	function marked(rule, who) {
		return index(rule, "--comment \"eucactl " who " ") || index(rule, "--comment \"eucactl " who "\"")
	}
	# plain: -A CHAIN -j TARGET and nothing else.
	function plain() { return NF == 4 && $3 == "-j" }
	function target() { return $(NF - 1) == "-j" || $(NF - 1) == "-g" ? $NF : "" }
	function file_chain(name) {
		name = substr($1, 2)
		if (name == "" || NF < 2 || NF > 3) bad(at(line) "not a chain: " $0)
		else if ((name in listed)) bad(at(line) "chain " name " is there twice")
		else if ($2 != "-" && !(name in standard)) bad(at(line) "no built-in chain of " table ": " $0)
		else if ($2 == "-" && (name in standard)) bad(at(line) "a built-in chain without a policy: " $0)
		else if ($2 !~ /^(-|ACCEPT|DROP)$/) bad(at(line) "no policy: " $0)
		else if ($2 != "-") policy[name] = $2
		else chain[++chains] = name
		listed[name] = 1
	}
	function file_rule(name) {
		name = $2
		if (!(name in standard) && !(name in listed)) { bad(at(line) "rule of a chain that is not listed above: " $0); return }
		rule[++rules] = $0; rule_line[rules] = line; rule_of[rules] = name
		rule_plain[rules] = plain(); rule_to[rules] = target()
		if (filled[name]++ == 0 && index($0, "--comment \"eucactl ")) dropped[name] = 1
	}
	function present_rule(name, n) {
		name = $2
		n = ++count[name]
		is[name, n] = $0; is_plain[name, n] = plain(); is_to[name, n] = target()
		if (n > 1) return
		if (marked($0, cloud)) ours[name] = 1
		else if (index($0, "--comment \"eucactl ")) other[name] = 1
	}
	BEGIN {
		builtins = split(table == "filter" ? "INPUT FORWARD OUTPUT" : "PREROUTING INPUT OUTPUT POSTROUTING", builtin, " ")
		for (i = 1; i <= builtins; i++) standard[builtin[i]] = 1
		if (cloud !~ /^[0-9a-f]+$/ || length(cloud) != 8) bad("bad cloud id " cloud)
		if (table !~ /^(filter|nat)$/) bad("bad table " table)
	}
	substr($0, 1, 1) == "\001" && $2 == sum && NF == 2 { section = substr($1, 2); parts++; next }
	section == "stored" {
		# B BOOT_ID of when there was a file last, A = asked for, G = got from the back end.
		kind = substr($0, 1, 1)
		$0 = substr($0, 2)
		if (kind == "B") read_in = $1
		else if (kind == "A") { asked[++askeds] = $0; was_asked[$0] = 1 }
		else if (kind == "G" && /^:/) got_policy[substr($1, 2)] = $2
		else if (kind == "G") got[$2, ++gots[$2]] = $0
		next
	}
	section == "chains" {
		# What the kind chains remembers as ours, of this boot.
		if (/^B/) same_boot = ($0 == "B" boot)
		else if (same_boot && NF > 1) remembered[$2] = 1
		next
	}
	section == "file" {
		line++
		sub(/[ \t\r]+$/, "")
		if (/^[ \t]*(#|$)/) next
		if (/^\*/) {
			if (here != "") bad(at(line) "the table before it has no COMMIT: is the file whole?")
			here = substr($1, 2)
			if (here == table && blocks++) bad(at(line) "a second block of this table")
		}
		else if ($0 == "COMMIT") here = ""
		else if (here == "") bad(at(line) "not in a table: " $0)
		else if (here == table) {
			sub(/^\[[0-9]+:[0-9]+\] +/, "")
			if (/^:/) file_chain()
			else if (/^-A / && NF > 2) file_rule()
			else bad(at(line) "not a line of iptables-save: " $0)
		}
		next
	}
	section == "now" {
		if (/^# Table .*incompatible/ && index($0, "`" table "\047")) bad($0)
		if (/^\*/) inside = (substr($1, 2) == table)
		if (!inside) next
		if (/^:/) { name[++names] = substr($1, 2); present[substr($1, 2)] = $2 }
		else if (/^-A /) present_rule()
		next
	}
	# Ours are chains with our mark, those that we remember or name so, and where these
	# lead: without that our rules could not be.
	function find_ours(i, n, c) {
		for (i = 1; i <= names; i++) {
			c = name[i]
			if (!(c in standard) && !(c in other) && (c in remembered || c ~ /^EUCA-/)) ours[c] = 1
		}
		do {
			more = 0
			for (i = 1; i <= names; i++) if (name[i] in ours) for (n = 1; n <= count[name[i]]; n++) {
				c = is_to[name[i], n]
				if ((c in present) && !(c in standard) && !(c in ours)) more = ours[c] = 1
			}
		} while (more)
	}
	function hook(c, n) { return (c in standard) && is_plain[c, n] && (is_to[c, n] in ours) }
	function want(text, n) { wanted[++wants] = text; wanted_line[wants] = n }
	# What the file says without what is ours, in one spelling.
	function find_wanted(i, c) {
		if (here != "") bad(at(line) "the last table has no COMMIT: is the file whole?")
		if (missing && askeds && read_in != boot) {
			for (i = 1; i <= askeds; i++) want(asked[i], 0)
			remembering = 1
			return
		}
		for (i = 1; i <= builtins; i++) {
			c = builtin[i]
			want(":" c " " (c == "FORWARD" ? "DROP" : (c in policy) ? policy[c] : "ACCEPT"), 0)
		}
		for (i = 1; i <= chains; i++) {
			c = chain[i]
			if (c ~ /^EUCA-/) dropped[c] = 1
			if (c in ours && !(c in dropped)) {
				if (filled[c]) bad("chain " c " of " path " is one of eucactl\047s here: rename it")
				dropped[c] = 1
			}
			if (!(c in dropped)) want(":" c " -", 0)
		}
		for (i = 1; i <= rules; i++) {
			c = rule_to[i]
			if (rule_of[i] in dropped || c in dropped && rule_of[i] in standard && rule_plain[i]) continue
			if (c in dropped) bad(at(rule_line[i]) "it leads to a chain of eucactl: " rule[i])
			want(rule[i], rule_line[i])
		}
	}
	# foreign calls see with each line that is not ours.
	function foreign(i, n, k, c) {
		for (i = 1; i <= names; i++) {
			c = name[i]
			if (c in ours) continue
			see(":" c " " present[c], c, 0)
			k = 0
			for (n = 1; n <= count[c]; n++) if (!hook(c, n)) see(is[c, n], c, ++k)
			seen_rules[c] = k
		}
	}
	function see(text, c, k) {
		if (mode == "store") print "G" text
		if (mode == "diff") { there[text] = 1; if (!(text in accounted)) print "-" text }
		if (k ? got[c, k] != text : got_policy[c] != present[c]) change = 1
		seen_chain[c] = 1
	}
	function weigh(i, c) {
		if (wants != askeds) change = 1
		for (i = 1; i <= wants; i++) if (wanted[i] != asked[i]) change = 1
		for (c in got_policy) if (!(c in seen_chain) || seen_rules[c] != gots[c] + 0) change = 1
	}
	# Hooks go first. One that was not stays behind as well: that there is something for
	# the kind chains to do has been said already, when this was a check.
	function hooks(behind, i, n, c) {
		for (i = 1; i <= builtins; i++) {
			c = builtin[i]
			if (behind && hook(c, 1)) continue
			for (n = 1; n <= count[c]; n++) if (hook(c, n)) print is[c, n]
		}
	}
	function transaction(i, n, c) {
		print "*" table
		for (i = 1; i <= wants; i++) if (wanted[i] ~ /^:/) print wanted[i] " [0:0]"
		for (i = 1; i <= names; i++) if (name[i] in ours) print ":" name[i] " - [0:0]"
		hooks(0)
		for (i = 1; i <= wants; i++) if (wanted[i] !~ /^:/) {
			print "# " (wanted_line[i] ? "line " wanted_line[i] " of " path : "remembered of " path)
			print wanted[i]
		}
		hooks(1)
		for (i = 1; i <= names; i++) if (name[i] in ours) for (n = 1; n <= count[name[i]]; n++) print is[name[i], n]
		print "COMMIT"
	}
	function differences(i, c, n) {
		for (c in gots) for (n = 1; n <= gots[c]; n++) accounted[got[c, n]] = 1
		for (c in got_policy) accounted[":" c " " got_policy[c]] = 1
		for (i = 1; i <= wants; i++) accounted[wanted[i]] = 1
		# What was asked for before and is not any more has no line of its own in the dump.
		for (i = 1; i <= askeds; i++) still[asked[i]] = 1
		for (i = 1; i <= wants; i++) now_wanted[wanted[i]] = 1
		for (i = 1; i <= askeds; i++) if (!(asked[i] in now_wanted)) print "-" asked[i]
		foreign()
		for (i = 1; i <= wants; i++) if (!(wanted[i] in still) && !(wanted[i] in there)) print "+" wanted[i]
		for (c in gots) for (n = 1; n <= gots[c]; n++) if (!(got[c, n] in there)) print "+" got[c, n]
	}
	END {
		if (section != "end" || parts != 5) bad("the rules to compare with arrived incomplete")
		if (!errors) { find_ours(); find_wanted() }
		if (errors) { close("cat 1>&2"); exit 2 }
		if (mode == "apply") transaction()
		else if (mode == "diff") differences()
		else {
			if (mode == "store") {
				print "B" (remembering ? read_in : boot)
				for (i = 1; i <= wants; i++) print "A" wanted[i]
			}
			foreign()
			weigh()
		}
		if (mode == "check") exit (change ? 11 : 10)
		exit 10
	}'
}

# preload_caller: "CLIENT PORT SERVER PORT" of the SSH connection that this
# program came through, none if it came through none. sudo keeps the variable from
# us, but not from those above us.
preload_caller() {
	[ -z "${SSH_CONNECTION-}" ] || { printf '%s\n' "$SSH_CONNECTION" && return; }
	preload_pid=$PPID
	while [ "${preload_pid:-0}" -gt 1 ]; do
		[ -r "/proc/$preload_pid/environ" ] || return 2
		preload_found=$(tr '\000' '\n' <"/proc/$preload_pid/environ" | sed -n 's/^SSH_CONNECTION=//p') || return 2
		[ -z "$preload_found" ] || { printf '%s\n' "$preload_found" && return; }
		preload_pid=$(sed 's/.*) [A-Z] \([0-9]*\) .*/\1/' "/proc/$preload_pid/stat") || return 2
	done
}

# preload_dev CLIENT SERVER: the interface of a connection, ? if that is not sure.
preload_dev() {
	preload_in=$(ip -4 -o addr show to "$2" 2>/dev/null | sed 's/^[0-9]*: *\([^ ]*\).*/\1/')
	preload_out=$(ip -4 route get "$1" from "$2" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p')
	[ -n "$preload_in" ] && [ "$preload_in" = "$preload_out" ] || preload_in='?'
	printf '%s\n' "$preload_in"
}

# preload_spares TABLE PATH: the table as it shall be lets the controller in.
preload_spares() {
	preload_who=$(preload_caller) || { echo "preload: who is connected here cannot be told from /proc"; return 2; }
	# shellcheck disable=SC2086 # four words
	set -- "$1" "$2" ${preload_who:-local}
	case $3 in
	local) return 0 ;;
	::ffff:*.*) ;;
	*:*) return 0 ;; # by IPv6, which this table is not about
	esac
	preload_text=$(preload_awk apply "$1" "$2") || [ $? = 10 ] || return 2
	printf '%s\n' "$preload_text" | awk -v table="$1" -v path="$2" -v client="${3#::ffff:}" \
		-v server="${5#::ffff:}" -v port="$6" -v dev="$(preload_dev "${3#::ffff:}" "${5#::ffff:}")" '
	function number(ip, o) { split(ip, o, "."); return ((o[1] * 256 + o[2]) * 256 + o[3]) * 256 + o[4] }
	# Each of these says 1 yes, 0 no, 2 perhaps.
	function within(ip, net, p, n, bits, size) {
		n = split(net, p, "/")
		bits = n == 1 ? 32 : p[2]
		if (p[1] !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/ || bits !~ /^[0-9]+$/) return 2
		for (size = 1; bits < 32; bits++) size *= 2 # busybox may have no power
		return int(number(ip) / size) == int(number(p[1]) / size)
	}
	function on(name) {
		if (dev == "?") return 2
		if (name ~ /\+$/) return index(dev, substr(name, 1, length(name) - 1)) == 1
		return name == dev
	}
	function ports(list, mine, p, r, n, i) {
		n = split(list, p, ",")
		for (i = 1; i <= n; i++) {
			if (p[i] !~ /^[0-9]*:?[0-9]*$/) return 2
			if (split(p[i], r, ":") == 1) r[2] = r[1]
			if (r[2] == "") r[2] = 65535
			if (mine >= r[1] + 0 && mine <= r[2] + 0) return 1
		}
		return 0
	}
	function listed(list, word) { return index("," list ",", "," word ",") > 0 }
	function flags(mask, set, f, n, i) {
		if (mask == "ALL") mask = "FIN,SYN,RST,PSH,ACK,URG"
		n = split(mask, f, ",")
		# Whether a packet in the middle of a flow is pushed or the last one is open.
		for (i = 1; i <= n; i++) if (listed(set, f[i]) != (f[i] == mine_flag)) return f[i] ~ /PSH|FIN/ && mine_flag == "ACK" ? 2 : 0
		return 1
	}
	function option(w, i, out) {
		out = direction == "out"
		used = 2
		if (w[i] == "-m") return w[i + 1] ~ /^(tcp|comment|conntrack|state|multiport|addrtype)$/ ? 1 : 2
		if (w[i] == "-p") return w[i + 1] == "tcp" || w[i + 1] == "all" || w[i + 1] == 6
		if (w[i] == "-s") return within(out ? server : client, w[i + 1])
		if (w[i] == "-d") return within(out ? client : server, w[i + 1])
		if (w[i] == "-i") return out ? 0 : on(w[i + 1])
		if (w[i] == "-o") return out ? on(w[i + 1]) : 0
		if (w[i] == (out ? "--sport" : "--dport") || w[i] == (out ? "--sports" : "--dports")) return ports(w[i + 1], port)
		if (w[i] == "--state" || w[i] == "--ctstate") return listed(w[i + 1], state)
		if (w[i] == "--ctdir") return w[i + 1] == (out ? "REPLY" : "ORIGINAL")
		if (w[i] == "--dst-type" && !out || w[i] == "--src-type" && out) return w[i + 1] == "LOCAL"
		if (w[i] == "--tcp-flags") { used = 3; return flags(w[i + 1], w[i + 2]) }
		if (w[i] == "--syn") { used = 1; return state == "NEW" }
		if (w[i] == "--comment") return 1
		if (w[i] == "-f") { used = 1; return 0 }
		for (used = 1; w[i + used] != "" && w[i + used] !~ /^(-|!)/; ) used++
		return 2
	}
	# How well a rule meets the packet; its verdict is in to and goes.
	function meets(text, w, n, i, not, one, all) {
		all = 1
		to = ""
		n = split(text, w, " ")
		for (i = 3; i <= n; i += used) {
			used = 1
			if (w[i] == "!") { not = 1; continue }
			if (w[i] == "-j" || w[i] == "-g") { to = w[i + 1]; goes = w[i]; break }
			one = option(w, i)
			if (not && one < 2) one = !one
			not = 0
			if (!one) return 0
			if (one == 2) all = 2
		}
		return all
	}
	# A = surely accepted, D = perhaps not, nothing = came out at the end.
	function walk(c, depth, i, m, t, g, sub_verdict, unsure) {
		for (i = 1; i <= count[c]; i++) {
			m = meets(rule[c, i])
			t = to
			g = goes
			if (!m || t == "" || t ~ /^(LOG|NFLOG|ULOG|MARK|CONNMARK|TCPMSS|SET|AUDIT|TRACE|CT|NOTRACK|TOS|DSCP|CLASSIFY|CHECKSUM)$/) continue
			if (t == "RETURN") {
				if (m == 1) return ""
				unsure = 1
			} else if (t == "ACCEPT") {
				if (m == 1 && !unsure) return "A"
			} else if ((t in chain) && depth < 50) {
				sub_verdict = walk(t, depth + 1)
				if (sub_verdict == "D") return "D"
				if (m == 1 && !unsure && (sub_verdict == "A" || g == "-g")) return sub_verdict
				if (g == "-g") unsure = 1
			} else {
				blame = "meets \"" spelled[c, i] "\"" (where[c, i] ? ", " where[c, i] : "")
				return "D"
			}
		}
		return ""
	}
	function passes(c, way, st, verdict) {
		direction = way; state = st; mine_flag = st == "NEW" ? "SYN" : "ACK"
		verdict = walk(c, 0)
		if (verdict == "A" || verdict == "" && policy[c] == "ACCEPT") return
		if (verdict == "") blame = "meets no rule of " c " that surely accepts it, and its policy is " policy[c]
		advice = c == "OUTPUT" ? "-d " client "/32 -p tcp -m tcp --sport " port : "-s " client "/32 -p tcp -m tcp --dport " port
		print "preload " table ": this may shut the controller out: a packet of its SSH connection (" client " to " server " port " port \
			") " blame ". Nothing was changed. Begin this table of " path " with -A " c " " advice " -j ACCEPT"
		exit 3
	}
	/^# / { note = substr($0, 3); next }
	/^:/ { c = substr($1, 2); chain[c] = 1; policy[c] = $2; next }
	/^-A / {
		c = $2
		text = $0
		gsub(/"([^"\\]|\\.)*"/, "_", text)
		rule[c, ++count[c]] = text; spelled[c, count[c]] = $0; where[c, count[c]] = note
		note = ""
	}
	END {
		if (table == "nat") passes("PREROUTING", "in", "NEW")
		else {
			passes("INPUT", "in", "NEW")
			passes("INPUT", "in", "ESTABLISHED")
			passes("OUTPUT", "out", "ESTABLISHED")
		}
	}' >&2 || return 2
}

check_preload() {
	preload_ready "$2" >&2 || return 2
	preload_is=0
	preload_awk check "$1" "$2" || preload_is=$?
	case $preload_is in
	10) return 0 ;;
	11) preload_spares "$1" "$2" && return 1 || return 2 ;;
	*) return 2 ;;
	esac
}

# preload_do MODE TABLE PATH: preload_awk with the usual exit status.
preload_do() {
	preload_is=0
	preload_awk "$@" || preload_is=$?
	[ "$preload_is" = 10 ]
}

# preload_blame TRY WORDS: what iptables-restore said, and the rule it meant. Above
# each rule of the operator stands where it comes from. The nft back end finds a
# missing chain only at COMMIT, then the name leads there.
preload_blame() {
	printf '%s\n' "$2"
	preload_line=$(printf '%s\n' "$2" | sed -n 's/.*line:\{0,1\} \([0-9][0-9]*\).*/\1/p' | head -n 1)
	[ -n "$preload_line" ] || return 0
	preload_from=$((preload_line - 1))
	if [ "$(sed -n "${preload_line}p" "$1")" != COMMIT ]; then
		sed -n "${preload_from}s/^# \(.*\)/it is \1:/p; ${preload_line}p" "$1"
		return 0
	fi
	preload_name=$(printf '%s\n' "$2" | sed -n "s/.*'\([A-Za-z0-9_.-]*\)'.*/\1/p" | head -n 1)
	[ -z "$preload_name" ] || grep -F -B 1 -e " $preload_name" "$1" | sed 's/^# \(.*\)/it is \1:/' | head -n 4
}

apply_preload() {
	preload_ready "$2"
	[ -z "$preload_missing" ] || echo "there is no $2"
	mkdir -p "$HOST_DIR/preload"
	preload_try=$HOST_DIR/preload/$1.try
	preload_do apply "$1" "$2" >"$preload_try"
	if ! preload_words=$(iptables-restore -w 30 <"$preload_try" 2>&1); then
		preload_blame "$preload_try" "$preload_words"
		echo "no rule of table $1 was changed"
		rm -f "$preload_try"
		return 1
	fi
	[ -z "$preload_words" ] || printf '%s\n' "$preload_words"
	rm -f "$preload_try"
	read_preload
	preload_ready "$2"
	preload_do store "$1" "$2" >"$HOST_DIR/preload/$1.new"
	mv -f "$HOST_DIR/preload/$1.new" "$HOST_DIR/preload/$1"
}

diff_preload() { preload_ready "$2" && preload_do diff "$@"; }
