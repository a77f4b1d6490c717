package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/preflight"
	"eucactl/state"
	"eucactl/tasks"
)

// NetworkCheck says how to try the network.
type NetworkCheck struct {
	VLAN  int    `json:"vlan,omitempty"`  // 0: the highest that nobody has
	From  string `json:"from,omitempty"`  // host that pings a public address; none: here
	Check bool   `json:"check,omitempty"` // only say what would be made
}

// trial is one cluster's network being tried. Its hosts are held for as long, so that
// no run of this controller's changes them meanwhile.
type trial struct {
	c       *Controller
	tx      *state.Tx
	cluster inventory.Cluster
	req     NetworkCheck
	out     *preflight.Result
	ends    []*end
	apart   bool // the ends are of several clusters, whose VLANs must not meet
}

// end is a host at one end of what is tried.
type end struct {
	host  *inventory.Host
	dev   string // on the guests' segment
	peer  facts.Peer
	talk  *conversation
	vlans facts.VLANs
	links []facts.Link
	route []facts.Route
	pings map[string]facts.Ping
	out   bool // it cannot take part; that was said
	met   bool // and counted, in a trial before
}

// checkNetwork tries each cluster's network between those of its hosts that are named.
func (c *Controller) checkNetwork(ctx context.Context, hosts []*inventory.Host, req NetworkCheck) (out preflight.Result, err error) {
	if _, known := c.Inventory.Host(req.From); req.From != "" && !known {
		_, err := c.Inventory.Select(req.From) // for its suggestion
		return out, errors.Join(err, fmt.Errorf("--from %s: name one host of the inventory", req.From))
	}
	if err := c.triable(hosts, req); err != nil {
		return out, err
	}
	unlock, err := c.lock(ctx, hosts)
	if err != nil {
		return out, err
	}
	defer release(unlock)
	known := map[string]bool{}
	apart := &trial{c: c, tx: c.Store.View(), req: req, out: &out, apart: true}
	for _, cluster := range c.Inventory.Clusters() {
		t := &trial{c: c, tx: c.Store.View(), cluster: cluster, req: req, out: &out}
		for _, h := range append([]*inventory.Host{cluster.Frontend}, cluster.Nodes...) {
			if h == nil || !slices.Contains(hosts, h) || known[h.Name] {
				continue
			}
			known[h.Name] = true
			if e := t.end(h); e.dev != "" { // in SYSTEM the frontend is not on the guests' segment
				t.ends = append(t.ends, e)
			}
		}
		if len(t.ends) == 0 {
			continue
		}
		t.try(ctx)
		if cluster.Network.Mode == inventory.Managed {
			first := t.end(t.ends[0].host)
			first.met = len(t.ends) > 1
			apart.ends = append(apart.ends, first)
		}
	}
	if len(apart.ends) > 1 {
		apart.tagged(ctx)
	}
	return out, ctx.Err()
}

// triable refuses what would try nothing.
func (c *Controller) triable(hosts []*inventory.Host, req NetworkCheck) error {
	some, tagged := false, false
	for _, h := range hosts {
		cluster, ok := c.Inventory.Cluster(h.Cluster)
		is := ok && preflight.Segment(h, cluster.Network) != ""
		some, tagged = some || is, tagged || is && cluster.Network.Mode == inventory.Managed
	}
	switch {
	case !some:
		return errors.New("none of these hosts is on a segment that carries guests: name frontends and nodes")
	case req.VLAN != 0 && !tagged:
		return fmt.Errorf("--vlan %d: none of these hosts is in a cluster of vnet_mode %s, and others have no VLANs", req.VLAN, inventory.Managed)
	}
	return nil
}

func (t *trial) end(h *inventory.Host) *end {
	return &end{host: h, dev: preflight.Segment(h, t.cluster.Network), peer: facts.Peer{Name: h.Name}}
}

// try does all at once, each on connections of its own, and tells it in one order.
func (t *trial) try(ctx context.Context) {
	parts := []func(*trial, context.Context){(*trial).between, (*trial).lookForDHCP, (*trial).public}
	outs := make([]preflight.Result, len(parts))
	var group errgroup.Group
	for i, part := range parts {
		own := *t
		own.out = &outs[i]
		group.Go(func() error {
			part(&own, ctx)
			return nil
		})
	}
	_ = group.Wait()
	for _, part := range outs {
		t.out.Add(part)
	}
}

// between tries the way between the cluster's hosts.
func (t *trial) between(ctx context.Context) {
	switch {
	case len(t.ends) < 2:
		t.note(t.ends[0], "is alone in its cluster: there is nothing to try between hosts", "", "")
	case t.cluster.Network.Mode == inventory.Managed:
		t.tagged(ctx)
	default:
		t.untagged(ctx)
	}
}

