package playbooks

import (
	"errors"
	"maps"
	"reflect"
	"time"
)

// arrive notes that the walk has come to a step.
func (w *walker) arrive(a around) {
	w.place = a.path
	if w.asks() {
		w.reached()
	}
}

// reached tells the batch how far the host has come: to the first task that it has
// not reported, or else to where the walk is.
func (w *walker) reached() {
	w.mem.publish()
	path := w.place
	for _, e := range w.queue {
		if e.info != nil && e.info.Place.Path != "" {
			path = min(path, e.info.Place.Path)
			break
		}
	}
	w.batch.reach(w.mem.host.Name, path)
	w.run.passed(w.mem.host.Name, w.placeOf(path))
}

// hurry sends what is pending if another host waits for it.
func (w *walker) hurry() error {
	if len(w.stage.entries) > 0 && w.batch.wanted(w.mem.host.Name, w.place) {
		return w.flush()
	}
	return nil
}

// barrier waits until all other hosts have reported everything before a path.
func (w *walker) barrier(path string) error {
	if len(w.batch.hosts) == 1 {
		return w.flush()
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.place = max(w.place, path)
	w.reached()
	return w.batch.await(w.ctx, w.run.Runner, w.mem.host.Name, w.batch.hosts, path)
}

// await waits for one host.
func (w *walker) await(host string, a *around) error {
	if err := w.flush(); err != nil {
		return err
	}
	w.reached()
	if err := w.batch.await(w.ctx, w.run.Runner, w.mem.host.Name, []string{host}, a.path); err != nil {
		return err
	}
	return nil
}

// how is another way to walk through a task than each host for itself.
type how func(s Step, needs []*cell, a around) ([]*cell, error)

// shared finds out whether a task is to run on one host for all.
func (w *walker) shared(s Step, needs []*cell, a *around) (how, error) {
	if !w.asks() {
		return nil, nil
	}
	if w.batch.stopped() {
		return nil, errEnd
	}
	if err := w.hurry(); err != nil {
		return nil, err
	}
	if w.opts.Step {
		if skip, err := w.askStep(s, *a); err != nil || skip {
			return func(Step, []*cell, around) ([]*cell, error) { return needs, nil }, err
		}
	}
	once := false
	err := w.resolve(needs, a, func() (err error) {
		once, err = a.is("run_once")
		return err
	})
	if err != nil && isEnd(err) {
		return nil, err
	}
	if once || s.Kind == "add_host" || s.Kind == "pause" || s.Kind == "meta" && forAll(s) {
		return w.runOnce, nil
	}
	return nil, nil
}

// forAll tells what the kind meta is told once for all hosts.
func forAll(s Step) bool {
	word, _ := textArg(s.Args, "action")
	return word == "end_play" || word == "end_batch" || word == "clear_host_errors" || word == "clear_facts"
}

// runOnce lets the first host of the batch do what all have the result of.
func (w *walker) runOnce(s Step, needs []*cell, a around) ([]*cell, error) {
	if err := w.barrier(a.path); err != nil {
		return nil, err
	}
	if dead(needs) {
		w.batch.decline(w.mem.host.Name, a.path)
		return needs, nil
	}
	a.settings = maps.Clone(a.settings)
	if a.settings == nil {
		a.settings = map[string]Setting{}
	}
	a.settings["run_once"] = Setting{Value: false}
	o := w.batch.at(a.path)
	for o.leader != w.mem.host.Name {
		if o.leader == "" {
			return nil, errEnd // nobody is left
		}
		after, err := w.follow(s, needs, a, o)
		if err != nil || !o.passed {
			return after, err
		}
		o = w.batch.at(a.path)
	}
	defer w.batch.finish(o)
	before, heard := w.settings(), w.mem.hearsay()
	g := &group{step: &s, loop: s.Loop != nil, info: a.info, around: a}
	after, err := w.alone(s, needs, a, g)
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		o.failed = true
		if w.batch.stop(); errors.Is(err, errGone) {
			w.batch.breakOff()
		}
		return nil, err
	}
	o.ran, o.facts = g.done() && !g.allBlocked(), map[string]Var{}
	if o.ran {
		o.fields = g.result()
	}
	for name, v := range w.settings() {
		if old, was := before[name]; v.result == nil && name != s.Register && (!was || !sameVar(old, v)) {
			o.facts[name] = v
		}
	}
	o.said = w.mem.heardSince(heard)
	if o.failed = dead(after); o.failed && !a.rescued {
		w.batch.breakOff()
	}
	return after, nil
}

