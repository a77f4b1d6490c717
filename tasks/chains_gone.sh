# chains_gone flush=
#
# In the back end of iptables that is not in use (legacy where iptables is nft,
# nft where it is legacy) there is no chain of ours: those that were made before
# the host's iptables became another one still drop, and translate, what the
# present ones do not. Of the tables FLUSH (separated by blanks), which are the
# operator's preload and ours, nothing is there at all. It comes after chains. A
# packet passes only what both back ends accept, so taking the old ones away opens
# nothing that the present ones do not.
#
# Looks at: iptables -V, and iptables-legacy-save where there are legacy tables, or
#           iptables-nft-save.
# Changes:  deletes chains with our mark and the plain jumps to them, and empties
#           the tables FLUSH, in one iptables-restore --noflush of that back end.
# Never:    touches a rule or a chain that is not ours in other tables. A chain of
#           ours that rules of others still use is emptied and stays.

# chains_gone_find: the other back end into chains_gone_other, nothing if there is
# none, and into chains_gone_do what its iptables-restore shall do. $1 is FLUSH.
chains_gone_find() {
	chains_gone_do='' chains_gone_other=nft
	chains_gone_is=$(iptables -V) || die "chains_gone: iptables -V failed ($?): apt-get install iptables"
	case $chains_gone_is in
	*nf_tables*)
		chains_gone_other=legacy
		{ read -r chains_gone_table </proc/net/ip_tables_names; } 2>/dev/null || return 0
		;;
	esac
	command -v "iptables-$chains_gone_other-save" >/dev/null || return 0
	chains_gone_now=$("iptables-$chains_gone_other-save" 2>&1) || case $chains_gone_now in
	*'not supported'*) return 0 ;; # by this kernel, so nothing was ever there
	*)
		printf '%s\n' "$chains_gone_now"
		die "chains_gone: iptables-$chains_gone_other-save failed, so the rules of that back end are unknown"
		;;
	esac
	chains_gone_do=$(printf '%s\n' "$chains_gone_now" | awk -v cloud="$CLOUD" -v flush=" $1 " '
	/^\*/ {
		here = substr($1, 2)
		flushed = index(flush, " " here " ")
		begun = 0
	}
	flushed && (/^-A / || /^:/ && $2 != "ACCEPT") && !begun++ { print "*" here "\n-F\n-X" }
	flushed && begun && /^COMMIT/ { print "COMMIT" }
	flushed && /^:/ && $2 == "DROP" { print "-P " substr($1, 2) " ACCEPT" }
	flushed { next }
	/^:/ && $2 == "-" { chain[++chains] = here " " substr($1, 2) }
	/^-A / {
		if (++count[here, $2] == 1 && (index($0, "--comment \"eucactl " cloud " ") || index($0, "--comment \"eucactl " cloud "\""))) mine[here " " $2] = 1
		if ($(NF - 1) != "-j" && $(NF - 1) != "-g") next
		if (NF == 4 && $3 == "-j" && $2 ~ /^(INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)$/) { jump[++jumps] = here " " $NF; from[jumps] = $2 }
		else { use[++uses] = here " " $NF; by[uses] = here " " $2 }
	}
	END {
		for (i = 1; i <= uses; i++) if (!(by[i] in mine)) used[use[i]] = 1
		for (i = 1; i <= chains; i++) if (chain[i] in mine) {
			split(chain[i], of, " ")
			if (of[1] != table) print (table == "" ? "" : rest "COMMIT\n") "*" of[1]
			if (of[1] != table) rest = ""
			table = of[1]
			print ":" of[2] " - [0:0]"
			for (j = 1; j <= jumps; j++) if (jump[j] == chain[i]) print "-D " from[j] " -j " of[2]
			if (!(chain[i] in used)) rest = rest "-X " of[2] "\n"
		}
		if (table != "") print rest "COMMIT"
	}')
}

check_chains_gone() {
	chains_gone_find "$1" >&2
	[ -z "$chains_gone_do" ]
}

apply_chains_gone() {
	chains_gone_find "$1"
	printf '%s\n' "$chains_gone_do" | "iptables-$chains_gone_other-restore" --noflush -w 30
}
