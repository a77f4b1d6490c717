package playbooks

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"eucactl/tasks"
)

// judge says what became of entries, in their order, as far as that is known.
func (w *walker) judge() {
	for _, e := range w.queue {
		if e.known {
			continue
		}
		if e.contact && w.contacted {
			e.known, *e.cell = true, cell{ran: true}
			continue
		}
		if e.raw != nil {
			err := w.finish(e)
			if err != nil && neededBy(err) != nil {
				break // stuck finds it
			}
			if err != nil {
				w.misjudged(e, err)
			}
			continue
		}
		if e.skips && !w.skipped(e) {
			break
		}
		if e.known {
			continue
		}
		if !e.cell.local {
			break
		}
		switch _, v, err := fold(e.needs, e.around.when); {
		case err != nil || v == waits:
		case v == blocked:
			w.block(e)
		case v == skips:
			e.known, e.status, e.fields = true, StatusSkipped, skippedFields()
			*e.cell = cell{skipped: true, absent: !met(e.around.gates)}
		default:
			e.known = true
			*e.cell = cell{ran: true, changed: e.status == StatusChanged}
		}
		if !e.known {
			break
		}
	}
	w.show()
}

// skipped says what became of an entry whose condition does not hold; false if that
// is not known yet.
func (w *walker) skipped(e *entry) bool {
	_, v, err := fold(e.needs, e.around.gates)
	switch {
	case err != nil || v == waits:
		return false
	case v == blocked:
		w.block(e)
	default:
		e.known, *e.cell = true, cell{skipped: true, absent: !met(e.around.gates)}
	}
	return true
}

// stuck is the first entry whose result is there, and cannot be judged yet.
func (w *walker) stuck() *entry {
	for _, e := range w.queue {
		if !e.known {
			if e.raw != nil {
				return e
			}
			return nil
		}
	}
	return nil
}

// judgeNow finds out what an entry's judgement needs.
func (w *walker) judgeNow(e *entry) error {
	err := w.resolve(nil, &e.around, func() error { return w.finish(e) })
	if err != nil && !isEnd(err) {
		w.misjudged(e, err)
		err = nil
	}
	w.judge()
	return err
}

// misjudged is a task whose conditions about its result cannot be evaluated: it failed.
func (w *walker) misjudged(e *entry, err error) {
	e.cell.settle(tasks.Failed, false)
	e.fields["failed"], e.fields["msg"] = true, err.Error()
	e.fields["changed"] = e.fields["rc"] != nil && w.isAct(e.step.Kind) && e.step.Until == nil // as Ansible counts it
	e.known, e.status = true, StatusFailed
	e.ignored, _ = e.around.is("ignore_errors")
	w.lastFailed = e
}

// finish takes over what the host said of a task.
func (w *walker) finish(e *entry) error {
	r := *e.raw
	if e.fields == nil {
		e.fields = fieldsOf(r)
		e.result.TimedOut = r.Data["timedout"] != ""
		if e.fields["msg"] == nil && (e.step.Kind == "command" || e.step.Kind == "shell") {
			e.fields["msg"] = "" // they always have one
		}
	}
	c := cell{}
	c.settle(r.Outcome, strings.HasPrefix(r.Why, "needs"))
	if e.fields["skipped"] == true && c.ran && !c.failed {
		c = cell{skipped: true} // the kind says that there was nothing to do
	}
	if e.decide != nil && c.ran && !c.skipped {
		if err := e.decide(&c); err != nil {
			return err
		}
		e.decide = nil
	}
	if c.ran && !c.skipped && !c.blocked {
		if err := w.overrule(e, &c); err != nil {
			return err
		}
		if e.step.FailedWhen != nil {
			e.fields["failed_when_result"] = c.failed // also where the host was told beforehand
		}
	}
	e.gatherParts(&c)
	if done, err := w.enough(e, &c); !done {
		if err == nil {
			e.raw = nil
		}
		return err
	}
	if h := e.around.handler; r.Outcome == tasks.Skipped && (!met(e.around.gates) || h != nil && h.marked) {
		c.absent = true
	}
	*e.cell = c
	e.known = true
	if c.blocked || c.absent {
		return nil
	}
	w.tell(e, r)
	return nil
}

// tell fills in what is shown of a result.
func (w *walker) tell(e *entry, r tasks.Result) {
	c := e.cell
	switch {
	case c.failed:
		e.status = StatusFailed
		e.ignored, _ = e.around.is("ignore_errors")
		w.lastFailed = e
	case c.skipped:
		e.status = StatusSkipped
		e.result.Unknown = r.Outcome == tasks.Unknown
		e.fields["skipped"] = true
	case c.changed:
		e.status = StatusChanged
	default:
		e.status = StatusOK
	}
	e.fields["changed"] = c.changed || c.failed && w.acted(e)
	if !c.skipped {
		e.fields["failed"] = c.failed || e.tries != nil && e.tries.spent
	}
	if (e.after != "" || e.empties) && e.fields["checksum"] == nil && isFile(e.step.Kind) {
		e.fields["checksum"] = fmt.Sprintf("%x", sha1.Sum([]byte(e.after))) // as Ansible names content
	}
	e.result.Foretold = r.Outcome == tasks.Would && c.changed
	if d, ok := diffOf(e, r); ok {
		e.result.Diffs = append(e.result.Diffs, d)
		e.fields["diff"] = []any{map[string]any{"before": d.Before, "after": d.After, "prepared": d.Prepared}}
	}
	if e.fields["diff"] == nil && isFile(e.step.Kind) {
		e.fields["diff"] = []any{}
	}
	if !c.failed && !c.skipped {
		w.teach(e)
	}
	if e.arrived != nil {
		e.arrived(e)
	}
}

