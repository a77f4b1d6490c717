# iptables chain? table=filter state=present action=append rule_num? ip_version=ipv4 protocol? source? destination? match[]? tcp_flags@? jump? gateway? goto? in_interface? out_interface? fragment? set_counters? source_port? destination_port? destination_ports[]? to_ports? to_destination? to_source? syn=ignore set_dscp_mark? set_dscp_mark_class? comment? ctstate[]? src_range? dst_range? match_set? match_set_flags? limit? limit_burst? uid_owner? gid_owner? reject_with? icmp_type? flush=false policy? log_prefix? log_level? wait? chain_management=false
#
# One rule of iptables is in a chain, or is not; or a chain itself, its policy, or
# that it is empty.
#
#   chain, table       where
#   state              present or absent
#   action             append or insert, at rule_num (else at the top)
#   ip_version         ipv4 or ipv6
#   protocol, source, destination, in_interface, out_interface, fragment, match,
#   source_port, destination_port, icmp_type
#                      what the rule is about, as in iptables' -p, -s, -d, -i, -o, -f,
#                      -m, --sport, --dport, --icmp-type. A ! in front means all others
#   destination_ports  a list of ports and ranges
#   tcp_flags          flags: those that are looked at, flags_set: those that are set
#   syn                match, negate or ignore
#   ctstate            a list of states of the connection
#   src_range, dst_range, match_set with match_set_flags, limit, limit_burst,
#   uid_owner, gid_owner, comment
#                      further matches; what they need is loaded
#   jump, goto         where it leads
#   gateway, to_ports, to_destination, to_source, set_dscp_mark,
#   set_dscp_mark_class, reject_with, log_prefix, log_level, set_counters
#                      what jump needs to know
#   policy             of the chain; nothing else is done then
#   flush              the chain, or the table, has no rules; nothing else is done
#   chain_management   the chain is made too; with state=absent and no rule it goes
#   wait               seconds to wait for another iptables
#
# Never:    saves the rules for the time when the host starts anew.
#
# Results: chain, table, ip_version, state, flush, rule.
#
#     - iptables: { chain: INPUT, protocol: tcp, destination_port: 22, ctstate: NEW, jump: ACCEPT }

# iptables_quote TEXT: as one word for eval, into iptables_quoted.
iptables_quote() {
	iptables_quoted=$1
	case $1 in *\'*) iptables_quoted=$(printf '%s' "$1" | sed "s/'/'\\\\''/g") ;; esac
	iptables_quoted="'$iptables_quoted'"
}

# iptables_add FLAG VALUE: to the rule, unless there is no value. A ! before the
# value comes to stand before the flag.
iptables_add() {
	iptables_not='' iptables_value=$2
	[ -n "$2" ] || return 0
	case $2 in
	!*)
		iptables_not='! ' iptables_value=${2#?}
		while [ "$iptables_value" != "${iptables_value# }" ]; do iptables_value=${iptables_value# }; done
		;;
	esac
	iptables_quote "$iptables_value"
	iptables_rule="$iptables_rule $iptables_not$1 $iptables_quoted"
}

# iptables_match NAME: loads it, unless match names it.
iptables_match() {
	case $iptables_matches in *" $1 "*) return 0 ;; esac
	iptables_rule="$iptables_rule -m $1"
}

# iptables_list TEXT: its lines with commas between, into iptables_listed.
iptables_list() { iptables_listed=$(printf '%s' "$1" | tr '\n' ,); }

# iptables_start ARGUMENTS: the rule into iptables_rule.
iptables_start() {
	iptables_chain=$1 iptables_table=$2 iptables_state=$3 iptables_action=$4 iptables_num=$5 iptables_rule=''
	iptables_flush=${40} iptables_policy=${41} iptables_wait=${44} iptables_make=${45}
	iptables_cmd=iptables
	iptables_sane "$6"
	command -v $iptables_cmd >/dev/null || die "this host has no $iptables_cmd"
	[ "$iptables_flush" = false ] && [ -z "$iptables_policy" ] || return 0
	iptables_list "${10}"
	iptables_matches=" $(printf '%s' "$iptables_listed" | tr , ' ') "
	iptables_about "$@"
	iptables_goal "$@"
	iptables_more "$@"
}

# iptables_sane IP_VERSION
iptables_sane() {
	case $1 in
	ipv4) ;;
	ipv6) iptables_cmd=ip6tables ;;
	*) die "ip_version is ipv4 or ipv6, not '$1'" ;;
	esac
	case $iptables_table in filter | nat | mangle | raw | security) ;; *) die "table is one of filter, nat, mangle, raw and security, not '$iptables_table'" ;; esac
	case $iptables_state in present | absent) ;; *) die "state is present or absent, not '$iptables_state'" ;; esac
	case $iptables_action in append | insert) ;; *) die "action is append or insert, not '$iptables_action'" ;; esac
	case $iptables_policy in '' | ACCEPT | DROP | QUEUE | RETURN) ;; *) die "policy is one of ACCEPT, DROP, QUEUE and RETURN, not '$iptables_policy'" ;; esac
	case $iptables_num$iptables_wait in *[!0-9]*) die "rule_num and wait are whole numbers" ;; esac
	case $iptables_chain in
	'') [ "$iptables_flush" = true ] || die "chain is missing" ;;
	-* | *[!A-Za-z0-9_.:+-]*) die "'$iptables_chain' is no name of a chain" ;;
	esac
	[ "$iptables_flush" = false ] || [ -z "$iptables_policy" ] || die "flush and policy are mutually exclusive: give one"
}

