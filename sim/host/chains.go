package host

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// weighing is chains.sh's awk: what is wanted of a table against what is there.
type weighing struct {
	p     *process
	table string
	now   *table
	rc    int

	order []string            // wanted chains
	want  map[string][]string // their rules
	hooks []string            // built-in chains with a hook, as listed
	hook  map[string]string

	asked, got map[string][]string // what was stored in this boot
	was        map[string]bool

	mine, other, linked, jumped map[string]bool
	user                        map[string]string // chain -> a rule of others that leads there
	jumps                       [][2]string       // plain jumps from built-in chains

	differs, gone, move map[string]bool
	drop                [][2]string
}

var chainName = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,27}$`)

// weigh reads it all; rc is 2 with words if it cannot be told.
func weigh(p *process, table, sum string) *weighing {
	w := &weighing{
		p: p, table: table, now: p.m.tables[table], want: map[string][]string{}, hook: map[string]string{},
		asked: map[string][]string{}, got: map[string][]string{}, was: map[string]bool{},
		mine: map[string]bool{}, other: map[string]bool{}, linked: map[string]bool{}, jumped: map[string]bool{},
		user: map[string]string{}, differs: map[string]bool{}, gone: map[string]bool{}, move: map[string]bool{},
	}
	if p.dead("iptables-save") {
		w.bad("iptables-save failed (1), so the rules of this host are unknown")
		return w
	}
	if p.dead("iptables-restore") {
		w.bad("there is no iptables-restore on this host: apt-get install iptables")
		return w
	}
	if w.now == nil || !slices.Contains([]string{"filter", "nat", "mangle", "raw"}, table) {
		w.bad("bad table " + table)
		return w
	}
	w.stored()
	w.content(sum)
	w.present()
	if w.rc == 0 {
		w.weighChains()
		w.weighHooks()
	}
	return w
}

func (w *weighing) bad(words string) { w.rc = w.p.words(2, "chains "+w.table+": "+words) }

func (w *weighing) path() string { return w.p.hostDir + "/chains/" + w.table }

// stored is what we asked for and got in this boot: kernel tables do not outlive one.
func (w *weighing) stored() {
	text, _ := w.p.m.files.read(w.path())
	boot, text, _ := strings.Cut(text, "\n")
	if boot != "B"+w.p.m.boot {
		return
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		w.was[f[1]] = true
		if line[0] == 'A' {
			w.asked[f[1]] = append(w.asked[f[1]], line[1:])
		} else {
			w.got[f[1]] = append(w.got[f[1]], line[1:])
		}
	}
}

func (w *weighing) content(sum string) {
	text, ok := w.p.blob(sum)
	if !ok {
		w.bad("the rules to compare with arrived incomplete")
		return
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || line[0] == '#':
		case line[0] == ':' && len(f) >= 2 && len(f) <= 3 && f[1] == "-":
			w.wantedChain(f[0][1:])
		case strings.HasPrefix(line, "-A ") && len(f) > 2:
			w.wantedRule(f[1], line)
		case f[0] == "hook" && len(f) == 3:
			w.wantedHook(f[1], f[2])
		default:
			w.bad("not a line of chains: " + line)
		}
	}
}

func (w *weighing) wantedChain(name string) {
	_, twice := w.want[name]
	switch {
	case !chainName.MatchString(name):
		w.bad("bad chain name: " + name)
	case slices.Contains(standard, name):
		w.bad("a built-in chain is not ours: " + name)
	case twice:
		w.bad("chain " + name + " is defined twice")
	default:
		w.want[name] = nil
		w.order = append(w.order, name)
	}
}

// marked tells whether a rule carries the mark of a cloud, or of any.
func marked(rule, cloud string) bool {
	_, rest, ok := strings.Cut(rule, `--comment "eucactl `)
	if cloud == "" || !ok {
		return ok
	}
	return strings.HasPrefix(rest, cloud+" ") || strings.HasPrefix(rest, cloud+`"`)
}

func (w *weighing) wantedRule(name, line string) {
	rules, ok := w.want[name]
	if !ok {
		w.bad("rule of a chain that is not defined above: " + line)
		return
	}
	if len(rules) == 0 && !marked(line, w.p.cloud) {
		w.bad("the first rule of " + name + " lacks the mark eucactl " + w.p.cloud + ": " + line)
	}
	w.want[name] = append(rules, line)
}

func (w *weighing) wantedHook(from, to string) {
	_, known := w.want[to]
	switch {
	case !slices.Contains(standard, from):
		w.bad("no built-in chain: " + from)
	case !known:
		w.bad("hook to a chain that is not defined above: " + to)
	case w.hook[from] != "":
		w.bad("two hooks in " + from)
	default:
		w.hook[from] = to
		w.hooks = append(w.hooks, from)
	}
}

// present looks at what iptables-save says, chain by chain.
func (w *weighing) present() {
	names := slices.Sorted(maps.Keys(w.now.chains))
	for _, name := range names {
		if rules := w.now.chains[name]; len(rules) > 0 {
			w.mine[name] = marked(rules[0].text, w.p.cloud)
			w.other[name] = !w.mine[name] && marked(rules[0].text, "")
		}
	}
	for _, name := range names {
		for _, r := range w.now.chains[name] {
			w.leads(name, r)
		}
	}
}

