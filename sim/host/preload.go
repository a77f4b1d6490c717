package host

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// preloading is preload.sh's awk: what the operator's file says of a table against
// what others have there. The model's programs come through no SSH connection, so
// nobody can be shut out.
type preloading struct {
	p           *process
	table, path string
	now         *table
	rc          int

	readIn      string // boot in which there was a file last
	asked       []string
	got         map[string][]string
	gotPolicy   map[string]string
	remembered  map[string]bool // chains of ours, by the kind chains
	missing     bool
	remembering bool

	ours   map[string]bool
	wanted []string
}

func weighPreload(p *process, args []string) *preloading {
	w := &preloading{
		p: p, table: args[0], path: args[1], now: p.m.tables[args[0]], got: map[string][]string{},
		gotPolicy: map[string]string{}, remembered: map[string]bool{}, ours: map[string]bool{},
	}
	if p.dead("iptables-save") {
		w.bad("iptables-save failed (1), so the rules of this host are unknown")
		return w
	}
	if p.dead("iptables-restore") {
		w.bad("there is no iptables-restore on this host: apt-get install iptables")
		return w
	}
	if w.table != "filter" && w.table != "nat" {
		w.bad("bad table " + w.table)
		return w
	}
	w.stored()
	w.findOurs()
	w.file()
	return w
}

func (w *preloading) bad(words string) { w.rc = w.p.words(2, "preload "+w.table+": "+words) }

func (w *preloading) memory() string { return w.p.hostDir + "/preload/" + w.table }

// stored is what was asked for and got, and which chains are ours by memory.
func (w *preloading) stored() {
	text, _ := w.p.m.files.read(w.memory())
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		f := strings.Fields(line)
		switch {
		case line == "":
		case line[0] == 'B':
			w.readIn = line[1:]
		case line[0] == 'A':
			w.asked = append(w.asked, line[1:])
		case strings.HasPrefix(line, "G:") && len(f) == 2:
			w.gotPolicy[f[0][2:]] = f[1]
		case line[0] == 'G' && len(f) > 1:
			w.got[f[1]] = append(w.got[f[1]], line[1:])
		}
	}
	text, _ = w.p.m.files.read(w.p.hostDir + "/chains/" + w.table)
	boot, text, _ := strings.Cut(text, "\n")
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); boot == "B"+w.p.m.boot && len(f) > 1 {
			w.remembered[f[1]] = true
		}
	}
}

// findOurs: chains with our mark, those that are remembered or named so, and where
// these lead.
func (w *preloading) findOurs() {
	others := map[string]bool{}
	for name, rules := range w.now.chains {
		if len(rules) > 0 {
			w.ours[name] = marked(rules[0].text, w.p.cloud)
			others[name] = !w.ours[name] && marked(rules[0].text, "")
		}
	}
	may := func(name string) bool {
		_, there := w.now.chains[name]
		_, builtin := w.now.policy[name]
		return there && !builtin
	}
	for name := range w.now.chains {
		if may(name) && !others[name] && (w.remembered[name] || strings.HasPrefix(name, "EUCA-")) {
			w.ours[name] = true
		}
	}
	for more := true; more; {
		more = false
		for _, name := range slices.Sorted(maps.Keys(w.now.chains)) {
			for _, r := range w.now.chains[name] {
				if w.ours[name] && r.jumps && may(r.target) && !w.ours[r.target] {
					w.ours[r.target], more = true, true
				}
			}
		}
	}
}

var counters = regexp.MustCompile(`^\[[0-9]+:[0-9]+\] +`)

// block is what a file says of one table.
type block struct {
	policy map[string]string
	chains []string
	rules  []*plainRule
	filled map[string]int
	drop   map[string]bool
}

type plainRule struct {
	text, chain, target string
	plain               bool
}

// readPlain looks at a rule as awk does, which does not care what it means.
func readPlain(text string) *plainRule {
	f := strings.Fields(text)
	r := &plainRule{text: text, chain: f[1], plain: len(f) == 4 && f[2] == "-j"}
	if jump := f[len(f)-2]; jump == "-j" || jump == "-g" {
		r.target = f[len(f)-1]
	}
	return r
}

