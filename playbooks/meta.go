package playbooks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"eucactl/facts"
	"eucactl/ordered"
	"eucactl/spelling"
	"eucactl/templates"
)

// doMeta does what the kind meta is told. It counts for nothing.
func doMeta(w *walker, e *entry, c call) (map[string]any, error) {
	out := map[string]any{"changed": false}
	if err := w.flush(); err != nil {
		return nil, err
	}
	switch word := fmt.Sprint(c.args["action"]); word {
	case "noop", "refresh_inventory": // what was read is what counts
	case "flush_handlers":
		e.flushes = true
	case "clear_facts":
		w.mem.forget()
	case "clear_host_errors":
		w.cleared = true
		w.batch.forgive(e.around.path)
	case "reset_connection":
		return out, w.run.Runner.Reset(w.ctx, w.mem.host.Name)
	case "end_host":
		e.ends = true
	case "end_play":
		e.ends = true
		w.batch.end(true)
	case "end_batch":
		e.ends = true
		w.batch.end(false)
	default:
		return nil, failing(map[string]any{"msg": fmt.Sprintf("meta knows no %q%s", word, spelling.DidYouMean(word, metas))})
	}
	return out, nil
}

// meta walks through a task of the kind meta, which is not shown.
func (w *walker) meta(s Step, needs []*cell, a around) ([]*cell, error) {
	e := &entry{step: &s, around: a, info: a.info, cell: &cell{}, needs: needs}
	after, err := w.one(e)
	if err == nil && !e.cell.blocked && !e.cell.absent {
		w.tellResult(Result{Host: w.mem.host.Name, Task: a.info, Status: StatusNone})
	}
	switch {
	case err != nil:
		return nil, err
	case e.flushes:
		return w.runHandlers(after, after, a.deeper(0))
	case e.ends:
		return nil, errEnd
	case e.status == StatusFailed:
		return nil, wrong(s.Where, "%v", e.fields["msg"])
	}
	return after, nil
}

// doAddHost adds a host to the inventory, for the plays that follow.
func doAddHost(w *walker, e *entry, c call) (map[string]any, error) {
	name := ""
	vars := map[string]any{}
	var groups []string
	for key, v := range c.args {
		switch key {
		case "name", "hostname", "host":
			name = fmt.Sprint(v)
		case "groups", "group", "groupname", "groupnames":
			groups = append(groups, namesOf(v)...)
		default:
			vars[key] = v
		}
	}
	if name == "" {
		return nil, failing(map[string]any{"msg": "name or hostname arg needs to be provided"})
	}
	changed, err := w.run.addHost(name, groups, vars)
	if err != nil {
		return nil, failing(map[string]any{"msg": err.Error()})
	}
	return map[string]any{"changed": changed, "add_host": map[string]any{"host_name": name, "groups": anyList(groups), "host_vars": vars}}, nil
}

func namesOf(v any) []string {
	switch v := v.(type) {
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, fmt.Sprint(item))
		}
		return out
	case string:
		return splitCommas(v)
	}
	return nil
}

// doGroupBy puts the host into a group, whose members are known to the next task when
// all hosts have done so.
func doGroupBy(w *walker, e *entry, c call) (map[string]any, error) {
	name := fmt.Sprint(c.args["key"])
	parents := namesOf(c.args["parents"])
	changed, err := w.run.group(w.mem, name, parents)
	if err != nil {
		return nil, failing(map[string]any{"msg": err.Error()})
	}
	if err := w.barrier(beyond(e.around.path)); err != nil {
		return nil, err
	}
	return map[string]any{"changed": changed, "add_group": name, "parent_groups": anyList(parents)}, nil
}