func (t *trial) finds(severity string, e *end, words, evidence, fix string) {
	t.out.Findings = append(t.out.Findings, preflight.Found(severity, e.host.Name, words, evidence, fix))
}

func (t *trial) note(e *end, words, evidence, fix string) {
	t.finds(preflight.Note, e, words, evidence, fix)
}

// drops leaves a host out of what follows, and says why.
func (t *trial) drops(e *end, f preflight.Finding) {
	e.out = true
	t.out.Findings = append(t.out.Findings, f)
}

// present are the hosts that still take part.
func (t *trial) present() (list []*end) {
	for _, e := range t.ends {
		if !e.out {
			list = append(list, e)
		}
	}
	return list
}

// meet opens a conversation with every host.
func (t *trial) meet(ctx context.Context) {
	t.together(func(e *end) (err error) {
		e.talk, err = t.c.converse(ctx, t.tx, e.host)
		return err
	})
	for _, e := range t.present() {
		if !e.met {
			t.out.Hosts++
		}
	}
}

// part ends all conversations; whatever was made and not yet removed goes now.
func (t *trial) part() {
	for _, e := range t.ends {
		if e.talk != nil {
			e.talk.Close()
			e.talk = nil
		}
	}
}

// together does the same on all hosts at once. Those that fail drop out.
func (t *trial) together(do func(*end) error) {
	ends := t.present()
	failed := make([]error, len(ends))
	var group errgroup.Group
	group.SetLimit(max(len(ends), 1))
	for i, e := range ends {
		group.Go(func() error {
			failed[i] = do(e)
			return nil
		})
	}
	_ = group.Wait()
	for i, err := range failed {
		if err != nil {
			t.drops(ends[i], failure(ends[i].host, err))
		}
	}
}

// failure is a finding about a host that could not take part.
func failure(h *inventory.Host, err error) preflight.Finding {
	var f *findingError
	if errors.As(err, &f) {
		return f.Finding
	}
	return silence(h, err)
}

// findingError lets a host's own trouble end its part.
type findingError struct{ preflight.Finding }

func (f *findingError) Error() string { return f.String() }

// heard reads a section. A host that could not do it cannot take part.
func heard[T any](e *end, rep tasks.Report, name string, read func(string) (T, error)) (v T, err error) {
	a := rep.Sections[name]
	if a.RC != 0 {
		return v, &findingError{preflight.Found(preflight.Error, e.host.Name, "cannot take part in the test", cmp.Or(lastLine(a.Words), name), "")}
	}
	return read(a.Text)
}

// asked asks one question and reads its answer.
func asked[T any](ctx context.Context, e *end, env tasks.Env, q facts.Section, read func(string) (T, error)) (v T, err error) {
	rep, err := e.talk.whole(ctx, env, q)
	if err != nil {
		return v, err
	}
	return heard(e, rep, q.Name, read)
}

// nothing reads the answer of a script that only does something.
func nothing(string) (struct{}, error) { return struct{}{}, nil }

// fullMesh is up to how many nodes each pings each; among more, each pings the next
// two and the frontend all.
const fullMesh = 20

// peersOf are whom a host pings: the frontend all nodes, nodes the frontend and each
// other, or their neighbours in a ring.
func peersOf(ends []*end, i int) (list []facts.Peer) {
	from := ends[i]
	for j, to := range ends {
		ahead := (j - i + len(ends)) % len(ends)
		if j != i && (len(ends) <= fullMesh+1 || from.host.Frontend || to.host.Frontend || ahead <= 2) {
			list = append(list, to.peer)
		}
	}
	return list
}

// ping lets every host ping its peers.
func (t *trial) ping(ctx context.Context, env tasks.Env) {
	ends := t.present()
	peers := map[*end][]facts.Peer{}
	for i, e := range ends {
		peers[e] = peersOf(ends, i)
	}
	if len(ends) > fullMesh+1 {
		t.note(ends[0], fmt.Sprintf("among %d nodes not every pair was tried: the frontend with all, each with the next two", len(ends)-1), "", "")
	}
	t.together(func(e *end) (err error) {
		e.pings, err = asked(ctx, e, env, facts.Section{Name: "pings", Script: facts.Pings(e.dev, peers[e]...)}, facts.ReadPings)
		return err
	})
}

// names are hosts in words.
func names(ends []*end) string {
	var list []string
	for _, e := range ends {
		list = append(list, e.host.Name)
	}
	return strings.Join(list, ", ")
}
