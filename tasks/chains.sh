# chains table content
#
# The chains of ours in one iptables TABLE (filter, nat, ...) are exactly those
# of CONTENT, and they are hooked into the built-in chains first.
#
# CONTENT is lines of three forms (blank lines and # comments are skipped):
#     :CHAIN -                  a chain of ours; [A-Za-z0-9_.-]{1,28}
#     -A CHAIN MATCHES...       a rule of it, as iptables-restore reads it
#     hook BUILTIN CHAIN        the first rule of BUILTIN is "-j CHAIN"
# The first rule of every chain carries our mark, that is a comment
# "eucactl CLOUD ...": it is what makes a chain ours.
#
# Looks at: one iptables-save, whichever back end that is, and the file
#           $HOST_DIR/chains/TABLE. iptables-save spells rules in its own way, so
#           the text asked for is never compared with the dump: the file keeps,
#           for each chain, the text we asked for and what the back end printed
#           for it just afterwards. A chain is right when both still agree. As
#           long as neither this file nor the table is another than when all was
#           right (TABLE.sum), nothing is compared.
# Changes:  in ONE iptables-restore --noflush transaction replaces the chains
#           that differ, moves our hooks to position 1, and deletes chains that
#           carry our mark and are not wanted any more. One wrong rule and
#           nothing changes. Counters of the other chains stay.
# Never:    touches a rule or a chain that is not ours, a policy, or another
#           table. A chain of a wanted name that is not ours is an error, unless
#           it is empty and no rule of others leads to it. A chain of ours that
#           foreign rules still use is emptied and reported.

# One iptables-save for all tables. Its words are only wanted when it fails.
read_chains() {
	chains_now=$(iptables-save 2>/dev/null)
	chains_rc=$?
}

# chains_ready: there is a dump to compare with, and a tool to act.
chains_ready() {
	if [ "$chains_rc" != 0 ]; then
		iptables-save >/dev/null || :
		echo "chains: iptables-save failed ($chains_rc), so the rules of this host are unknown"
		return 2
	elif ! command -v iptables-restore >/dev/null; then
		echo "chains: there is no iptables-restore on this host: apt-get install iptables"
		return 2
	fi
}

# chains_stream TABLE SUM [TRY]: all that chains_awk reads, in sections. No
# content can fake a section's header: it would have to hold its own sum.
chains_stream() {
	printf '\001stored %s\n' "$2"
	! [ -e "$HOST_DIR/chains/$1" ] || cat "$HOST_DIR/chains/$1" || return 2
	# What was stored may have been cut off in mid-line.
	printf '\n\001content %s\n' "$2"
	blob "$2" || return 2
	printf '\n\001try %s\n' "$2"
	[ -z "${3-}" ] || cat "$3" || return 2
	printf '\001now %s\n%s\n' "$2" "$chains_now"
	printf '\001end %s\n' "$2"
}

# chains_find_boot: the id of this boot into chains_boot.
chains_find_boot() {
	chains_boot=
	! [ -r /proc/sys/kernel/random/boot_id ] || read -r chains_boot </proc/sys/kernel/random/boot_id
}