# iptables_about ARGUMENTS: which packets.
iptables_about() {
	iptables_add -p "$7"
	iptables_add -s "$8"
	iptables_add -d "$9"
	for iptables_one in $iptables_matches; do iptables_add -m "$iptables_one"; done
	if [ -n "${11}" ] && [ "${11}" != '{}' ]; then iptables_flags "${11}"; fi
}

# iptables_flags JSON: of the two keys flags and flags_set, each a text or a list.
iptables_flags() {
	for iptables_one in flags flags_set; do
		iptables_value=$(printf '%s' "$1" | sed -n "s/.*\"$iptables_one\":\(\[[^]]*]\|\"[^\"]*\"\).*/\1/p" | tr -d '[]" ')
		[ -n "$iptables_value" ] || die "tcp_flags has flags and flags_set"
		[ $iptables_one = flags_set ] || iptables_rule="$iptables_rule --tcp-flags"
		iptables_quote "$iptables_value"
		iptables_rule="$iptables_rule $iptables_quoted"
	done
}

# iptables_goal ARGUMENTS: where it leads.
iptables_goal() {
	if [ -n "${12}" ]; then
		iptables_add -j "${12}"
	elif [ -n "${38}" ]; then
		iptables_add -j REJECT
	elif [ -n "${42}${43}" ]; then
		iptables_add -j LOG
	fi
	[ -z "${42}${43}" ] || case ${12} in '' | LOG) ;; *) die "log_prefix and log_level need jump=LOG" ;; esac
	iptables_add --gateway "${13}"
	iptables_add --log-prefix "${42}"
	iptables_add --log-level "${43}"
	iptables_add --to-destination "${23}"
	iptables_add --to-source "${24}"
	iptables_add -g "${14}"
	iptables_add -i "${15}"
	iptables_add -o "${16}"
	case ${17} in
	'') ;;
	!*) iptables_rule="$iptables_rule ! -f" ;;
	*) iptables_rule="$iptables_rule -f" ;;
	esac
	# shellcheck disable=SC2086 # two numbers
	[ -z "${18}" ] || iptables_counters ${18}
	iptables_add --source-port "${19}"
	iptables_add --destination-port "${20}"
}

# iptables_counters PACKETS BYTES
iptables_counters() {
	case $#:$1$2 in 2:*[!0-9]*) ;; 2:*) iptables_rule="$iptables_rule -c $1 $2" && return ;; esac
	die "set_counters are two numbers, packets and bytes, not '$*'"
}

# iptables_more ARGUMENTS: matches that are loaded for themselves.
iptables_more() {
	if [ -n "${21}" ]; then
		iptables_match multiport
		iptables_list "${21}"
		iptables_add --dports "$iptables_listed"
	fi
	iptables_add --to-ports "${22}"
	[ -z "${26}" ] || [ -z "${27}" ] || die "set_dscp_mark and set_dscp_mark_class are mutually exclusive: give one"
	iptables_add --set-dscp "${26}"
	iptables_add --set-dscp-class "${27}"
	case ${25} in
	ignore) ;;
	match) iptables_rule="$iptables_rule --syn" ;;
	negate) iptables_rule="$iptables_rule ! --syn" ;;
	*) die "syn is one of ignore, match and negate, not '${25}'" ;;
	esac
	[ -z "${29}" ] || iptables_states "${29}"
	[ -z "${28}" ] || iptables_comment "${28}"
	[ -z "${30}${31}" ] || iptables_match iprange
	iptables_add --src-range "${30}"
	iptables_add --dst-range "${31}"
	[ -z "${32}" ] || iptables_set "${32}" "${33}"
	[ -z "${34}${35}" ] || iptables_match limit
	iptables_add --limit "${34}"
	iptables_add --limit-burst "${35}"
	iptables_owner "${36}" "${37}"
	iptables_add --reject-with "${38}"
	iptables_add --icmp-type "${39}"
}

# iptables_states STATES
iptables_states() {
	iptables_list "$1"
	case $iptables_matches in
	*' state '*) iptables_add --state "$iptables_listed" ;;
	*)
		iptables_match conntrack
		iptables_add --ctstate "$iptables_listed"
		;;
	esac
}

# iptables_comment TEXT
iptables_comment() {
	iptables_match comment
	iptables_quote "$1"
	iptables_rule="$iptables_rule --comment $iptables_quoted"
}

