package plan

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// GenerationChain is the chain that says which chains of a table belong together.
// No packet meets it.
const GenerationChain = "EUCA-GENERATION"

// stamped adds to each chain's mark the sum of its rules, and to the table a chain
// whose mark ends in the sum of all these: "NAME SUM" lines, sorted. So whoever reads
// a table at any moment can tell that it is of one plan, and a changed group is still
// two small chains, its own and this one.
func (t Table) stamped(mark string) Table {
	var lines []string
	for i := range t.Chains {
		c := &t.Chains[i]
		sum := shortSum(appendRules(nil, c.Rules))
		c.Mark += " " + sum
		lines = append(lines, c.Name+" "+sum+"\n")
	}
	slices.Sort(lines)
	t.Chains = append(t.Chains, Chain{Name: GenerationChain, Mark: mark + " generation " + shortSum([]byte(strings.Join(lines, ""))), Rules: []Rule{}})
	return t
}

// shortSum is short: it tells plans apart, and proves nothing against whoever may write rules.
func shortSum(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text))[:12] }

// appendRules writes rules so that different ones are different bytes.
func appendRules(b []byte, rules []Rule) []byte {
	for _, r := range rules {
		for _, net := range []netip.Prefix{r.Source, r.Dest, r.NotDest} {
			if net.IsValid() {
				b = net.AppendTo(b)
			}
			b = append(b, ' ')
		}
		if r.To.IsValid() {
			b = r.To.AppendTo(b)
		}
		if r.ToPort != 0 {
			b = fmt.Appendf(b, ":%d", r.ToPort)
		}
		for _, word := range []string{r.In, r.NotIn, r.SourceSet, r.DestSet, r.Proto, r.Ports, r.ICMP, r.State, r.NotState, r.Direction, r.Target} {
			b = append(append(b, ' '), word...)
		}
		if r.NotSyn {
			b = append(b, " not syn"...)
		}
		b = append(b, '\n')
	}
	return b
}
