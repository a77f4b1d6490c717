package controller

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/state"
	"eucactl/tasks"
)

// Bundle says of which hosts somebody who helps wants to know.
type Bundle struct {
	Pattern string `json:"pattern,omitempty"` // none = every host
	Version string `json:"version,omitempty"` // of who asks
}

// Bundled is what is in a bundle: the hosts that answered, and why others did not.
type Bundled struct {
	Hosts       []string          `json:"hosts"`
	Unreachable map[string]string `json:"unreachable,omitempty"`
}

// Bundle implements Door: a tar.gz of what the records, the inventory and the hosts
// say, without secrets. The same content is in the same place in every bundle.
func (c *Controller) Bundle(ctx context.Context, req Bundle, w io.Writer) (out Bundled, err error) {
	hosts, err := c.selected(Reconcile{Pattern: req.Pattern})
	if err != nil {
		return out, err
	}
	tx := c.Store.View()
	answers := c.support(ctx, tx, hosts)
	if err := ctx.Err(); err != nil {
		return out, err
	}
	zip := gzip.NewWriter(w)
	b := &bundle{tar: tar.NewWriter(zip), at: c.Now(), mask: c.mask(tx)}
	out = b.hosts(hosts, answers)
	b.file("README.txt", bundleReadme(req, c.Now(), out))
	b.controller(ctx, c)
	return out, errors.Join(b.err, b.tar.Close(), zip.Close())
}

// support asks every host; err says why one did not answer.
func (c *Controller) support(ctx context.Context, tx *state.Tx, hosts []*inventory.Host) []supported {
	list := make([]supported, len(hosts))
	var group errgroup.Group
	group.SetLimit(c.forks(Reconcile{}))
	for i, h := range hosts {
		group.Go(func() error {
			rep, err := c.whole(ctx, tx, h, facts.Support()...)
			list[i] = supported{rep, err}
			return nil
		})
	}
	_ = group.Wait()
	return list
}

type supported struct {
	rep tasks.Report
	err error
}

// bundle writes files until one fails.
type bundle struct {
	tar  *tar.Writer
	at   time.Time
	mask masker
	err  error
}

func (b *bundle) file(name, text string) {
	if b.err != nil {
		return
	}
	if b.err = b.tar.WriteHeader(&tar.Header{Name: "eucactl-support/" + name, Mode: 0o600, Size: int64(len(text)), ModTime: b.at, Format: tar.FormatPAX}); b.err == nil {
		_, b.err = io.WriteString(b.tar, text)
	}
}

// hosts writes host/NAME/SECTION.txt of those that answered, and why others did not.
func (b *bundle) hosts(hosts []*inventory.Host, answers []supported) Bundled {
	out := Bundled{Hosts: []string{}, Unreachable: map[string]string{}}
	for i, h := range hosts {
		dir, a := "host/"+h.Name+"/", answers[i]
		if a.err != nil {
			out.Unreachable[h.Name] = b.mask.clean(a.err.Error())
			b.file(dir+"unreachable.txt", out.Unreachable[h.Name]+"\n")
		}
		if a.err == nil {
			out.Hosts = append(out.Hosts, h.Name)
		}
		for _, q := range facts.Support() {
			if answer, said := a.rep.Sections[q.Name]; said {
				b.file(dir+q.Name+".txt", b.mask.clean(answer.Text+"\n"+answer.Words))
			}
		}
	}
	return out
}

// controller writes what is known here.
func (b *bundle) controller(ctx context.Context, c *Controller) {
	var records strings.Builder
	b.try("records.jsonl", func() (string, error) { err := c.Export(ctx, &records); return records.String(), err })
	b.try("journal.jsonl", func() (string, error) {
		rev := c.Store.View().Rev()
		list, err := c.Log(ctx, max(rev, 200)-200, 0)
		return lines(list), err
	})
	b.try("inventory.json", func() (string, error) { return maskedInventory(c.Inventory) })
	b.try("hosts.jsonl", func() (string, error) {
		t := &turn{Tx: c.Store.View(), c: c, user: cloud.Admin, now: c.Now()}
		all, err := describeHosts(t, cloud.DescribeHosts{})
		return lines(all.Hosts), err
	})
}

// try writes a file, or why there is none: a bundle is for when things go wrong.
func (b *bundle) try(name string, text func() (string, error)) {
	s, err := text()
	if err != nil {
		s += "# " + err.Error() + "\n"
	}
	b.file("controller/"+name, b.mask.plain(s))
}

// lines is a list in JSON, one a line.
func lines[T any](list []T) string {
	var b strings.Builder
	for _, v := range list {
		text, err := json.Marshal(v)
		if err != nil {
			text = fmt.Appendf(nil, "%q", err.Error())
		}
		b.Write(append(text, '\n'))
	}
	return b.String()
}

func bundleReadme(req Bundle, at time.Time, out Bundled) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Made by eucactl %s at %s.\n\n", req.Version, at.UTC().Format(time.RFC3339))
	b.WriteString(`controller/   records.jsonl     all records but secrets (eucactl state export)
              journal.jsonl     the last changes of records (eucactl state log)
              hosts.jsonl       hosts as they were last seen (eucactl hosts list)
              inventory.json    the inventory's groups and variables
host/NAME/    what the host said, one file for each subject; a tool that it does not
              have is noted there. unreachable.txt: it did not answer, and why.

User data, keys, passwords and inventory variables whose names sound like secrets are
left out or shown as ***. Addresses and host names are in it: look before you publish it.

`)
	for _, name := range out.Hosts {
		fmt.Fprintf(&b, "%s: answered\n", name)
	}
	for _, name := range sortedKeys(out.Unreachable) {
		fmt.Fprintf(&b, "%s: did not answer: %s\n", name, out.Unreachable[name])
	}
	return b.String()
}