# chains_awk MODE TABLE SUM [TRY]: weighs what is wanted against what is there.
#   check   exits 10 = is so, 11 = is not so
#   apply   prints the transaction
#   store   prints the new $HOST_DIR/chains/TABLE, given the transaction TRY, and
#           exits as check does
#   diff    prints the present state in the form of CONTENT
# Any other exit status means that it cannot be told; words are on stderr.
# The status 1 is avoided because awk may end with it by itself.
chains_awk() {
	chains_find_boot
	chains_stream "$2" "$3" "${4-}" | awk -v mode="$1" -v table="$2" -v sum="$3" -v cloud="$CLOUD" -v boot="$chains_boot" '
	function bad(words) {
		if (++errors <= 20) print "chains " table ": " words | "cat 1>&2"
	}
	function marked(rule, who) {
		return index(rule, "--comment \"eucactl " who " ") || index(rule, "--comment \"eucactl " who "\"")
	}
	function wanted_chain(name) {
		if (name !~ /^[A-Za-z0-9_.-]+$/ || length(name) > 28 || name ~ /^-/) bad("bad chain name: " $0)
		else if (name in standard) bad("a built-in chain is not ours: " $0)
		else if (name in want) bad("chain " name " is defined twice")
		else { want[name] = 1; chain[++chains] = name }
	}
	function wanted_rule(name, n) {
		if (!(name in want)) { bad("rule of a chain that is not defined above: " $0); return }
		n = ++rules[name]
		rule[name, n] = $0
		if (n == 1 && !marked($0, cloud)) bad("the first rule of " name " lacks the mark eucactl " cloud ": " $0)
		if (!((name, n) in asked) || asked[name, n] != $0) differs[name] = 1
	}
	function wanted_hook(builtin, name) {
		if (!(builtin in standard)) bad("no built-in chain: " $0)
		else if (!(name in want)) bad("hook to a chain that is not defined above: " $0)
		else if (builtin in hook) bad("two hooks in " builtin)
		else { hook[builtin] = name; hooked[++hooks] = builtin }
	}
	function present_rule(name, n, to) {
		n = ++count[name]
		if (n == 1) {
			top[name] = $0
			if (marked($0, cloud)) mine[name] = 1
			else if (index($0, "--comment \"eucactl ")) other[name] = 1
		}
		if (mode != "check") print_rule[name, n] = $0
		if (!((name, n) in got) || got[name, n] != $0) differs[name] = 1
		if ($(NF - 1) != "-j" && $(NF - 1) != "-g") return
		to = $NF
		if (name in standard && NF == 4 && $3 == "-j") { jumps[name, to]++; jump[++all] = name " " to; jumped[to] = 1 }
		else if (name in mine || name in was) linked[to] = 1
		else user[to] = $0
	}
	BEGIN {
		split("INPUT FORWARD OUTPUT PREROUTING POSTROUTING", names, " ")
		for (i in names) standard[names[i]] = 1
		if (cloud !~ /^[0-9a-f]+$/ || length(cloud) != 8) bad("bad cloud id " cloud)
		if (table !~ /^(filter|nat|mangle|raw)$/) bad("bad table " table)
	}
	substr($0, 1, 1) == "\001" && $2 == sum && NF == 2 { section = substr($1, 2); parts++; next }
	section == "stored" {
		# B BOOT_ID, then per chain A = asked for, G = got from the back end.
		# Kernel tables do not outlive a boot, and then the names are free again.
		if (NF == 0) next
		kind = substr($0, 1, 1)
		$0 = substr($0, 2)
		if (kind == "B") { same_boot = ($1 == boot); next }
		if (!same_boot) next
		name = $2
		was[name] = 1
		if (kind == "A") asked[name, ++askeds[name]] = $0
		else got[name, ++gots[name]] = $0
		next
	}
	section == "content" {
		if (NF == 0 || /^#/) next
		if (/^:/ && $2 == "-" && (NF == 2 || NF == 3)) wanted_chain(substr($1, 2))
		else if ($1 == "-A" && NF > 2 && /^-A /) wanted_rule($2)
		else if ($1 == "hook" && NF == 3) wanted_hook($2, $3)
		else bad("not a line of chains: " $0)
		next
	}
	section == "try" {
		if (/^:/) replaced[substr($1, 2)] = 1
		next
	}
	section == "now" {
		if (/^# Table .*incompatible/ && index($0, "`" table "\047")) bad($0)
		if (/^\*/) here = (substr($1, 2) == table)
		if (!here) next
		if (/^:/) present[substr($1, 2)] = 1
		else if (/^-A /) present_rule($2)
		next
	}
	# An undesired chain of ours: present, and marked or remembered.
	function ours(name) { return (name in present) && !(name in other) && (name in mine || name in was) }
	# Empty, and no rule of others leads there: what a flush leaves of ours. Nobody has a use for it, so it is taken.
	function unused(name) { return !(name in top) && !(name in user) && (name ~ /^EUCA-/ || !(name in jumped)) }
	function weigh_chains(i, name) {
		for (i = 1; i <= chains; i++) {
			name = chain[i]
			if (!rules[name]) bad("chain " name " has no rule to carry our mark")
			if (name in present && (name in other || !(name in mine || name in linked || name in was || unused(name))))
				bad("chain " name " exists and is not ours" \
					(name in top ? ", its first rule is " top[name] : ", it is empty") \
					": rename or delete it (iptables -t " table " -S " name ")")
			if (!(name in present) || rules[name] != askeds[name] || count[name] != gots[name]) differs[name] = 1
			if ((name in differs) && !(name in replaced)) change = 1
		}
		for (name in present) if (!(name in want) && ours(name)) { gone[name] = 1; change = 1 }
	}
	function weigh_hooks(i, b, pair) {
		for (i = 1; i <= hooks; i++) {
			b = hooked[i]
			if (jumps[b, hook[b]] != 1 || top[b] != "-A " b " -j " hook[b]) { move[b] = 1; change = 1 }
		}
		# Plain jumps to our chains are hooks of ours, wherever they are.
		for (i = 1; i <= all; i++) {
			split(jump[i], pair, " ")
			if (!(pair[2] in want) && !ours(pair[2])) continue
			if (hook[pair[1]] != pair[2] || pair[1] in move) { drop[++drops] = jump[i]; change = 1 }
		}
	}
	function transaction(i, n, name, pair) {
		print "*" table
		for (i = 1; i <= chains; i++) if (chain[i] in differs) print ":" chain[i] " - [0:0]"
		for (name in gone) print ":" name " - [0:0]"
		for (i = 1; i <= chains; i++) {
			name = chain[i]
			if (name in differs) for (n = 1; n <= rules[name]; n++) print rule[name, n]
		}
		for (i = 1; i <= drops; i++) { split(drop[i], pair, " "); print "-D " pair[1] " -j " pair[2] }
		for (i = 1; i <= hooks; i++) if (hooked[i] in move) print "-I " hooked[i] " 1 -j " hook[hooked[i]]
		for (name in gone) {
			if (name in user) {
				print "# chain " name " is not wanted any more, but a rule that is not ours uses it: " user[name]
				print "-A " name " -m comment --comment \"eucactl " cloud " left\""
			}
			else print "-X " name
		}
		print "COMMIT"
	}
	function store(i, n, name) {
		print "B" boot
		for (i = 1; i <= chains; i++) {
			name = chain[i]
			for (n = 1; n <= rules[name]; n++) print "A" rule[name, n]
			if (name in replaced) for (n = 1; n <= count[name]; n++) print "G" print_rule[name, n]
			else for (n = 1; n <= gots[name]; n++) print "G" got[name, n]
		}
	}
	function show(i, n, name) {
		# In the order of the content: chains, hooks, rules.
		for (i = 1; i <= chains; i++) if (ours(chain[i])) print ":" chain[i] " -"
		for (name in gone) print ":" name " -"
		show_hooks()
		for (i = 1; i <= chains; i++) {
			name = chain[i]
			if (!ours(name)) continue
			# What still is as we left it is shown as it was asked for.
			same = (count[name] == gots[name])
			for (n = 1; n <= count[name]; n++) if (print_rule[name, n] != got[name, n]) same = 0
			if (same) for (n = 1; n <= askeds[name]; n++) print asked[name, n]
			else for (n = 1; n <= count[name]; n++) print print_rule[name, n]
		}
		for (name in gone) for (n = 1; n <= count[name]; n++) print print_rule[name, n]
	}
	# Those that are asked for come first, in that order.
	function show_hooks(i, b, pair) {
		for (i = 1; i <= hooks; i++) {
			b = hooked[i]
			if (top[b] == "-A " b " -j " hook[b] && !shown[b " " hook[b]]++) print "hook " b " " hook[b]
		}
		for (i = 1; i <= all; i++) {
			split(jump[i], pair, " ")
			if (top[pair[1]] == "-A " pair[1] " -j " pair[2] && (pair[2] in want || ours(pair[2])) && !shown[jump[i]]++) print "hook " jump[i]
		}
	}
	END {
		if (section != "end" || parts != 5) bad("the rules to compare with arrived incomplete")
		if (!errors) { weigh_chains(); weigh_hooks() }
		if (errors && mode != "diff") { close("cat 1>&2"); exit 2 }
		if (mode == "apply") transaction()
		if (mode == "store") store()
		if (mode == "diff") show()
		if (mode == "check" || mode == "store") exit (change ? 11 : 10)
		exit 10
	}'
}

# chains_sum TABLE: one sum of what is remembered and of what is there, counters apart.
chains_sum() {
	{
		cat "$HOST_DIR/chains/$1" || return 2
		printf '%s\n' "$chains_now" | sed "/^\*$1\$/,/^COMMIT/!d; s/ \[[0-9]*:[0-9]*\]\$//"
	} | sha256sum
}

# chains_known TABLE: all is as it was when it was right for the content chains_was.
chains_known() {
	[ -f "$HOST_DIR/chains/$1.sum" ] && [ -f "$HOST_DIR/chains/$1" ] || return 1
	read -r chains_in chains_was chains_same <"$HOST_DIR/chains/$1.sum" || return 1
	chains_find_boot
	[ "$chains_in" = "$chains_boot" ] && [ "$chains_same" = "$(chains_sum "$1")" ]
}

check_chains() {
	chains_ready >&2 || return 2
	if chains_known "$1"; then
		[ "$chains_was" = "$2" ]
		return
	fi
	chains_is=0
	chains_awk check "$1" "$2" || chains_is=$?
	case $chains_is in
	10) return 0 ;;
	11) return 1 ;;
	*) return 2 ;;
	esac
}

