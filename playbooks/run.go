package playbooks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"eucactl/inventory"
	"eucactl/tasks"
)

// Run carries a playbook out on the hosts of an inventory.
type Run struct {
	Playbook  *Playbook
	Inventory *inventory.Inventory
	Library   *tasks.Library
	Options   Options
	Runner    Runner
	Events    Events

	mu        sync.Mutex
	told      sync.Mutex // one event at a time
	hosts     map[string]*memory
	started   map[string]bool // tasks that were told of
	failed    map[string]bool // hosts that take no further part
	stats     map[string]Stats
	answers   map[string]any    // of vars_prompt
	unasked   bool              // nobody can be asked, of which was warned
	steps     map[string]string // answers to --step, by place
	goOn      bool              // to --step: continue
	begins    bool              // --start-at-task was met
	stepping  sync.Mutex
	private   []string           // answers that nobody is to see
	mentioned map[*Play][]string // facts
	custom    Custom
}

// Do runs all plays. The error is about the playbook; what became of the hosts is
// in the statistics.
func (r *Run) Do(ctx context.Context) (map[string]Stats, error) {
	r.hosts, r.started, r.failed = map[string]*memory{}, map[string]bool{}, map[string]bool{}
	r.stats, r.answers, r.steps, r.custom = map[string]Stats{}, map[string]any{}, map[string]string{}, Custom{}
	r.beginAt(r.Options)
	r.Playbook.source.hostnames = r.hostnames
	if err := r.Playbook.Check(r.Library); err != nil {
		return nil, err
	}
	for i := range r.Playbook.Plays {
		stop, err := r.play(ctx, i)
		if err != nil || stop {
			r.Events.Stats(r.stats, r.custom)
			return r.stats, err
		}
	}
	r.Events.Stats(r.stats, r.custom)
	return r.stats, ctx.Err()
}

// play runs a play, one batch after the other. stop says that no later play runs.
func (r *Run) play(ctx context.Context, i int) (stop bool, err error) {
	if r.Options.From.after(i) {
		return false, nil
	}
	p := &r.Playbook.Plays[i]
	prompted, err := r.prompt(ctx, p)
	if err != nil {
		return true, err
	}
	hosts, err := r.hostsOf(p, prompted)
	if err != nil {
		return true, wrap(p.Where, "hosts", err)
	}
	info := PlayInfo{Index: i, Name: p.name(), Where: p.Where, Hosts: hosts}
	if len(hosts) == 0 {
		info.None = true
		r.tell(func() { r.Events.PlayStart(info) })
		return false, nil
	}
	left := slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return r.failed[h] })
	if len(left) == 0 {
		return true, nil
	}
	batches, err := r.batchesLeft(i, left)
	if err != nil {
		return true, err
	}
	for n, names := range batches {
		info.Batch, info.Hosts = n, names
		r.tell(func() { r.Events.PlayStart(info) })
		b := newBatch(Place{Play: i, Batch: n}, names)
		if err := r.batch(ctx, p, b, hosts, prompted); err != nil {
			return true, err
		}
		switch {
		case len(b.failed) == len(names), b.broken:
			return true, nil // as Ansible: no more hosts left, or too many failed
		case b.ended:
			return false, nil
		}
	}
	return false, nil
}

