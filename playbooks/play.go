package playbooks

import (
	"path"
	"slices"
	"strings"

	"eucactl/facts"
	"eucactl/templates"
)

// wholePlay walks through a play for a host that is asked.
func (w *walker) wholePlay(p *Play) ([]*cell, error) {
	a := around{scope: w.scope(), path: "0"}.within(p.Keywords)
	if err := w.loadFiles(a); err != nil {
		return nil, err
	}
	a.scope = w.scope()
	if err := w.gathering(a); err != nil {
		return nil, err
	}
	return w.sectionsOf(p, nil)
}

// placeOf is a place of the walk.
func (w *walker) placeOf(path string) Place {
	if w.batch == nil {
		return Place{Path: path}
	}
	at := w.batch.place
	at.Path = path
	return at
}

// info is a task as it is shown. A name that cannot be rendered is shown as written.
func (w *walker) info(s Step, needs []*cell, a *around) (*TaskInfo, error) {
	if !w.asks() {
		return nil, nil
	}
	t := &TaskInfo{
		Place: w.placeOf(a.path), Action: s.Kind, Where: s.Where, Handler: a.handler != nil, Play: w.play.name(), Tags: a.tags,
	}
	name := s.Name
	if templates.HasTemplate(name) {
		err := w.resolve(nil, a, func() (err error) {
			name, err = a.scope.string(s.Name)
			return err
		})
		if err != nil {
			if isEnd(err) {
				return nil, err
			}
			name = s.Name
		}
	}
	if name == "" {
		name = s.Called
		if role, ok := textArg(s.Args, "name", "role"); ok && s.Kind == "include_role" {
			name += " : " + role
		}
	}
	t.Name = oneLine(strings.Join(append(slices.Clone(a.prefix), s.full(name)), ": "))
	return t, nil
}

// selected tells whether the command line chooses a task: by its tags, and by
// where the run is to start.
func (w *walker) selected(s Step, a around) bool {
	if a.chosen {
		return true
	}
	tags := a.tags
	if slices.ContainsFunc(tags, templates.HasTemplate) {
		tags = nil
		for _, t := range a.tags {
			tags = append(tags, splitCommas(a.scope.text(t))...)
		}
	}
	if !w.opts.selected(tags) {
		return false
	}
	switch {
	case w.started:
	case w.opts.From != nil:
		return w.goesOn(a)
	default:
		w.startsAt(s, a)
	}
	return w.started
}

// startsAt begins if a task is the one that the run is to start at.
func (w *walker) startsAt(s Step, a around) {
	want := w.opts.StartAtTask
	full := s.full(s.Name)
	for _, name := range []string{s.Name, full, a.scope.text(s.Name), a.scope.text(full)} {
		if ok, err := path.Match(want, name); name != "" && (name == want || err == nil && ok) {
			w.begin()
			return
		}
	}
}

// Met tells whether the run came to the task that it is to start at.
func (r *Run) Met() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begins
}

func splitCommas(s string) []string {
	var out []string
	for w := range strings.SplitSeq(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// gatherAll asks the host for all facts.
func (w *walker) gatherAll(filter []string) (map[string]any, error) {
	w.opened = true
	if err := w.asPlay(); err != nil {
		return nil, err
	}
	if err := w.setup(w.mem, facts.SetupNames(), filter); err != nil {
		return nil, err
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	return matching(w.mem.knownFacts(), filter), nil
}

// matching are the facts whose names one of the patterns names, or all if there is none.
func matching(found map[string]any, patterns []string) map[string]any {
	out := map[string]any{}
	for name, v := range found {
		if matches(name, patterns) {
			out[name] = v
		}
	}
	return out
}

// matches tells whether a fact is asked for, with or without ansible_ before its name.
func matches(fact string, patterns []string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
		short, _ := path.Match(p, fact)
		long, _ := path.Match(p, "ansible_"+fact)
		return short || long
	})
}

// askStep asks once for all hosts whether a task is to run.
func (r *Run) askStep(w *walker, place, name string) (skip bool, err error) {
	key := w.placeOf(place).String()
	r.stepping.Lock()
	defer r.stepping.Unlock()
	if r.goOn {
		return false, nil
	}
	answer, asked := r.steps[key]
	if !asked {
		answer, err = r.Runner.Ask(w.ctx, Question{Text: "Perform task: TASK: " + name + " (N)o/(y)es/(c)ontinue: ", Step: true})
		if err != nil {
			return false, err
		}
		answer = strings.ToLower(strings.TrimSpace(answer))
		r.steps[key] = answer
	}
	switch {
	case strings.HasPrefix(answer, "c"):
		r.goOn = true
	case !strings.HasPrefix(answer, "y"):
		return true, nil
	}
	return false, nil
}
