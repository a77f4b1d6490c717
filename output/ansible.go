// Package output shows the run of a playbook: in Ansible's lines, in one line a
// result, as JSON lines, as a JUnit file, and with the time that each task took. It
// is told what happens and writes words; it decides nothing and asks nobody.
package output

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"eucactl/playbooks"
)

// Look is how lines are to look.
type Look struct {
	Width     int  // of banners; 0 is 79
	Color     bool // whoever looks at a terminal
	Verbosity int  // -v: fields of every result
	Diff      bool
}

// Ansible writes a run as ansible-playbook does, so that whoever reads or filters
// that finds what he knows.
type Ansible struct {
	w    io.Writer
	look Look
}

// NewAnsible writes to w.
func NewAnsible(w io.Writer, look Look) *Ansible {
	if look.Width <= 0 {
		look.Width = 79
	}
	return &Ansible{w: w, look: look}
}

// banner is a line of its own, filled with stars.
func (a *Ansible) banner(text string) {
	stars := max(a.look.Width-len(text), 3)
	fmt.Fprintf(a.w, "\n%s %s\n", text, strings.Repeat("*", stars))
}

// PlayStart implements playbooks.Events.
func (a *Ansible) PlayStart(p playbooks.PlayInfo) {
	a.banner("PLAY [" + harmless(p.Name) + "]")
	if p.None {
		a.line(cyan, "skipping: no hosts matched")
	}
}

// TaskStart implements playbooks.Events.
func (a *Ansible) TaskStart(t *playbooks.TaskInfo) {
	word := "TASK"
	if t.Handler {
		word = "RUNNING HANDLER"
	}
	a.banner(word + " [" + harmless(t.Name) + "]")
	if a.look.Verbosity >= 2 {
		fmt.Fprintf(a.w, "task path: %s\n", t.Where)
	}
}

// Begun implements playbooks.Events.
func (*Ansible) Begun(string, *playbooks.TaskInfo) {}

// Warning implements playbooks.Events.
func (a *Ansible) Warning(text string) { a.line(purple, "[WARNING]: "+harmless(text)) }

// Result implements playbooks.Events.
func (a *Ansible) Result(r playbooks.Result) {
	for _, d := range r.Diffs {
		fmt.Fprint(a.w, difference(d, a.look.Color))
	}
	host := "[" + r.Host + "]"
	if r.Loop { // its items were shown
		if r.Status == playbooks.StatusSkipped {
			a.line(cyan, "skipping: "+host)
		}
		a.ignored(r)
		return
	}
	if r.Delegated != "" {
		host = "[" + r.Host + " -> " + r.Delegated + "]"
	}
	item := ""
	if r.HasItem {
		item = " => (item=" + harmless(r.Item) + ")"
	}
	switch r.Status {
	case playbooks.StatusOK:
		a.line(green, "ok: "+host+item+a.fields(r))
	case playbooks.StatusChanged:
		a.line(yellow, "changed: "+host+item+a.fields(r))
	case playbooks.StatusSkipped:
		a.skipped(r, host, item)
	case playbooks.StatusIncluded:
		a.line(cyan, "included: "+harmless(text(r.Fields["include"]))+" for "+r.Host+item)
	case playbooks.StatusWaiting:
		a.line(blue, fmt.Sprintf("FAILED - RETRYING: %s: %s (%d retries left).", host, harmless(r.Task.Name), r.Left))
	case playbooks.StatusUnreachable:
		a.line(red, "fatal: "+host+": "+lost(r)+" => "+compact(r.Fields))
	case playbooks.StatusFailed:
		a.failed(r, host)
	}
	a.ignored(r)
}

func (a *Ansible) skipped(r playbooks.Result, host, item string) {
	if r.Unknown {
		item += " (check mode: what it would change cannot be foretold)"
	}
	a.line(cyan, "skipping: "+host+item+a.fields(r))
}