// batch lets the hosts of a batch walk through the play.
func (r *Run) batch(ctx context.Context, p *Play, b *batch, all []string, prompted []Var) error {
	var mu sync.Mutex
	var errs []error
	started := r.Met()
	for _, m := range r.hosts {
		m.end()
	}
	r.Runner.Together(ctx, b.hosts, func(ctx context.Context, host string) {
		w := r.walker(ctx, p, b, host, all, prompted)
		w.started = started
		err := w.through(p)
		if r.last(p) {
			err = errors.Join(err, r.Runner.Reset(ctx, host))
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", host, err))
		}
		r.count(host, w.stats)
	})
	for h := range b.failed {
		r.failed[h] = true
	}
	if b.broken {
		for _, h := range b.hosts {
			r.failed[h] = true
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// last tells whether nobody needs a host any more that has walked through the play:
// with very many hosts, only those that are worked on are to cost anything.
func (r *Run) last(p *Play) bool {
	if p != &r.Playbook.Plays[len(r.Playbook.Plays)-1] {
		return false
	}
	others := false
	eachStep(p, func(s Step) {
		_, delegates := s.Settings["delegate_to"]
		others = others || delegates || strings.HasPrefix(s.Kind, "include_")
	})
	return !others
}

// walker is the walk of one host through a play.
func (r *Run) walker(ctx context.Context, p *Play, b *batch, host string, all []string, prompted []Var) *walker {
	w := &walker{
		ctx: ctx, pb: r.Playbook, lib: r.Library, opts: r.Options, run: r, batch: b,
		mem: r.memory(host), play: p, ran: map[string]bool{}, left: map[string]bool{}, marks: map[string]bool{},
		words: r.Playbook.words(), sets: setsIn(p),
	}
	w.learns, w.includes = w.givesFacts(p), includesFiles(p)
	w.vars = &playVars{vars: slices.Concat(p.Vars, prompted), roles: rolesOf(p)}
	w.magic = r.magic(w, all)
	w.stage = w.newStage(host, Login{})
	return w
}

// through walks through the play; what becomes of the host is no error.
func (w *walker) through(p *Play) error {
	host := w.mem.host.Name
	needs, err := w.wholePlay(p)
	if err == nil || errors.Is(err, errEnd) {
		if e := w.flush(); e != nil {
			err = e
		}
	}
	failed := (w.gone || dead(needs) || w.stats.Failed > 0 || w.stats.Unreachable > 0) && !w.cleared
	w.batch.leave(host, w.fall(failed))
	w.run.passed(host, w.placeOf("~"))
	if w.ctx.Err() == nil {
		w.run.left(host, failed)
	}
	if errors.Is(err, errGone) || errors.Is(err, errEnd) {
		return nil
	}
	return err
}

// fall is where the host failed, if it did.
func (w *walker) fall(failed bool) *fall {
	if !failed {
		return nil
	}
	how := &fall{path: w.place, lost: w.gone}
	if e := w.lastFailed; e != nil && !e.ignored && e.info.Place.Path != "" {
		how.path = min(how.path, e.info.Place.Path)
	}
	return how
}

func (p *Play) name() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Hosts
}

// scope is that of a play's own words, which are for no host.
func (r *Run) scope(vars []Var) scope {
	src := r.Playbook.source
	return scope{set: src.setOf(nil), extra: r.Options.Extra, play: &playVars{vars: vars}, words: r.Playbook.words()}
}

// hostsOf are the hosts of a play, in its order.
func (r *Run) hostsOf(p *Play, prompted []Var) ([]string, error) {
	sc := r.scope(slices.Concat(p.Vars, prompted))
	v, err := sc.deep(p.Hosts)
	if err != nil {
		return nil, err
	}
	pattern := fmt.Sprint(v)
	if list, ok := v.([]any); ok {
		var words []string
		for _, item := range list {
			words = append(words, fmt.Sprint(item))
		}
		pattern = strings.Join(words, ",")
	}
	hosts, err := r.selected(pattern, r.Options.Limit...)
	if err != nil {
		return nil, err
	}
	order, err := around{scope: sc, settings: p.Settings}.word("order")
	if err != nil {
		return nil, err
	}
	switch order {
	case "sorted":
		slices.Sort(hosts)
	case "reverse_sorted":
		slices.Sort(hosts)
		slices.Reverse(hosts)
	case "reverse_inventory":
		slices.Reverse(hosts)
	case "shuffle":
		r.shuffle(hosts)
	}
	return hosts, nil
}

// hostnames are the names of the hosts that patterns name.
func (r *Run) hostnames(terms []any, _ map[string]any) ([]any, error) {
	var words []string
	for _, t := range flat(terms) {
		words = append(words, fmt.Sprint(t))
	}
	names, err := r.selected(strings.Join(words, ","))
	return anyList(names), err
}

// shuffle puts hosts in an order that nobody chose.
func (r *Run) shuffle(hosts []string) {
	seed := r.Runner.Now().UnixNano()
	by := map[string][32]byte{}
	for _, h := range hosts {
		by[h] = sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, h))
	}
	slices.SortFunc(hosts, func(a, b string) int {
		x, y := by[a], by[b]
		return bytes.Compare(x[:], y[:])
	})
}

// selected are the names of the hosts of a pattern. As in Ansible names that are
// nobody's are only warned of.
func (r *Run) selected(pattern string, limit ...string) ([]string, error) {
	hosts, missed, err := r.inventory().Match(pattern, limit...)
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		if err := h.Locked(); err != nil {
			return nil, err
		}
	}
	for _, name := range missed {
		r.tell(func() { r.Events.Warning("Could not match supplied host pattern, ignoring: " + name) })
	}
	var names []string
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	return names, nil
}

// batches cuts hosts into the batches that serial says, from the given one on.
func (r *Run) batches(p *Play, hosts []string, first int) ([][]string, error) {
	switch {
	case len(hosts) == 0:
		return nil, nil
	case len(p.Serial) == 0:
		return [][]string{hosts}, nil
	}
	sc := r.scope(p.Vars)
	var sizes []int
	for _, s := range p.Serial {
		v, err := sc.deep(s.Value)
		if err != nil {
			return nil, wrap(s.Where, "serial", err)
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, one := range list {
			n, err := batchSize(one, len(hosts))
			if err != nil {
				return nil, wrap(s.Where, "serial", err)
			}
			sizes = append(sizes, n)
		}
	}
	var out [][]string
	for i := first; len(hosts) > 0; i++ {
		n := sizes[min(i, len(sizes)-1)]
		if n <= 0 || n > len(hosts) {
			n = len(hosts)
		}
		out = append(out, hosts[:n])
		hosts = hosts[n:]
	}
	return out, nil
}

// batchSize is a number of hosts, or a share of all of them.
func batchSize(v any, all int) (int, error) {
	if text, ok := v.(string); ok {
		if share, found := strings.CutSuffix(strings.TrimSpace(text), "%"); found {
			f, ok := numberOf(share)
			if !ok || f < 0 {
				return 0, fmt.Errorf("%s is no share of the hosts", shown(text))
			}
			return max(1, int(f/100*float64(all))), nil
		}
	}
	f, ok := numberOf(v)
	if !ok || f != float64(int(f)) || f < 0 {
		return 0, fmt.Errorf("a batch is a number of hosts, or a share such as 30%%, not %s", describeValue(v))
	}
	return int(f), nil
}

// count adds what a host did in a batch.
func (r *Run) count(host string, s Stats) {
	all := r.stats[host]
	all.OK += s.OK
	all.Changed += s.Changed
	all.Unreachable += s.Unreachable
	all.Failed += s.Failed
	all.Skipped += s.Skipped
	all.Rescued += s.Rescued
	all.Ignored += s.Ignored
	r.stats[host] = all
}