func sameVar(a, b Var) bool { return reflect.DeepEqual(a.Value, b.Value) }

// follow takes over what another host's task came to.
func (w *walker) follow(s Step, needs []*cell, a around, o *once) ([]*cell, error) {
	w.place = beyond(a.path)
	w.reached()
	if err := w.run.Runner.Wait(w.ctx, w.mem.host.Name, o.done); err != nil {
		return nil, err
	}
	if o.passed {
		return needs, nil
	}
	if o.failed {
		if w.batch.stopped() {
			return nil, errEnd
		}
		return w.felled(&a), nil
	}
	for _, v := range o.facts {
		w.mem.remember(w.mem.set, v, a.path)
	}
	w.mem.hear(o.said)
	if s.Register != "" && o.fields != nil {
		w.remember(s.Register, o.fields)
	}
	return needs, nil
}

// felled is what the next step needs where another host failed for all: as if the
// task had failed here too, so that a rescue and an always see to it.
func (w *walker) felled(a *around) []*cell {
	c := &cell{ran: true, failed: true}
	if a.fails != nil {
		*a.fails = append(*a.fails, c)
	}
	return []*cell{c}
}

// settleFatal waits for the others after a task whose failure on one host, or on
// too many, ends the play for all. after is what the next step needs otherwise.
func (w *walker) settleFatal(a around, g *group, after []*cell) ([]*cell, error) {
	if !w.asks() {
		return after, nil
	}
	fatal, err := a.is("any_errors_fatal")
	if err != nil {
		return nil, err
	}
	most, limited, err := w.mostFailures(a)
	if err != nil || !fatal && !limited {
		return after, err
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	for _, e := range g.entries {
		if e.cell.failed && !e.ignored && !e.around.rescued {
			w.batch.fail(w.mem.host.Name, a.path)
		}
	}
	if err := w.barrier(beyond(a.path)); err != nil {
		return nil, err
	}
	failed, lost := w.batch.failures()
	if !dead(after) && (fatal && failed > 0 || limited && float64(failed-lost)*100/float64(len(w.batch.hosts)) > most) {
		w.batch.breakOff()
		return w.felled(&around{}), nil
	}
	return after, nil
}

// mostFailures is the share of hosts that may fail.
func (w *walker) mostFailures(a around) (float64, bool, error) {
	v, err := a.setting("max_fail_percentage")
	if v == nil || err != nil {
		return 0, false, err
	}
	n, ok := numberOf(v)
	if !ok {
		return 0, false, wrong(a.settings["max_fail_percentage"].Where, "max_fail_percentage is a number, not %s", describeValue(v))
	}
	return n, true, nil
}

// askStep asks whether a task is to run, of --step.
func (w *walker) askStep(s Step, a around) (skip bool, err error) {
	if s.Kind == "meta" {
		return false, nil
	}
	if err := w.barrier(a.path); err != nil {
		return false, err
	}
	return w.run.askStep(w, a.path, a.info.Name)
}

// pauseBetween waits between two items of a loop.
func (w *walker) pauseBetween(s Step, a around, i, n int) error {
	if s.Loop.Pause == nil || i == n-1 || !w.asks() {
		return nil
	}
	v, err := a.scope.deep(s.Loop.Pause.Value)
	if err != nil {
		return wrap(s.Loop.Pause.Where, "pause", err)
	}
	seconds, ok := numberOf(v)
	if !ok {
		return wrong(s.Loop.Pause.Where, "pause is a number of seconds, not %s", describeValue(v))
	}
	if err := w.flush(); err != nil {
		return err
	}
	return w.run.Runner.Sleep(w.ctx, w.mem.host.Name, time.Duration(seconds*float64(time.Second)))
}