// overrule lets changed_when and failed_when decide.
func (w *walker) overrule(e *entry, c *cell) error {
	if e.step.ChangedWhen == nil && e.step.FailedWhen == nil || !e.cell.late.changed && !e.cell.late.failed {
		return nil
	}
	sc := e.seen(*c)
	if e.cell.late.changed {
		v, err := sc.holds(e.step.ChangedWhen, "changed_when")
		if err != nil {
			return err
		}
		c.changed = v
	}
	if e.cell.late.failed && e.step.FailedWhen != nil {
		v, err := sc.holds(e.step.FailedWhen, "failed_when")
		if err != nil {
			return err
		}
		if c.failed && !v && e.step.ChangedWhen == nil && w.isAct(e.step.Kind) {
			c.changed = true // an act that does not count as failed did something
		}
		c.failed = v
		e.fields["failed_when_result"] = v
	}
	return nil
}

// isAct tells whether a kind is a deed rather than something that can be so already.
func (w *walker) isAct(kind string) bool {
	k, err := w.lib.Kind(kind)
	return lines[kind] != "" || err == nil && !k.HasCheck
}

// isDeed tells whether a task that failed is taken to have changed something.
func (w *walker) isDeed(s *Step) bool {
	switch {
	case !w.asks():
		return false
	case len(s.ChangedWhen) == 1 && s.ChangedWhen[0].Text == "true":
		return true
	}
	return s.ChangedWhen == nil && w.isAct(s.Kind)
}

// acted tells whether a task that failed half-way is taken to have changed something. A
// command that is not there never began, so it took no time.
func (w *walker) acted(e *entry) bool {
	return e.fields["rc"] != nil && w.isDeed(e.step) && (e.step.Kind != "command" || e.fields["delta"] != nil)
}

// withOutcome is a result with what became of it.
func withOutcome(fields map[string]any, c cell) map[string]any {
	out := maps.Clone(fields)
	out["changed"], out["failed"] = c.changed, c.failed
	return out
}

// isFile tells whether a kind gives a file its whole content.
func isFile(kind string) bool { return kind == "copy" || kind == templateKind }

func diffOf(e *entry, r tasks.Result) (Diff, bool) {
	if !r.Diffed {
		return Diff{}, false
	}
	if e.after == "" && !e.empties {
		return Diff{Prepared: r.Before}, true
	}
	name := ""
	for _, key := range []string{"dest", "path", "name"} {
		if s, ok := e.fields[key].(string); ok && name == "" {
			name = s
		}
	}
	return Diff{Before: r.Before, After: e.after, BeforeHeader: name, AfterHeader: name}, true
}

// wholeNumbers are the fields that are numbers.
var wholeNumbers = []string{"rc", "uid", "gid", "size", "mtime", "atime", "ctime", "status", "port", "pid", "elapsed", "matched", "examined", "nlink", "attempts", "dev", "inode"}

// fieldsOf is a host's result as playbooks see it.
func fieldsOf(r tasks.Result) map[string]any {
	out := map[string]any{}
	for _, key := range sortedNames(r.Data) {
		text := r.Data[key]
		if name, ok := strings.CutSuffix(key, "_json"); ok {
			var v any
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			if d.Decode(&v) == nil {
				out[name] = plainNumbers(v)
				continue
			}
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && slices.Contains(wholeNumbers, key) {
			out[key] = n
			continue
		}
		out[key] = strings.ToValidUTF8(text, "\uFFFD")
	}
	for _, name := range []string{"stdout", "stderr"} {
		if s, ok := out[name].(string); ok {
			out[name+"_lines"] = linesOf(strings.TrimRight(s, "\r\n"))
		}
	}
	delete(out, "timedout")
	switch words := strings.TrimSpace(r.Words); {
	case out["msg"] != nil:
	case r.Outcome == tasks.Unsettled:
		out["msg"] = strings.TrimSpace("it was changed, and is still not as it should be\n" + words)
	case r.Outcome == tasks.Failed && words == "":
		out["msg"] = fmt.Sprintf("exit status %d", r.RC)
	case r.Outcome == tasks.Failed, r.Outcome == tasks.Changed && words != "":
		out["msg"] = words
	}
	if r.Outcome == tasks.Skipped {
		maps.Copy(out, skippedFields())
	}
	return out
}

func skippedFields() map[string]any {
	return map[string]any{"changed": false, "skipped": true, "skip_reason": "Conditional result was False"}
}

func linesOf(s string) []any {
	out := []any{}
	if s == "" {
		return out
	}
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, strings.TrimSuffix(line, "\r"))
	}
	return out
}

// plainNumbers makes int64 or float64 of JSON's numbers.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}
