package controller

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/state"
)

// maxRounds bounds a reconcile: what one host was seen without lets another be
// changed (a frontend drops a network when the last node released it), and no chain
// of that kind is longer than this.
const maxRounds = 6

// Reconcile says which hosts to bring to what the records say, and how.
type Reconcile struct {
	Pattern string   `json:"pattern,omitempty"` // none = every host
	Limit   string   `json:"limit,omitempty"`
	Hosts   []string `json:"hosts,omitempty"`  // exactly these, instead of a pattern
	Follow  bool     `json:"follow,omitempty"` // go on to hosts that the outcome touches
	Check   bool     `json:"check,omitempty"`
	Diff    bool     `json:"diff,omitempty"`
	Forks   int      `json:"forks,omitempty"`
	// Look, with Check, records of a host that refuses us whom it obeys, and nothing else.
	Look bool `json:"look,omitempty"`
	// Plans are to be checked instead of those that the records give.
	Plans map[string]plan.Host `json:"plans,omitempty"`
}

// Reconciled is what became of it, host by host.
type Reconciled struct {
	Hosts []HostReport `json:"hosts"`
}

// Reconcile works in rounds until no plan of its hosts changes. progress is told of
// each host's report as it comes, of one at a time.
func (c *Controller) Reconcile(ctx context.Context, req Reconcile, progress func(HostReport)) (Reconciled, error) {
	progress = oneAtATime(progress)
	hosts, err := c.selected(req)
	if err != nil {
		return Reconciled{}, err
	}
	if err := c.consistent(c.Store.View()); err != nil {
		return Reconciled{}, err
	}
	var out Reconciled
	for range maxRounds {
		before := c.Store.View()
		plans, reports, err := c.round(ctx, req, hosts, progress)
		if err != nil {
			return out, err
		}
		out.merge(reports)
		if req.Check || ctx.Err() != nil {
			break
		}
		heard := c.Store.View()
		if err := c.settle(); err != nil {
			return out, err
		}
		if hosts = c.next(req, before, heard, hosts, plans, reports); len(hosts) == 0 {
			break
		}
	}
	return out, ctx.Err()
}

// oneAtATime lets the goroutines of a round tell their progress in turn.
func oneAtATime(tell func(HostReport)) func(HostReport) {
	var mu sync.Mutex
	return func(r HostReport) {
		if tell != nil {
			mu.Lock()
			defer mu.Unlock()
			tell(r)
		}
	}
}

func (c *Controller) selected(req Reconcile) ([]*inventory.Host, error) {
	if req.Hosts == nil {
		pattern := req.Pattern
		if pattern == "" {
			pattern = "all"
		}
		var limit []string
		if req.Limit != "" {
			limit = append(limit, req.Limit)
		}
		hosts, err := c.Inventory.Select(pattern, limit...)
		if err == nil && len(hosts) == 0 {
			err = fmt.Errorf("no host of %s matches %q", c.Inventory.File(), strings.TrimSpace(pattern+" "+req.Limit))
		}
		return hosts, err
	}
	var hosts []*inventory.Host
	for _, name := range req.Hosts {
		h, ok := c.Inventory.Host(name)
		if !ok {
			return nil, fmt.Errorf("the inventory has no host %q", name)
		}
		if !slices.Contains(hosts, h) { // whose lock would be waited for for ever
			hosts = append(hosts, h)
		}
	}
	return hosts, nil
}

// consistent refuses an inventory that the records contradict: a host that is gone
// while records point to it, or network settings that would break what was placed.
func (c *Controller) consistent(tx *state.Tx) error {
	missing := map[string][]string{}
	for _, in := range tx.Instances() {
		h, ok := c.Inventory.Host(in.Host)
		if in.Released.IsZero() && !(ok && h.IsNode && h.Cluster == in.Cluster) {
			where := fmt.Sprintf("host %s, as a node of cluster %s,", in.Host, in.Cluster)
			missing[where] = append(missing[where], string(in.ID))
		}
	}
	for _, where := range slices.Sorted(maps.Keys(missing)) {
		return fmt.Errorf("%s: %s is missing, but %s run there by record: put it back, or terminate them and then remove it", c.Inventory.File(), where, strings.Join(missing[where], ", "))
	}
	return c.kept(tx)
}

