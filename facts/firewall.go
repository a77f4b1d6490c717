package facts

import (
	"fmt"
	"strings"
)

// FirewallScript prints who judges packets on a host, without what is in our chains.
// Each line begins with whose it is: "i" iptables, as its present back end says it;
// "o" what the other back end holds as well; "n FAMILY TABLE CHAIN HOOK POLICY DROPS"
// a chain of nftables at a hook, that iptables did not make, with the number of its
// rules that drop or reject. The other back end is only asked where it has something:
// asking loads its modules.
const FirewallScript = `
# shellcheck disable=SC2016 # it is awk's
ours='
$1 == "-A" && ($2 ~ /^EUCA-/ || $2 in ours) { next }
$1 == "-A" && !($2 in seen) {
	seen[$2] = 1
	if (/--comment "eucactl /) { ours[$2] = 1; next }
}
/^\*/ { split("", seen); split("", ours) }
/^[*:-]/ { print mark, $0 }'
text=$(iptables-save) || exit 2
case $(iptables -V 2>&1) in *nf_tables*) backend=nft ;; *) backend=legacy ;; esac
echo "backend $backend"
printf '%s\n' "$text" | awk -v mark=i "$ours"
if [ $backend = nft ]; then
	table=
	[ ! -r /proc/net/ip_tables_names ] || read -r table </proc/net/ip_tables_names || :
	if [ -n "$table" ] && command -v iptables-legacy-save >/dev/null; then
		text=$(iptables-legacy-save) || exit 2
		printf '%s\n' "$text" | awk -v mark=o "$ours"
	fi
fi
command -v nft >/dev/null || exit 0
text=$(nft list ruleset) || exit 2
printf '%s\n' "$text" | awk -v backend="$backend" '
$1 == "table" { family = $2; table = $3; next }
$1 == "chain" { chain = $2; hook = ""; policy = "accept"; drops = 0; next }
chain == "" { next }
$1 == "type" && / hook / {
	for (i = 1; i <= NF; i++) {
		if ($i == "hook") hook = $(i + 1)
		if ($i == "policy") { policy = $(i + 1); sub(/;.*/, "", policy) }
	}
	next
}
$1 == "}" {
	made = (family == "ip" || family == "ip6") && table ~ /^(filter|nat|mangle|raw|security)$/
	if (hook != "" && (!made || backend == "legacy")) print "n", family, table, chain, hook, policy, drops
	chain = ""
	next
}
/(^|[ \t])(drop|reject)([ \t;]|$)/ { drops++ }'
`

// Firewall is who judges packets on a host.
type Firewall struct {
	Backend string // of iptables: nft or legacy
	Chains  []RuleChain
	Other   []RuleChain // what the other back end holds
	Native  []NativeChain
}

// RuleChain is a chain of iptables with its rules, which are not ours.
type RuleChain struct {
	Table, Name string
	Policy      string // "-" of chains that are not built in
	Rules       []string
}

// NativeChain is a chain of nftables at a hook that iptables did not make.
type NativeChain struct {
	Family, Table, Name string
	Hook, Policy        string
	Drops               int
}

// ReadFirewall reads what FirewallScript printed.
func ReadFirewall(text string) (Firewall, error) {
	var f Firewall
	present, other := chainReader{list: &f.Chains}, chainReader{list: &f.Other}
	for line := range strings.Lines(text) {
		mark, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		var err error
		switch {
		case mark == "backend" && f.Backend == "" && (rest == "nft" || rest == "legacy"):
			f.Backend = rest
		case mark == "i" && f.Backend != "":
			err = present.line(rest)
		case mark == "o" && f.Backend != "":
			err = other.line(rest)
		case mark == "n":
			var n NativeChain
			if _, e := fmt.Sscan(rest, &n.Family, &n.Table, &n.Name, &n.Hook, &n.Policy, &n.Drops); e != nil {
				err = fmt.Errorf("firewall: not a chain of nftables: %q", rest)
			}
			f.Native = append(f.Native, n)
		default:
			err = fmt.Errorf("firewall: unexpected %q", line)
		}
		if err != nil {
			return Firewall{}, err
		}
	}
	if f.Backend == "" {
		return Firewall{}, fmt.Errorf("firewall: the back end is missing")
	}
	return f, nil
}

// chainReader follows the form of iptables-save.
type chainReader struct {
	list  *[]RuleChain
	table string
}

func (r *chainReader) line(s string) error {
	switch {
	case strings.HasPrefix(s, "*"):
		r.table = s[1:]
		return nil
	case strings.HasPrefix(s, ":") && r.table != "":
		if f := strings.Fields(s[1:]); len(f) >= 2 {
			*r.list = append(*r.list, RuleChain{Table: r.table, Name: f[0], Policy: f[1]})
			return nil
		}
	case strings.HasPrefix(s, "-A "):
		name, _, _ := strings.Cut(s[3:], " ")
		for i := range *r.list {
			if c := &(*r.list)[i]; c.Table == r.table && c.Name == name {
				c.Rules = append(c.Rules, s)
				return nil
			}
		}
	}
	return fmt.Errorf("firewall: not of iptables-save: %q", s)
}