# iptables_owner UID GID
iptables_owner() {
	[ -n "$1$2" ] || return 0
	for iptables_one in "uid $1" "gid $2"; do
		[ -n "${iptables_one#* }" ] || continue
		iptables_match owner
		iptables_add "--${iptables_one%% *}-owner" "${iptables_one#* }"
	done
}

# iptables_set NAME FLAGS
iptables_set() {
	case $2 in src | dst | src,dst | dst,src) ;; *) die "match_set_flags is one of src, dst, src,dst and dst,src, not '$2'" ;; esac
	iptables_match set
	iptables_add --match-set "$1"
	iptables_rule="$iptables_rule $2"
}

# iptables_do OPERATION WORDS...: with the rule behind if the operation is about rules.
iptables_do() {
	iptables_op=$1
	shift
	case $iptables_op in -A | -I | -C | -D) eval "set -- \"\$@\" $iptables_rule" ;; esac
	# shellcheck disable=SC2086 # a number or nothing
	$iptables_cmd -w $iptables_wait -t "$iptables_table" "$iptables_op" "$@"
}

# iptables_is OPERATION CHAIN: 0 yes, 1 no; a tool that cannot tell is neither.
iptables_is() {
	iptables_rc=0
	iptables_said=$(iptables_do "$@" 2>&1) || iptables_rc=$?
	[ $iptables_rc != 0 ] || return 0
	case $iptables_rc:$iptables_said in
	1:*'does a matching rule exist'* | 1:*'Bad rule'* | 1:*'No chain/target/match'* | 1:*'does not exist'* | 1:*'Chain '*) return 1 ;;
	esac
	die "$iptables_said"
}

# iptables_chain_is: the chain is there.
iptables_chain_is() {
	iptables_list=$(iptables_do -S 2>&1) || die "$iptables_list"
	case "
$iptables_list
" in
	*"
-N $iptables_chain
"* | *"
-P $iptables_chain "*) return 0 ;;
	esac
	return 1
}

# iptables_look: what is the case, of policy, flush, chain or rule.
iptables_look() {
	if [ "$iptables_flush" = true ]; then
		# shellcheck disable=SC2086 # a chain or nothing
		iptables_list=$(iptables_do -S $iptables_chain 2>&1) || die "$iptables_list"
		case $iptables_list in -A* | *"
-A"*) return 1 ;; esac
	elif [ -n "$iptables_policy" ]; then
		iptables_list=$(iptables_do -S "$iptables_chain" 2>&1) || die "$iptables_list"
		case $iptables_list in
		"-P $iptables_chain $iptables_policy"*) ;;
		-P*) return 1 ;;
		*) die "$iptables_chain is a chain of its own: only built-in ones have a policy" ;;
		esac
	elif [ "$iptables_make" = true ] && [ -z "$iptables_rule" ]; then
		iptables_there=absent
		! iptables_chain_is || iptables_there=present
		[ $iptables_there = "$iptables_state" ]
	elif [ "$iptables_make" = true ] && ! iptables_chain_is; then
		[ "$iptables_state" = absent ]
	elif iptables_is -C "$iptables_chain"; then
		[ "$iptables_state" = present ]
	else
		[ "$iptables_state" = absent ]
	fi
}

check_iptables() {
	iptables_start "$@"
	result chain "$iptables_chain"
	result table "$iptables_table"
	result ip_version "$6"
	result state "$iptables_state"
	result flush_json "$iptables_flush"
	result rule "${iptables_rule# }"
	iptables_look
}

diff_iptables() {
	iptables_start "$@"
	if [ "$iptables_flush" = true ]; then
		# shellcheck disable=SC2086 # a chain or nothing
		iptables_do -S $iptables_chain | sed -n 's/^-A/--A/p'
	elif [ -n "$iptables_policy" ]; then
		iptables_do -S "$iptables_chain" | sed -n '1s/^/-/p'
		echo "+-P $iptables_chain $iptables_policy"
	elif [ "$iptables_state" = absent ]; then
		echo "-$iptables_chain$iptables_rule"
	else
		echo "+$iptables_chain$iptables_rule"
	fi
}

apply_iptables() {
	iptables_start "$@"
	if [ "$iptables_flush" = true ]; then
		# shellcheck disable=SC2086 # a chain or nothing
		iptables_do -F $iptables_chain
	elif [ -n "$iptables_policy" ]; then
		iptables_do -P "$iptables_chain" "$iptables_policy"
	elif [ "$iptables_state" = absent ]; then
		if [ -n "$iptables_rule" ]; then iptables_do -D "$iptables_chain"; else iptables_do -X "$iptables_chain"; fi
	else
		[ "$iptables_make" = false ] || iptables_chain_is || iptables_do -N "$iptables_chain"
		if [ -n "$iptables_rule" ] || [ "$iptables_make" = false ]; then iptables_place; fi
	fi
}

# iptables_place puts the rule where it belongs.
iptables_place() {
	if [ "$iptables_action" = append ]; then
		iptables_do -A "$iptables_chain"
	else
		# shellcheck disable=SC2086 # a number or nothing
		iptables_do -I "$iptables_chain" $iptables_num
	fi
}