// lost tells a host that does not answer from one that was given up.
func lost(r playbooks.Result) string {
	if r.TimedOut {
		return "TIMED OUT!"
	}
	return "UNREACHABLE!"
}

func (a *Ansible) failed(r playbooks.Result, host string) {
	how := "FAILED!"
	if r.TimedOut {
		how = "TIMED OUT!"
	}
	fields := compact(r.Fields)
	if speaks(r) && !r.Quiet {
		fields = indented(wanted(r))
	}
	if r.HasItem {
		a.line(red, "failed: "+host+" (item="+harmless(r.Item)+") => "+fields)
		return
	}
	a.line(red, "fatal: "+host+": "+how+" => "+fields)
}

func (a *Ansible) ignored(r playbooks.Result) {
	if r.Ignored && !r.HasItem {
		a.line(cyan, "...ignoring")
	}
}

// fields are shown of what somebody wants to see: debug's, or with -v everybody's.
func (a *Ansible) fields(r playbooks.Result) string {
	switch {
	case r.Quiet && a.look.Verbosity == 0:
		return ""
	case speaks(r) && r.Status != playbooks.StatusSkipped:
		return " => " + indented(wanted(r))
	case a.look.Verbosity > 0:
		return " => " + compact(r.Fields)
	}
	return ""
}

// speaks tells of kinds that are there to be read.
func speaks(r playbooks.Result) bool {
	return r.Task != nil && (r.Task.Action == "debug" || r.Task.Action == "assert")
}

// wanted are the fields that debug is there to show.
func wanted(r playbooks.Result) map[string]any {
	out := maps.Clone(r.Fields)
	delete(out, "failed")
	if r.Task.Action != "debug" {
		return out
	}
	delete(out, "changed")
	if out["msg"] == nil { // it shows a variable, and Ansible the loop's beside it
		return out
	}
	delete(out, "failed_when_result")
	for _, key := range []string{"ansible_loop_var", "ansible_index_var"} {
		name, _ := out[key].(string)
		delete(out, name)
		delete(out, key)
	}
	delete(out, "ansible_loop")
	return out
}

// Stats implements playbooks.Events.
func (a *Ansible) Stats(stats map[string]playbooks.Stats, custom playbooks.Custom) {
	a.banner("PLAY RECAP")
	for _, host := range slices.Sorted(maps.Keys(stats)) {
		s := stats[host]
		color := green
		switch {
		case s.Failed+s.Unreachable > 0:
			color = red
		case s.Changed > 0:
			color = yellow
		}
		name := fmt.Sprintf("%-26s", host)
		if a.look.Color {
			name = paint(color, host) + strings.Repeat(" ", max(26-len(host), 0))
		}
		fmt.Fprintf(a.w, "%s : %s %s %s %s %s %s %s\n", name,
			a.count(green, "ok", s.OK), a.count(yellow, "changed", s.Changed), a.count(red, "unreachable", s.Unreachable),
			a.count(red, "failed", s.Failed), a.count(cyan, "skipped", s.Skipped), a.count(green, "rescued", s.Rescued),
			a.count(purple, "ignored", s.Ignored))
	}
	fmt.Fprintln(a.w)
	if len(custom) == 0 {
		return
	}
	a.banner("CUSTOM STATS:")
	for _, host := range slices.Sorted(maps.Keys(custom)) {
		fmt.Fprintf(a.w, "\t%s: %s\n", cmp.Or(host, "RUN"), compact(custom[host]))
	}
	fmt.Fprintln(a.w)
}

func (a *Ansible) count(color, name string, n int) string {
	word := fmt.Sprintf("%s=%-4d", name, n)
	if a.look.Color && n > 0 {
		return paint(color, word)
	}
	return word
}

func (a *Ansible) line(color, text string) {
	if a.look.Color {
		text = paint(color, text)
	}
	fmt.Fprintln(a.w, text)
}
