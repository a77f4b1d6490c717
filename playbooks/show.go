package playbooks

import "maps"

// show tells what became of entries, in their order, and counts it.
func (w *walker) show() {
	for len(w.queue) > 0 && w.queue[0].known {
		e := w.queue[0]
		w.queue = w.queue[1:]
		g := e.group
		if g == nil || !w.asks() {
			continue
		}
		if !e.cell.blocked && !e.cell.absent {
			w.showEntry(e)
		}
		g.shown++
		w.showGroup(g)
	}
}

// close says that a group has all its items.
func (w *walker) close(g *group) {
	g.closed = true
	w.showGroup(g)
}

func (w *walker) showEntry(e *entry) {
	r := e.result
	r.Host, r.Task, r.Status, r.Ignored, r.Took = w.mem.host.Name, e.info, e.status, e.ignored, e.took
	r.Fields = w.visible(e)
	hides, _ := e.around.is("no_log")
	if hides {
		r.Diffs, r.Quiet = nil, true
	}
	if g := e.group; g.loop {
		if r.HasItem, r.Item = true, e.label; hides {
			r.Item = "None"
		}
		w.tellResult(r)
		return
	}
	if e.step.Kind == "include_role" && e.status == StatusIncluded {
		r.Status = StatusNone
	} else {
		w.count(e.status, e.fields, e.ignored, e.around.rescued)
	}
	w.tellResult(r)
}

// visible is what may be shown of a result.
func (w *walker) visible(e *entry) map[string]any {
	if hides, err := e.around.is("no_log"); hides || err != nil {
		return censored(e.fields)
	}
	return withItem(e)
}

func censored(fields map[string]any) map[string]any {
	return map[string]any{
		"censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
		"changed":  fields["changed"],
	}
}

// withItem is a result with what tells of which item of a loop it is.
func withItem(e *entry) map[string]any {
	if len(e.each) == 0 {
		return e.fields
	}
	out := maps.Clone(e.fields)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, e.each)
	return out
}

// showGroup tells of a loop as a whole, once all its items are told.
func (w *walker) showGroup(g *group) {
	if !w.asks() || !g.closed || g.shown < len(g.entries) || !g.loop || g.told {
		return
	}
	fields := g.result()
	if len(g.entries) > 0 && g.allBlocked() {
		return
	}
	g.told = true
	status := StatusOK
	switch {
	case g.failed:
		status = StatusFailed
	case fields["skipped"] == true:
		status = StatusSkipped
	case fields["changed"] == true:
		status = StatusChanged
	}
	a := g.around
	r := Result{Host: w.mem.host.Name, Task: g.info, Status: status, Ignored: status == StatusFailed && g.ignored, Loop: len(g.entries) > 0, Fields: fields}
	if hides, _ := a.is("no_log"); hides {
		r.Fields = censored(fields)
		r.Loop, r.Quiet = false, true
	}
	w.count(status, fields, g.ignored, a.rescued)
	w.tellResult(r)
}

func (g *group) allBlocked() bool {
	for _, e := range g.entries {
		if !e.cell.blocked && !e.cell.absent {
			return false
		}
	}
	return true
}

// result is what register makes of a group.
func (g *group) result() map[string]any {
	if g.value != nil {
		return g.value
	}
	if !g.loop {
		if len(g.entries) == 1 {
			g.value = g.entries[0].fields
		}
		return g.value
	}
	results, changed, failed, skipped := []any{}, false, false, true
	for _, e := range g.entries {
		if e.cell.blocked || e.cell.absent {
			continue
		}
		one := withItem(e)
		results = append(results, one)
		changed = changed || e.cell.changed || one["changed"] == true // as a deed that failed half-way
		g.failed, g.ignored = g.failed || e.cell.failed, g.ignored || e.ignored
		failed = failed || e.cell.failed || one["failed"] == true
		skipped = skipped && e.cell.skipped
	}
	v := map[string]any{"results": results, "changed": changed, "skipped": skipped, "msg": "All items completed"}
	switch {
	case len(results) == 0:
		v["skipped_reason"] = "No items in the list"
		delete(v, "msg")
	case failed:
		v["failed"], v["msg"] = true, "One or more items failed"
	case skipped:
		v["msg"] = "All items skipped"
	}
	g.value = v
	return v
}

// count adds to the host's statistics as Ansible does.
func (w *walker) count(status Status, fields map[string]any, ignored, rescued bool) {
	s := &w.stats
	switch status {
	case StatusOK, StatusIncluded:
		s.OK++
	case StatusChanged:
		s.OK++
		s.Changed++
	case StatusSkipped:
		s.Skipped++
	case StatusFailed:
		switch {
		case ignored:
			s.OK++
			s.Ignored++
			if fields["changed"] == true {
				s.Changed++
			}
		case rescued:
			s.Rescued++
		default:
			s.Failed++
		}
	case StatusUnreachable:
		if ignored {
			s.Skipped++
			s.Ignored++
			return
		}
		s.Unreachable++
	}
}
