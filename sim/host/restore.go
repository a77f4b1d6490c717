package host

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// transaction is one iptables-restore --noflush: the table as it becomes, whole or
// not at all. left tells of a chain that a rule of others keeps.
func (w *weighing) transaction() (next *table, left string, err error) {
	next = w.now.clone()
	gone := slices.Sorted(maps.Keys(w.gone))
	for name := range w.differs {
		next.chains[name] = nil
	}
	for _, name := range gone {
		next.chains[name] = nil
	}
	for _, name := range w.order {
		if !w.differs[name] {
			continue
		}
		for _, line := range w.want[name] {
			if err := next.add(line); err != nil {
				return nil, "", err
			}
		}
	}
	for _, d := range w.drop {
		if err := next.drop(d[0], d[1]); err != nil {
			return nil, "", err
		}
	}
	for _, b := range w.hooks {
		if w.move[b] {
			if err := next.insert(b, w.hook[b]); err != nil {
				return nil, "", err
			}
		}
	}
	var words []string
	for _, name := range gone {
		if by := w.user[name]; by != "" {
			words = append(words, "chain "+name+" is not wanted any more, but a rule that is not ours uses it: "+by)
			err = next.add("-A " + name + ` -m comment --comment "eucactl ` + w.p.cloud + ` left"`)
		} else {
			delete(next.chains, name)
		}
	}
	if err == nil {
		err = next.valid(w.p.m)
	}
	return next, strings.Join(words, "\n"), err
}

func (t *table) add(line string) error {
	r, err := readRule(line)
	if err == nil {
		t.chains[r.chain] = append(t.chains[r.chain], r)
	}
	return err
}

func (t *table) insert(chain, to string) error {
	if _, ok := t.policy[chain]; !ok {
		return fmt.Errorf("no chain by the name %s in this table", chain)
	}
	r, err := readRule("-A " + chain + " -j " + to)
	if err == nil {
		t.chains[chain] = slices.Insert(t.chains[chain], 0, r)
	}
	return err
}

// drop deletes the first rule of that form.
func (t *table) drop(chain, to string) error {
	i := slices.IndexFunc(t.chains[chain], func(r *rule) bool { return r.text == "-A "+chain+" -j "+to })
	if i < 0 {
		return fmt.Errorf("no such rule: -D %s -j %s", chain, to)
	}
	t.chains[chain] = slices.Delete(t.chains[chain], i, i+1)
	return nil
}

// valid: what rules lead to and look into is there, as the kernel wants at COMMIT.
func (t *table) valid(m *Machine) error {
	for _, rules := range t.chains {
		for _, r := range rules {
			if err := t.validRule(m, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table) validRule(m *Machine, r *rule) error {
	if _, chain := t.chains[r.target]; r.target != "" && !chain && !slices.Contains(verdicts, r.target) {
		return fmt.Errorf("no chain or target by the name '%s': %s", r.target, r.text)
	}
	for _, name := range r.sets {
		if m.sets[name] == nil {
			return fmt.Errorf("set %s doesn't exist: %s", name, r.text)
		}
	}
	return nil
}
