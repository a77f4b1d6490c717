package reach

import (
	"fmt"
	"slices"
	"strings"

	"eucactl/facts"
	"eucactl/plan"
)

// plannedRules makes a host that has our rules and nothing else, exactly as they
// should be. expected is by table, in the form of the task kind chains: ":CHAIN -",
// "-A CHAIN ...", "hook BUILTIN CHAIN".
func plannedRules(expected map[string]string, f *plan.Frontend) *Host {
	if len(expected) == 0 || f == nil {
		return nil
	}
	h := &Host{Name: "plan"}
	var text strings.Builder
	for _, table := range []string{"filter", "nat"} {
		fmt.Fprintf(&text, "*%s\n", table)
		var hooks, chains, rules []string
		for line := range strings.Lines(expected[table]) {
			line = strings.TrimSpace(line)
			switch f := strings.Fields(line); {
			case len(f) == 3 && f[0] == "hook":
				hooks = append(hooks, ":"+f[1]+" ACCEPT [0:0]")
				rules = append(rules, "-A "+f[1]+" -j "+f[2])
			case strings.HasPrefix(line, ":"):
				chains = append(chains, line)
			case strings.HasPrefix(line, "-A "):
				rules = append(rules, line)
			}
		}
		fmt.Fprintln(&text, strings.Join(slices.Concat(slices.Compact(hooks), chains, rules), "\n"))
	}
	r, err := facts.ReadRuleset("== iptables\n" + text.String())
	if err != nil {
		return nil
	}
	h.Rules = r
	for _, s := range f.Sets {
		var members []string
		for _, m := range s.Members {
			members = append(members, m.String())
		}
		h.Rules.Sets[s.Name] = facts.AddressSet{Type: s.Type, Members: members}
	}
	return h
}

// same tells whether two rules are one, however their tool spells them.
func same(a, b facts.Rule) bool {
	return a.Do == b.Do && a.To == b.To && slices.Equal(conditions(a), conditions(b))
}

func conditions(r facts.Rule) (list []string) {
	for _, m := range r.Matches {
		values := slices.Clone(m.Values)
		for i, v := range values { // 22-22 is 22
			if first, last, ok := strings.Cut(v, "-"); ok && first == last {
				values[i] = first
			}
		}
		if m.Key == "dport" && len(values) == 1 && values[0] == "0-65535" {
			continue // iptables-save leaves it out
		}
		list = append(list, fmt.Sprint(m.Key, m.Not, values))
	}
	slices.Sort(list)
	return list
}

// built finds the chains of that name in a table of iptables, of both back ends.
func (h *Host) built(table, chain string) (list []base) {
	for i := range h.Rules.Tables {
		t := &h.Rules.Tables[i]
		if t.Family != "ip" || t.Name != table || t.Tool == "nft" {
			continue
		}
		for j := range t.Chains {
			if t.Chains[j].Name == chain {
				list = append(list, base{t, &t.Chains[j]})
			}
		}
	}
	return list
}

// holds tells whether one of the chains has the rule.
func holds(list []base, r facts.Rule) bool {
	return slices.ContainsFunc(list, func(b base) bool {
		return slices.ContainsFunc(b.chain.Rules, func(other facts.Rule) bool { return same(r, other) })
	})
}

// isPlanned tells whether a rule is one that the plan has in that chain.
func (w *walk) isPlanned(at *place) bool {
	if w.planned == nil || at.rule == nil {
		return false
	}
	return holds(w.planned.built(at.table.Name, at.chain.Name), *at.rule)
}

// isOurChain tells whether the plan has that chain, and it is none of the kernel's.
func (w *walk) isOurChain(at *place) bool {
	if w.planned == nil || at.chain.Hook != "" || at.table.Family != "ip" {
		return false
	}
	return len(w.planned.built(at.table.Name, at.chain.Name)) > 0
}