// leads notes who jumps where.
func (w *weighing) leads(name string, r *rule) {
	switch {
	case !r.jumps:
	case slices.Contains(standard, name) && r.text == "-A "+name+" -j "+r.target:
		w.jumps = append(w.jumps, [2]string{name, r.target})
		w.jumped[r.target] = true
	case w.mine[name] || w.was[name]:
		w.linked[r.target] = true
	default:
		w.user[r.target] = r.text
	}
}

func (w *weighing) there(name string) bool { _, ok := w.now.chains[name]; return ok }

// ours: present, and marked or remembered.
func (w *weighing) ours(name string) bool {
	return w.there(name) && !w.other[name] && (w.mine[name] || w.was[name])
}

// unused: empty, and no rule of others leads there: what a flush leaves of ours.
func (w *weighing) unused(name string) bool {
	return len(w.now.chains[name]) == 0 && w.user[name] == "" && (strings.HasPrefix(name, "EUCA-") || !w.jumped[name])
}

func (w *weighing) weighChains() {
	for _, name := range w.order {
		if len(w.want[name]) == 0 {
			w.bad("chain " + name + " has no rule to carry our mark")
		}
		free := w.mine[name] || w.linked[name] || w.was[name] || w.unused(name)
		if w.there(name) && (w.other[name] || !free) {
			w.bad("chain " + name + " exists and is not ours: rename or delete it (iptables -t " + w.table + " -S " + name + ")")
		}
		if !w.there(name) || !slices.Equal(w.want[name], w.asked[name]) || !slices.Equal(texts(w.now.chains[name]), w.got[name]) {
			w.differs[name] = true
		}
	}
	for name := range w.now.chains {
		if _, wanted := w.want[name]; !wanted && w.ours(name) {
			w.gone[name] = true
		}
	}
}

func texts(rules []*rule) (list []string) {
	for _, r := range rules {
		list = append(list, r.text)
	}
	return list
}

func (w *weighing) weighHooks() {
	for _, b := range w.hooks {
		n := 0
		for _, j := range w.jumps {
			if j == [2]string{b, w.hook[b]} {
				n++
			}
		}
		top := w.now.chains[b]
		if n != 1 || len(top) == 0 || top[0].text != "-A "+b+" -j "+w.hook[b] {
			w.move[b] = true
		}
	}
	// Plain jumps to our chains are hooks of ours, wherever they are.
	for _, j := range w.jumps {
		_, wanted := w.want[j[1]]
		if (wanted || w.ours(j[1])) && (w.hook[j[0]] != j[1] || w.move[j[0]]) {
			w.drop = append(w.drop, j)
		}
	}
}

func (w *weighing) change() bool {
	return len(w.differs)+len(w.gone)+len(w.move)+len(w.drop) > 0
}

func checkChains(p *process, args []string) int {
	w := weigh(p, args[0], args[1])
	if w.rc != 0 {
		return w.rc
	}
	return oneIf(w.change())
}

func applyChains(p *process, args []string) int {
	w := weigh(p, args[0], args[1])
	if w.rc != 0 {
		return w.rc
	}
	if rc := p.mkdir(p.hostDir+"/chains", 0o700); rc != 0 {
		return rc
	}
	if rc := p.write(w.path()+".try", "the transaction\n", 0o600); rc != 0 {
		return rc
	}
	next, left, err := w.transaction()
	if err != nil {
		p.words(1, "iptables-restore: "+err.Error())
		p.words(1, "no rule of table "+w.table+" was changed")
		p.remove(w.path() + ".try")
		return 1
	}
	p.do("iptables-restore "+w.table, func() { p.m.tables[w.table] = next })
	if rc := p.replace(w.path(), w.store(next), 0o600); rc != 0 {
		return rc
	}
	p.remove(w.path() + ".try")
	if left != "" {
		return p.words(1, left)
	}
	return p.replace(w.path()+".sum", w.p.m.boot+" "+args[1]+" right\n", 0o600)
}

// store is the file of what was asked for and what was got.
func (w *weighing) store(next *table) string {
	var b strings.Builder
	b.WriteString("B" + w.p.m.boot + "\n")
	for _, name := range w.order {
		for _, line := range w.want[name] {
			b.WriteString("A" + line + "\n")
		}
		for _, r := range next.chains[name] {
			b.WriteString("G" + r.text + "\n")
		}
	}
	return b.String()
}

// diffChains prints the present state in the form of a content.
func diffChains(p *process, args []string) string {
	w := weigh(p, args[0], args[1])
	if w.now == nil {
		return ""
	}
	var names []string
	for _, name := range w.order {
		if w.ours(name) {
			names = append(names, name)
		}
	}
	names = append(names, slices.Sorted(maps.Keys(w.gone))...)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(":" + name + " -\n")
	}
	// Those that are asked for come first, in that order.
	froms := slices.DeleteFunc(slices.Clone(standard), func(from string) bool { return slices.Contains(w.hooks, from) })
	for _, from := range slices.Concat(w.hooks, froms) {
		if top := w.now.chains[from]; len(top) > 0 && slices.Contains(names, top[0].target) {
			b.WriteString("hook " + from + " " + top[0].target + "\n")
		}
	}
	for _, name := range names {
		for _, r := range w.now.chains[name] {
			b.WriteString(r.text + "\n")
		}
	}
	return b.String()
}