// kept refuses network settings that would break what was placed under others.
func (c *Controller) kept(tx *state.Tx) error {
	cl, _ := tx.Cloud()
	for _, name := range slices.Sorted(maps.Keys(cl.Networks)) {
		have := cl.Networks[name]
		held := plan.InUse(tx, name)
		if len(held) == 0 {
			continue
		}
		cluster, ok := c.Inventory.Cluster(name)
		if !ok {
			return cloud.Errorf("InvalidState", "%s: cluster %s is missing, but by record it has %s: put it back", c.Inventory.File(), name, some(held))
		}
		if diff := plan.SettingsDiff(have, plan.SettingsOf(cluster)); len(diff) > 0 {
			return cloud.Errorf("InvalidState", "%s: cluster %s differs from what its instances were placed with: %s; that would break %s: put it back, and change it when they are terminated and released",
				c.Inventory.File(), name, strings.Join(diff, "; "), some(held))
		}
	}
	return nil
}

// some names the first of many.
func some(list []string) string {
	const most = 10
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// round runs one program on each host and records what was seen.
func (c *Controller) round(ctx context.Context, req Reconcile, hosts []*inventory.Host, progress func(HostReport)) (map[string]plan.Host, []HostReport, error) {
	unlock, err := c.lock(ctx, hosts)
	if err != nil {
		return nil, nil, err
	}
	fences, err := c.sendTokens(hosts, req.Check)
	if err != nil {
		release(unlock)
		return nil, nil, err
	}
	tx := c.Store.View()
	plans := map[string]plan.Host{}
	reports := make([]HostReport, len(hosts))
	var group errgroup.Group
	group.SetLimit(c.forks(req))
	for i, h := range hosts {
		p, given := req.Plans[h.Name]
		if !given {
			p = plan.Compile(tx, c.Inventory, h)
		}
		plans[h.Name] = p
		group.Go(func() error {
			defer unlock[h.Name]()
			v := &visit{c: c, host: h, plan: p, tx: tx, fence: fences[h.Name], check: req.Check, diff: req.Diff}
			v.seen, _ = tx.Seen(h.Name)
			if !req.Check {
				c.told.forget(h.Name)
			}
			reports[i] = v.report(ctx)
			progress(reports[i])
			if refused := req.Look && reports[i].Outcome == HostFenced; req.Check && !refused || ctx.Err() != nil {
				return nil
			}
			if reports[i].answered() && !req.Check {
				c.told.carriedOut(h.Name, p, tx.Rev())
			}
			return c.Store.Observe(v.seen)
		})
	}
	return plans, reports, group.Wait()
}

func (c *Controller) forks(req Reconcile) int {
	switch {
	case req.Forks > 0:
		return req.Forks
	case c.Forks > 0:
		return c.Forks
	}
	return 50
}

// settle writes down what the hosts' answers allow.
func (c *Controller) settle() error {
	c.files.Lock()
	defer c.files.Unlock()
	now := c.Now()
	var sums []string
	_, err := c.Store.Update(state.Actor{User: "eucactl", Verb: "settle", Time: now}, func(tx *state.Tx) error {
		t := &turn{Tx: tx, c: c, user: "eucactl", now: now}
		changes := plan.Settle(tx, c.Inventory, now, cmp.Or(c.BuryAfter, plan.BuryAfter))
		err := t.apply(changes)
		sums = t.dropImages()
		t.forgetAnswers()
		return err
	})
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	for _, sum := range sums {
		if err := c.Images.Remove(sum); err != nil {
			return err
		}
	}
	return nil
}

// next are the hosts that became something else than what they were just told; and,
// if asked to follow, all others that are something else than before the round.
func (c *Controller) next(req Reconcile, before, heard *state.Tx, hosts []*inventory.Host, plans map[string]plan.Host, reports []HostReport) (list []*inventory.Host) {
	after := c.Store.View()
	for i, h := range hosts {
		if reports[i].answered() && !reflect.DeepEqual(plans[h.Name], plan.Compile(after, c.Inventory, h)) {
			list = append(list, h)
		}
	}
	if !req.Follow || after.Rev() == heard.Rev() && sameSilence(before, after, hosts) {
		return list
	}
	names, _ := c.touched(c.compileAll(before), after)
	for _, name := range names {
		h, _ := c.Inventory.Host(name)
		if !slices.Contains(hosts, h) {
			list = append(list, h)
		}
	}
	return list
}

// sameSilence: no host fell silent or spoke again, which concerns others too: what a
// silent one cannot be told is compiled for all nodes of its cluster.
func sameSilence(before, after *state.Tx, hosts []*inventory.Host) bool {
	for _, h := range hosts {
		was, _ := before.Seen(h.Name)
		is, _ := after.Seen(h.Name)
		if (was.Problem != "") != (is.Problem != "") {
			return false
		}
	}
	return true
}