# chains_do MODE TABLE SUM [TRY]: chains_awk with the usual exit status.
chains_do() {
	chains_is=0
	chains_awk "$@" || chains_is=$?
	[ "$chains_is" = 10 ]
}

# chains_blame TRY WORDS: what iptables-restore said, and the line it meant. The
# nft back end finds a missing chain only at COMMIT, then the name leads there.
chains_blame() {
	printf '%s\n' "$2"
	chains_line=$(printf '%s\n' "$2" | sed -n 's/.*line:\{0,1\} \([0-9][0-9]*\).*/\1/p' | head -n 1)
	[ -n "$chains_line" ] || return 0
	chains_text=$(sed -n "${chains_line}p" "$1")
	chains_name=$(printf '%s\n' "$2" | sed -n "s/.*'\([A-Za-z0-9_.-]*\)'.*/\1/p" | head -n 1)
	if [ "$chains_text" = COMMIT ] && [ -n "$chains_name" ]; then
		chains_text=$(grep -F -e " $chains_name" "$1" | head -n 3)
	fi
	echo "the line is: $chains_text"
}

apply_chains() {
	chains_ready
	mkdir -p "$HOST_DIR/chains"
	chains_try=$HOST_DIR/chains/$1.try
	chains_do apply "$1" "$2" >"$chains_try"
	# What keeps a chain of ours alive stands in the transaction as remarks.
	chains_left=$(sed -n 's/^# //p' "$chains_try")
	if ! chains_words=$(iptables-restore --noflush -w 30 <"$chains_try" 2>&1); then
		chains_blame "$chains_try" "$chains_words"
		echo "no rule of table $1 was changed"
		rm -f "$chains_try"
		return 1
	fi
	[ -z "$chains_words" ] || printf '%s\n' "$chains_words"
	read_chains
	chains_ready
	chains_is=0
	chains_awk store "$1" "$2" "$chains_try" >"$HOST_DIR/chains/$1.new" || chains_is=$?
	case $chains_is in 10 | 11) ;; *) return 2 ;; esac
	mv -f "$HOST_DIR/chains/$1.new" "$HOST_DIR/chains/$1"
	rm -f "$chains_try"
	if [ "$chains_is" = 10 ]; then
		printf '%s %s %s\n' "$chains_boot" "$2" "$(chains_sum "$1")" >"$HOST_DIR/chains/$1.sum.new"
		mv -f "$HOST_DIR/chains/$1.sum.new" "$HOST_DIR/chains/$1.sum"
	fi
	[ -z "$chains_left" ] || { printf '%s\n' "$chains_left"; return 1; }
}

diff_chains() { chains_do diff "$@"; }
