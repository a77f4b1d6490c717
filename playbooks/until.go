package playbooks

import "time"

// untilItIs repeats the task that was put into the program until its condition
// holds, or its tries are used up: then it failed.
func (w *walker) untilItIs(e *entry, c call) error {
	tries, delay, err := w.tries(e)
	if err != nil {
		return err
	}
	e.tries = &trying{left: tries, of: tries}
	for {
		if err := w.flush(); err != nil {
			return err
		}
		if e.known {
			return nil
		}
		if err := w.run.Runner.Sleep(w.ctx, w.mem.host.Name, delay); err != nil {
			return err
		}
		t, err := w.made(e, c)
		if err != nil {
			return err
		}
		e.raw, e.fields, e.answered = nil, nil, false
		e.cell.pending, e.cell.index = true, w.stage.program.Add(t)
		w.stage.entries = append(w.stage.entries, e)
	}
}

// trying is how often a task may still be tried. spent says that it was tried in
// vain, which is a failure to whoever asks the registered result, but not to the play:
// that goes by failed_when, where there is one, as in Ansible.
type trying struct {
	left, of int
	spent    bool
}

// tries are how often, and how far apart: 3 times, 5 seconds, as in Ansible.
func (w *walker) tries(e *entry) (int, time.Duration, error) {
	n, d := 3.0, 5.0
	for _, one := range []struct {
		name string
		from *Setting
		to   *float64
	}{{"retries", e.step.Retries, &n}, {"delay", e.step.Delay, &d}} {
		if one.from == nil {
			continue
		}
		v, err := e.around.scope.deep(one.from.Value)
		if err != nil {
			return 0, 0, wrap(one.from.Where, one.name, err)
		}
		number, ok := numberOf(v)
		if !ok {
			return 0, 0, wrong(one.from.Where, "%s is a number, not %s", one.name, describeValue(v))
		}
		*one.to = number
	}
	return max(int(n), 0) + 1, time.Duration(max(d, 0) * float64(time.Second)), nil
}

// enough tells whether a task with until need not be tried again; it says so if it
// is to be.
func (w *walker) enough(e *entry, c *cell) (bool, error) {
	t := e.tries
	if t == nil {
		return true, nil
	}
	t.left--
	tried := t.of - t.left
	e.fields["attempts"] = int64(tried)
	holds, err := e.seen(*c).holds(e.step.Until, "until")
	if err != nil {
		t.left++
		return false, err
	}
	if holds {
		return true, nil
	}
	if t.left <= 0 {
		e.fields["attempts"] = int64(tried - 1)
		if t.spent = e.step.FailedWhen != nil; !t.spent {
			c.failed = true
		}
		return true, nil
	}
	w.tellResult(Result{
		Host: w.mem.host.Name, Task: e.info, Status: StatusWaiting, Fields: w.visible(e), Tries: tried, Left: t.left,
	})
	return false, nil
}