// doPause waits for a time, or for whoever runs the playbook.
func doPause(w *walker, e *entry, c call) (map[string]any, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	seconds, timed := 0.0, false
	for name, unit := range map[string]float64{"seconds": 1, "minutes": 60} {
		v, ok := c.args[name]
		if !ok {
			continue
		}
		n, ok := numberOf(v)
		if !ok {
			return nil, failing(map[string]any{"msg": fmt.Sprintf("non-integer value given for prompt duration: %v", v)})
		}
		seconds, timed = n*unit, true
	}
	began := w.run.Runner.Now()
	input := ""
	prompt, _ := c.args["prompt"].(string)
	switch {
	case timed && prompt == "":
		if err := w.run.Runner.Sleep(w.ctx, w.mem.host.Name, time.Duration(max(seconds, 0)*float64(time.Second))); err != nil {
			return nil, err
		}
	default:
		echo, given := c.args["echo"]
		q := Question{Text: prompt, Private: given && !truthy(echo), Seconds: int(seconds)}
		if prompt == "" {
			q.Text = "Press enter to continue, Ctrl+C to interrupt"
		}
		var err error
		input, err = w.run.Runner.Ask(w.ctx, q)
		switch {
		case errors.Is(err, ErrNobody):
			w.warn("Not waiting for response to prompt as stdin is not interactive")
		case err != nil:
			return nil, failing(map[string]any{"msg": err.Error()})
		}
	}
	took := w.run.Runner.Now().Sub(began)
	return map[string]any{
		"changed": false, "user_input": input, "delta": int64(took.Seconds()), "rc": int64(0), "stderr": "",
		"stdout": fmt.Sprintf("Paused for %.2f seconds", took.Seconds()), "echo": true,
	}, nil
}

// doSetup gathers facts at once.
func doSetup(w *walker, e *entry, c call) (map[string]any, error) {
	found, err := w.factsFor(e, namesOf(c.args["filter"]))
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for name, v := range found {
		out["ansible_"+name] = v
	}
	return map[string]any{"changed": false, "ansible_facts": out}, nil
}

// factsFor are the facts of the host of a task that a filter names. Those of a host that it is delegated to
// become the task's own host's, unless delegate_facts leaves them where they are from.
func (w *walker) factsFor(e *entry, filter []string) (map[string]any, error) {
	to, err := e.around.word("delegate_to")
	if err != nil {
		return nil, err
	}
	if to == "" || to == w.mem.host.Name {
		return w.gatherAll(filter)
	}
	m, err := w.factsOf(e)
	if err != nil {
		return nil, err
	}
	if m == nil {
		m = w.mem
	}
	reached, err := w.askOther(to, e.around, m, facts.SetupNames(), filter)
	if err != nil {
		return nil, err
	}
	if reached != nil {
		return nil, failing(map[string]any{"msg": reached.Error()})
	}
	return matching(m.knownFacts(), filter), nil
}

// doValidate checks what a role is given against what it says it takes.
func doValidate(w *walker, e *entry, c call) (map[string]any, error) {
	options, ok := ordered.Names(c.args["argument_spec"])
	if !ok {
		return nil, failing(map[string]any{"msg": "argument_spec is a mapping, not " + describeValue(c.args["argument_spec"])})
	}
	given, _ := ordered.Names(c.args["provided_arguments"])
	if given == nil {
		given = map[string]any{}
		for name := range options {
			ev := e.around.scope.evaluation()
			if v, ok := ev.look(name); ok {
				if err, bad := v.(error); bad {
					if neededBy(err) != nil {
						return nil, err
					}
					continue
				}
				given[name] = v
			}
		}
	}
	if errs := breaches(options, given, ""); len(errs) > 0 {
		return nil, failing(map[string]any{
			"msg": "Validation of arguments failed:\n" + joinLines(errs), "argument_errors": anyList(errs),
		})
	}
	return map[string]any{"changed": false, "msg": "The arg spec validation passed"}, nil
}

// validates puts the check of a role's arguments before its tasks.
func (w *walker) validates(s Step, needs []*cell, a *around) ([]*cell, error) {
	i := slices.IndexFunc(s.Role.Specs, func(x Spec) bool { return x.Entry == "main" })
	if i < 0 || len(s.Role.Specs[i].Options) == 0 {
		return needs, nil
	}
	spec := s.Role.Specs[i]
	name := "Validating arguments against arg spec 'main'"
	if spec.Short != "" {
		name += " - " + spec.Short
	}
	step := Step{
		Where: spec.Where, Kind: "validate_argument_spec", File: s.File,
		Args: []Arg{{spec.Where, "argument_spec", unsafeDeep(maps.Clone(spec.Options))}},
	}
	step.Name, step.Tags = name, []string{"always"}
	inner := a.deeper(9)
	return w.step(step, needs, inner)
}

// unsafeDeep keeps text in a value from being taken for templates.
func unsafeDeep(v any) any {
	if text, ok := v.(string); ok && templates.HasTemplate(text) {
		return Unsafe(text)
	}
	v, _ = ordered.Apply(v, func(item any) (any, error) { return unsafeDeep(item), nil })
	return v
}