func (w *preloading) file() {
	text, there := w.p.m.files.read(w.path)
	w.missing = !there
	b := &block{policy: map[string]string{}, filled: map[string]int{}, drop: map[string]bool{}}
	here, blocks, n := "", 0, 0
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		line = strings.TrimRight(line, " \t\r\n")
		n++
		switch bare := strings.TrimLeft(line, " \t"); {
		case bare == "" || bare[0] == '#':
		case line[0] == '*':
			if here != "" {
				w.bad(w.at(n) + "the table before it has no COMMIT: is the file whole?")
			}
			here = strings.Fields(line)[0][1:]
			if here == w.table {
				if blocks++; blocks > 1 {
					w.bad(w.at(n) + "a second block of this table")
				}
			}
		case line == "COMMIT":
			here = ""
		case here == "":
			w.bad(w.at(n) + "not in a table: " + line)
		case here == w.table:
			w.line(b, n, counters.ReplaceAllString(line, ""))
		}
	}
	if here != "" {
		w.bad("the last table has no COMMIT: is the file whole?")
	}
	if w.rc == 0 {
		w.wants(b)
	}
}

func (w *preloading) at(n int) string { return "line " + strconv.Itoa(n) + " of " + w.path + ": " }

func (w *preloading) line(b *block, n int, line string) {
	f := strings.Fields(line)
	switch {
	case line[0] == ':':
		w.chain(b, n, f, line)
	case strings.HasPrefix(line, "-A ") && len(f) > 2:
		_, builtin := w.now.policy[f[1]]
		if !builtin && !slices.Contains(b.chains, f[1]) {
			w.bad(w.at(n) + "rule of a chain that is not listed above: " + line)
			return
		}
		if b.filled[f[1]]++; b.filled[f[1]] == 1 && marked(line, "") {
			b.drop[f[1]] = true
		}
		b.rules = append(b.rules, readPlain(line))
	default:
		w.bad(w.at(n) + "not a line of iptables-save: " + line)
	}
}

func (w *preloading) chain(b *block, n int, f []string, line string) {
	name := f[0][1:]
	_, builtin := w.now.policy[name]
	_, twice := b.policy[name]
	switch {
	case name == "" || len(f) < 2 || len(f) > 3:
		w.bad(w.at(n) + "not a chain: " + line)
	case twice || slices.Contains(b.chains, name):
		w.bad(w.at(n) + "chain " + name + " is there twice")
	case builtin != (f[1] != "-"):
		w.bad(w.at(n) + "built-in chains have a policy, and others none: " + line)
	case f[1] != "-" && f[1] != "ACCEPT" && f[1] != "DROP":
		w.bad(w.at(n) + "no policy: " + line)
	case builtin:
		b.policy[name] = f[1]
	default:
		b.chains = append(b.chains, name)
	}
}

// wants is the file without what is ours, or what it was before a reboot took it.
func (w *preloading) wants(b *block) {
	if w.missing && len(w.asked) > 0 && w.readIn != w.p.m.boot {
		w.wanted, w.remembering = w.asked, true
		return
	}
	for _, name := range builtins[w.table] {
		policy := or(b.policy[name], "ACCEPT")
		if name == "FORWARD" {
			policy = "DROP"
		}
		w.wanted = append(w.wanted, ":"+name+" "+policy)
	}
	for _, name := range b.chains {
		if strings.HasPrefix(name, "EUCA-") {
			b.drop[name] = true
		}
		if w.ours[name] && !b.drop[name] {
			if b.filled[name] > 0 {
				w.bad("chain " + name + " of " + w.path + " is one of eucactl's here: rename it")
			}
			b.drop[name] = true
		}
		if !b.drop[name] {
			w.wanted = append(w.wanted, ":"+name+" -")
		}
	}
	for _, r := range b.rules {
		_, builtin := w.now.policy[r.chain]
		switch {
		case b.drop[r.chain] || b.drop[r.target] && builtin && r.plain:
		case b.drop[r.target]:
			w.bad("it leads to a chain of eucactl: " + r.text)
		default:
			w.wanted = append(w.wanted, r.text)
		}
	}
}

// hook: a plain jump from a built-in chain to one of ours.
func (w *preloading) hook(r *rule) bool {
	_, builtin := w.now.policy[r.chain]
	return builtin && w.ours[r.target] && r.text == "-A "+r.chain+" -j "+r.target
}

