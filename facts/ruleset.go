package facts

import (
	"fmt"
	"strings"
)

// RulesetScript prints everything that filters or translates packets on a host, in
// parts that begin with "== TOOL": what iptables-save says (of both back ends, if
// both have rules), ebtables-save, ipset save, and each table of nft that none of
// these tools made, as JSON and as text. It loads no module and makes no table.
const RulesetScript = `
tables=$(iptables-save 2>/dev/null) || { iptables-save >/dev/null; exit 2; }
case $(iptables-save -V 2>/dev/null) in
*nf_tables*)
	tool=iptables other=
	! grep -qs . /proc/net/ip_tables_names || other=iptables-legacy
	;;
*) tool=iptables-legacy other=iptables-nft ;;
esac
[ -z "$other" ] || ! command -v "$other-save" >/dev/null || others=$("$other-save" 2>/dev/null) || exit 2
case $tool in
iptables) made=$tables ;;
*) made=${others-} ;;
esac
printf '== %s\n%s\n' "$tool" "$tables"
case $other in
'') ;;
*-nft) printf '== iptables\n%s\n' "${others-}" ;;
*) printf '== iptables-legacy\n%s\n' "${others-}" ;;
esac
bridged=
case $(ebtables -V 2>/dev/null) in
*nf_tables*) bridged=$(ebtables-save 2>/dev/null) || exit 2 ;;
'') ;;
*) ! grep -qs '^ebtable_' /proc/modules || bridged=$(ebtables-save 2>/dev/null) || exit 2 ;;
esac
printf '== ebtables\n%s\n' "$bridged"
if command -v ipset >/dev/null; then
	echo '== ipset'
	ipset save || exit 2
fi
command -v nft >/dev/null || exit 0
list=$(nft list tables) || exit 2
printf '%s\n' "$list" | while read -r word family name; do
	lines='
'
	case $family in
	ip) case $lines$made$lines in *"$lines*$name$lines"*) continue ;; esac ;;
	bridge) case $lines$bridged$lines in *"$lines*$name$lines"*) continue ;; esac ;;
	ip6 | '') continue ;;
	esac
	echo '== nft'
	nft -j list table "$family" "$name" || exit 2
	echo '== words'
	nft -a list table "$family" "$name" || exit 2
done
`

// A Ruleset is all that filters or translates packets on a host, whoever made it
// and with whichever tool, in one form.
type Ruleset struct {
	Tables []FilterTable
	Sets   map[string]AddressSet // those of ipset; nft's are written out in their rules
}

// A FilterTable is a table of one tool.
type FilterTable struct {
	Tool   string // iptables, iptables-legacy, ebtables or nft
	Family string // ip, inet, arp, bridge or netdev
	Name   string
	Chains []FilterChain
}

// A FilterChain is a list of rules. Of a base chain the hook is known.
type FilterChain struct {
	Name     string
	Hook     string // prerouting, input, forward, output, postrouting, ingress; "" for one that is jumped to
	NAT      bool
	Priority int
	Device   string // of an ingress chain
	Drop     bool   // its policy
	Rules    []Rule
}

// A Rule does something with the packets that meet all its conditions.
type Rule struct {
	Text    string // in the words of its tool
	Matches []Match
	Do      Verdict
	To      string // the chain, address or mark that it leads to
}

// A Verdict is what a rule does with a packet.
type Verdict string

// Verdicts. A rule whose verdict is Pass goes on with the next; of one whose
// verdict is Unclear nothing is known.
const (
	Pass       Verdict = ""
	Accept     Verdict = "accept"
	Drop       Verdict = "drop" // without a word, or with one (reject)
	Return     Verdict = "return"
	Jump       Verdict = "jump"
	Goto       Verdict = "goto"
	DNAT       Verdict = "dnat"
	SNAT       Verdict = "snat"
	Masquerade Verdict = "masquerade"
	Mark       Verdict = "mark"
	NoTrack    Verdict = "notrack"
	Unclear    Verdict = "unclear"
)

// A Match is a condition: what Key names is one of Values, or none of them. Values
// are spelled 22, 80-90, 10.0.0.0/8, 10.0.0.1-10.0.0.9, eth*, @SET. A condition
// that is not understood has no Key.
type Match struct {
	Key    string
	Not    bool
	Values []string
}

// Concat stands between several keys of one condition, and between their values.
const Concat = " . "

// An AddressSet is a set of ipset. Type is hash:ip, hash:net ...
type AddressSet struct {
	Type    string
	Members []string
}

// ReadRuleset reads what RulesetScript printed.
func ReadRuleset(text string) (Ruleset, error) {
	r := Ruleset{Sets: map[string]AddressSet{}}
	var nft nftReader
	for _, part := range strings.Split("\n"+text, "\n== ")[1:] {
		tool, rest, _ := strings.Cut(part, "\n")
		var err error
		switch tool {
		case "iptables", "iptables-legacy", "ebtables":
			err = r.readSave(tool, rest)
		case "ipset":
			err = r.readSets(rest)
		case "nft":
			err = nft.read(rest)
		case "words":
			nft.words(rest)
		default:
			err = fmt.Errorf("unexpected part %q", tool)
		}
		if err != nil {
			return Ruleset{}, fmt.Errorf("ruleset: %w", err)
		}
	}
	r.Tables = append(r.Tables, nft.tables...)
	return r, nil
}

// readSets reads what ipset save prints.
func (r *Ruleset) readSets(text string) error {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 {
			if len(f) == 0 {
				continue
			}
			return fmt.Errorf("ipset: %q", line)
		}
		s := r.Sets[f[1]]
		switch f[0] {
		case "create":
			s.Type = f[2]
		case "add":
			member := f[2]
			if strings.HasSuffix(strings.TrimSpace(line), " nomatch") {
				s.Type = "with exceptions"
			}
			s.Members = append(s.Members, member)
		default:
			return fmt.Errorf("ipset: %q", line)
		}
		r.Sets[f[1]] = s
	}
	return nil
}
