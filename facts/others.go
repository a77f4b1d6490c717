package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// OthersScript prints what else there is beside our chains on a frontend, a line
// each. It takes the dump of the kind chains, which is as fresh as the host.
//
//	chain NAME         a chain of filter that is not ours
//	untracked RULE     a rule of raw that takes packets out of connection tracking
//	other BACKEND N    rules, and policies of DROP, of filter and nat that the back end
//	                   which is not in use holds; N is ? if nobody can look
const OthersScript = `
rules=${chains_now-}
[ -n "$rules" ] || rules=$(iptables-save) || exit 2
printf '%s\n' "$rules" | awk -v cloud="${CLOUD-}" '
/^\*/ { table = substr($1, 2) }
table == "raw" && /^-A / && /-j (NOTRACK|CT .*--notrack)/ { print "untracked " $0 }
table != "filter" { next }
/^:/ && $2 == "-" { chain[++chains] = substr($1, 2) }
/^-A / && ++rules[$2] == 1 && cloud != "" && index($0, "--comment \"eucactl " cloud " ") { ours[$2] = 1 }
/^-A / && $2 in ours && ($(NF - 1) == "-j" || $(NF - 1) == "-g") { ours[$NF] = 1 }
END { for (i = 1; i <= chains; i++) if (!(chain[i] in ours) && chain[i] !~ /^EUCA-/) print "chain " chain[i] }'
case $(iptables -V) in
*nf_tables*) { read -r table </proc/net/ip_tables_names; } 2>/dev/null || exit 0; other=legacy ;;
*) other=nft ;;
esac
if ! command -v "iptables-$other-save" >/dev/null; then
	[ $other = nft ] || echo "other legacy ?"
	exit 0
fi
rules=$("iptables-$other-save" 2>/dev/null) || exit 0
printf '%s\n' "$rules" | awk -v other="$other" '
/^\*/ { here = /^\*(filter|nat)$/ }
here && (/^-A / || /^:/ && $2 == "DROP") { n++ }
END { if (n) print "other " other " " n }'
`

// Others are what OthersScript found.
type Others struct {
	Chains    []string // of others, in filter
	Untracked []string // rules
	Other     string   // the back end that is not in use and has rules; empty: none has
	Rules     int      // how many; -1: nobody can look
}

// ReadOthers reads what OthersScript printed.
func ReadOthers(text string) (f Others, err error) {
	for line := range strings.Lines(text) {
		word, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case ok && word == "chain":
			f.Chains = append(f.Chains, rest)
		case ok && word == "untracked":
			f.Untracked = append(f.Untracked, rest)
		case ok && word == "other":
			other, count, _ := strings.Cut(rest, " ")
			if f.Other, f.Rules = other, -1; count != "?" {
				if f.Rules, err = strconv.Atoi(count); err != nil {
					return f, fmt.Errorf("others: %q: %w", line, err)
				}
			}
		case line != "\n":
			return f, fmt.Errorf("others: not chain, untracked or other: %q", line)
		}
	}
	return f, nil
}

// Warnings say what may keep packets from passing although our rules accept them.
func (o Others) Warnings() (list []string) {
	switch {
	case o.Other == "":
	case o.Rules < 0:
		list = append(list, fmt.Sprintf("iptables' %s tables are loaded beside those in use, and there is no iptables-%s-save to look into them: what they drop is dropped", o.Other, o.Other))
	default:
		list = append(list, fmt.Sprintf("two back ends of iptables hold rules: besides those that iptables-save shows there are %d (or policies of DROP) in iptables-%s-save, and what either drops is dropped", o.Rules, o.Other))
	}
	for _, rule := range o.Untracked {
		list = append(list, "packets that connection tracking does not see are answered to nobody, and a rule of raw takes some out of it: "+rule)
	}
	return list
}