// foreign are the chains that are not ours, with their policies and rules.
func (w *preloading) foreign(t *table) (policy map[string]string, rules map[string][]string) {
	policy, rules = map[string]string{}, map[string][]string{}
	for name, list := range t.chains {
		if w.ours[name] {
			continue
		}
		policy[name] = or(t.policy[name], "-")
		for _, r := range list {
			if !w.hook(r) {
				rules[name] = append(rules[name], r.text)
			}
		}
	}
	return policy, rules
}

func (w *preloading) change() bool {
	policy, rules := w.foreign(w.now)
	return !slices.Equal(w.wanted, w.asked) || !maps.Equal(policy, w.gotPolicy) || !maps.EqualFunc(rules, w.got, slices.Equal)
}

// hooks go first. One that was not stays behind as well: that there is something for
// the kind chains to do has been said already, when this was a check.
func (w *preloading) hooks(next *table, behind bool) {
	for name := range w.now.policy {
		rules := w.now.chains[name]
		if behind && len(rules) > 0 && w.hook(rules[0]) {
			continue
		}
		for _, r := range rules {
			if w.hook(r) {
				next.chains[name] = append(next.chains[name], r)
			}
		}
	}
}

// transaction is the whole table: hooks first, then the operator's rules, ours as they are.
func (w *preloading) transaction() (*table, error) {
	next := newTable(w.table)
	for name, rules := range w.now.chains {
		if w.ours[name] {
			next.chains[name] = slices.Clone(rules)
		}
	}
	w.hooks(next, false)
	for _, line := range w.wanted {
		if name, policy, ok := strings.Cut(strings.TrimPrefix(line, ":"), " "); line[0] == ':' && ok {
			if policy == "-" {
				next.chains[name] = nil
			} else {
				next.policy[name] = policy
			}
		} else if err := next.add(line); err != nil {
			return nil, err
		}
	}
	w.hooks(next, true)
	return next, next.valid(w.p.m)
}

func checkPreload(p *process, args []string) int {
	w := weighPreload(p, args)
	if w.rc != 0 {
		return w.rc
	}
	return oneIf(w.change())
}

func applyPreload(p *process, args []string) int {
	w := weighPreload(p, args)
	if w.rc != 0 {
		return w.rc
	}
	if w.missing {
		p.words(0, "there is no "+w.path)
	}
	if rc := p.mkdir(p.hostDir+"/preload", 0o700); rc != 0 {
		return rc
	}
	if rc := p.write(w.memory()+".try", "the table\n", 0o600); rc != 0 {
		return rc
	}
	next, err := w.transaction()
	if err != nil {
		p.words(1, "iptables-restore: "+err.Error())
		p.words(1, "no rule of table "+w.table+" was changed")
		p.remove(w.memory() + ".try")
		return 1
	}
	p.do("iptables-restore "+w.table, func() { p.m.tables[w.table] = next })
	p.remove(w.memory() + ".try")
	return p.replace(w.memory(), w.store(next), 0o600)
}

func (w *preloading) store(next *table) string {
	readIn := w.p.m.boot
	if w.remembering {
		readIn = w.readIn
	}
	var b strings.Builder
	b.WriteString("B" + readIn + "\n")
	for _, line := range w.wanted {
		b.WriteString("A" + line + "\n")
	}
	policy, rules := w.foreign(next)
	for _, name := range slices.Sorted(maps.Keys(policy)) {
		b.WriteString("G:" + name + " " + policy[name] + "\n")
		for _, text := range rules[name] {
			b.WriteString("G" + text + "\n")
		}
	}
	return b.String()
}

// diffPreload prints what goes and what comes.
func diffPreload(p *process, args []string) string {
	w := weighPreload(p, args)
	if w.rc != 0 {
		return ""
	}
	policy, rules := w.foreign(w.now)
	var there []string
	for _, name := range slices.Sorted(maps.Keys(policy)) {
		there = append(append(there, ":"+name+" "+policy[name]), rules[name]...)
	}
	var b strings.Builder
	for _, line := range there {
		if !slices.Contains(w.wanted, line) {
			b.WriteString("-" + line + "\n")
		}
	}
	for _, line := range w.wanted {
		if !slices.Contains(there, line) {
			b.WriteString("+" + line + "\n")
		}
	}
	return b.String()
}
