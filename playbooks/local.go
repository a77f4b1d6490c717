package playbooks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"eucactl/ordered"
)

// A local is a kind that runs here. sure ones wait until it is certain that they
// are to run; sets tells those that set variables, which may be taken back.
type local struct {
	do   func(w *walker, e *entry, c call) (map[string]any, error)
	sure bool
	sets bool
}

// failure is a task here that failed, with what it says.
type failure struct{ fields map[string]any }

func (f *failure) Error() string { return fmt.Sprint(f.fields["msg"]) }

func failing(fields map[string]any) error {
	fields["failed"] = true
	if _, said := fields["changed"]; !said {
		fields["changed"] = false
	}
	return &failure{fields}
}

// locals are the kinds that run here.
func (w *walker) locals() map[string]*local {
	return localTable
}

var localTable = map[string]*local{
	"debug":                  {do: doDebug},
	"assert":                 {do: doAssert},
	"fail":                   {do: doFail},
	"set_fact":               {do: doSetFact, sets: true},
	"set_stats":              {do: doSetStats, sure: true},
	"include_vars":           {do: doIncludeVars, sets: true},
	"validate_argument_spec": {do: doValidate},
	"add_host":               {do: doAddHost, sure: true},
	"group_by":               {do: doGroupBy, sure: true},
	"pause":                  {do: doPause, sure: true},
	"setup":                  {do: doSetup, sure: true},
	"gather_facts":           {do: doSetup, sure: true},
	"meta":                   {do: doMeta, sure: true},
	"wait_for_connection":    {do: doWaitForConnection, sure: true},
	"reboot":                 {do: doReboot, sure: true},
}

// onlyAsked are those that make no sense for a host that is not asked.
var onlyAsked = []string{"add_host", "group_by", "pause", "setup", "gather_facts", "meta", "set_stats", "wait_for_connection", "reboot"}

// here does what a task says that runs here.
func (w *walker) here(e *entry, c call, l *local, v verdict) error {
	if !w.asks() && slices.Contains(onlyAsked, c.kind) {
		return wrong(e.step.Where, "%s is for a user's own playbook: it makes no program", c.kind)
	}
	if e.step.Until != nil {
		return wrong(e.step.Where, "until is for a kind that asks the host, not for %s", c.kind)
	}
	if v == waits && (l.sure || l.sets && (e.around.loops || hasPending(e.around.when))) {
		return &need{what: "whether " + c.kind + " is to run", result: true}
	}
	fields, err := l.do(w, e, c)
	var f *failure
	if err != nil && !errors.As(err, &f) {
		return err
	}
	if f != nil {
		fields = f.fields
	}
	out := cell{ran: true, failed: f != nil, changed: fields["changed"] == true}
	if !w.asks() && f != nil {
		return wrap(e.step.Where, c.kind, err)
	}
	if fields["skipped"] == true {
		out = cell{skipped: true}
	} else if e.fields = fields; e.step.ChangedWhen != nil || e.step.FailedWhen != nil {
		late := e.cell.late
		e.cell.late.changed, e.cell.late.failed = e.step.ChangedWhen != nil, e.step.FailedWhen != nil
		err := w.overrule(e, &out)
		e.cell.late = late
		if err != nil {
			return err
		}
	}
	if v == waits && out.failed {
		return &need{what: "whether " + c.kind + " is to fail", result: true}
	}
	w.concludeHere(e, out, fields, v)
	return nil
}

func hasPending(when []clause) bool {
	for _, cl := range when {
		for _, t := range cl {
			if t.cell.pending {
				return true
			}
		}
	}
	return false
}

// concludeHere says what became of a task here, or what will have become of it when
// it turns out to have run.
func (w *walker) concludeHere(e *entry, out cell, fields map[string]any, v verdict) {
	status := StatusOK
	if to, _ := e.around.word("delegate_to"); to != w.mem.host.Name && w.asks() {
		e.result.Delegated = to
	}
	switch {
	case out.failed:
		status = StatusFailed
		fields["failed"] = true
		e.ignored, _ = e.around.is("ignore_errors")
		w.lastFailed = e
	case out.skipped:
		status = StatusSkipped
	case out.changed:
		status = StatusChanged
	}
	fields["changed"] = out.changed
	if !out.skipped {
		fields["failed"] = out.failed
	}
	if err := w.notes(e); err != nil {
		w.warn(err.Error())
	}
	if v == runs {
		w.conclude(e, status, fields)
		return
	}
	e.status, e.fields = status, fields
	e.cell.pending, e.cell.local = true, true
	if len(e.undo) > 0 {
		w.tentative = append(w.tentative, e)
	}
	w.enqueue(e)
}

func doDebug(w *walker, e *entry, c call) (map[string]any, error) {
	if v, ok := c.args["verbosity"]; ok {
		if n, ok := numberOf(v); ok && int(n) > w.opts.Verbosity {
			return map[string]any{"changed": false, "skipped": true, "skipped_reason": "Verbosity threshold not met."}, nil
		}
	}
	out := map[string]any{"changed": false}
	if name, ok := c.args["var"]; ok {
		if _, both := c.args["msg"]; both {
			return nil, failing(map[string]any{"msg": "'msg' and 'var' are incompatible options"})
		}
		return out, w.debugVar(e, name, out)
	}
	out["msg"] = "Hello world!"
	if msg, ok := c.args["msg"]; ok {
		out["msg"] = msg
	}
	return out, nil
}

// debugVar shows what an expression is; that it is undefined is no failure. As in
// Ansible it has the type of a value only where it is nothing but a name, and what is no text names nothing.
func (w *walker) debugVar(e *entry, name any, out map[string]any) error {
	sc := e.around.scope
	name, err := sc.deep(name)
	if err != nil {
		return err
	}
	expr, isText := name.(string)
	if !isText {
		out[shownName(sc, name)] = notDefined
		return nil
	}
	v, err := sc.deep("{{ " + expr + " }}")
	switch {
	case neededBy(err) != nil:
		return err
	case err != nil:
		v = notDefined
	}
	out[expr] = v
	return nil
}

const notDefined = "VARIABLE IS NOT DEFINED!"

// shownName is a value as the key under which its own value would be shown.
func shownName(sc scope, v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64, float64:
		return pythonText(sc.set, v)
	}
	return "<class '" + pythonType(v) + "'>"
}

func pythonType(v any) string {
	switch v.(type) {
	case map[string]any, *ordered.Map:
		return "dict"
	case []any:
		return "list"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	}
	return "NoneType"
}

func doAssert(w *walker, e *entry, c call) (map[string]any, error) {
	e.result.Quiet = truthy(c.args["quiet"])
	that, ok := c.args["that"].([]any)
	if !ok {
		that = []any{c.args["that"]}
	}
	for _, one := range that {
		holds := truthy(one)
		if text, isText := one.(string); isText {
			cond, err := e.around.scope.condition(text, func(string) bool { return false })
			if err != nil {
				return nil, wrap(e.step.Where, "that", err)
			}
			holds = !cond.Never
		}
		if holds {
			continue
		}
		msg := any("Assertion failed")
		for _, key := range []string{"fail_msg", "msg"} {
			if m, ok := c.args[key]; ok {
				msg = m
				break
			}
		}
		return nil, failing(map[string]any{"msg": msg, "assertion": one, "evaluated_to": false})
	}
	msg := any("All assertions passed")
	if m, ok := c.args["success_msg"]; ok {
		msg = m
	}
	return map[string]any{"changed": false, "msg": msg}, nil
}

func doFail(_ *walker, _ *entry, c call) (map[string]any, error) {
	msg := any("Failed as requested from task")
	if m, ok := c.args["msg"]; ok {
		msg = m
	}
	return nil, failing(map[string]any{"msg": msg})
}

func doSetFact(w *walker, e *entry, c call) (map[string]any, error) {
	set := map[string]any{}
	keeps := truthy(c.args["cacheable"])
	for _, name := range sortedNames(c.args) {
		if name == "cacheable" {
			continue
		}
		if !variableName.MatchString(name) || slices.Contains(reserved, name) {
			return nil, failing(map[string]any{"msg": fmt.Sprintf("The variable name '%s' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.", name)})
		}
		v := c.args[name]
		if s, ok := v.(string); ok && (s == "yes" || s == "no" || s == "true" || s == "false") && w.asks() {
			v = s == "yes" || s == "true"
		}
		set[name] = v
	}
	if len(set) == 0 {
		return nil, failing(map[string]any{"msg": "No key/value pairs provided, at least one is required for this action to succeed"})
	}
	mem := w.mem
	if to, err := w.factsOf(e); err != nil {
		return nil, err
	} else if to != nil {
		mem = to
	}
	for name, v := range set {
		e.undo = append(e.undo, mem.remember(mem.set, Var{Name: name, Value: v, fixed: true}, w.place))
	}
	if keeps {
		mem.hear(set)
	}
	return map[string]any{"changed": false, "ansible_facts": set}, nil
}

// factsOf is the host whose facts a task sets, if it is another: delegate_facts.
func (w *walker) factsOf(e *entry) (*memory, error) {
	if !w.asks() {
		return nil, nil
	}
	to, err := e.around.word("delegate_to")
	if err != nil || to == "" {
		return nil, err
	}
	theirs, err := e.around.is("delegate_facts")
	if err != nil || !theirs {
		return nil, err
	}
	return w.run.memory(to), nil
}

func doSetStats(w *walker, e *entry, c call) (map[string]any, error) {
	data, ok := ordered.Names(c.args["data"])
	if !ok {
		return nil, failing(map[string]any{"msg": "data is a mapping, not " + describeValue(c.args["data"])})
	}
	host := ""
	perHost := truthy(c.args["per_host"])
	if perHost {
		host = w.mem.host.Name
	}
	aggregate, given := c.args["aggregate"]
	adds := !given || truthy(aggregate)
	secret, err := e.around.is("no_log")
	if err != nil || secret { // nothing that it says is shown
		return map[string]any{"changed": false}, err
	}
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	if w.run.custom[host] == nil {
		w.run.custom[host] = map[string]any{}
	}
	for name, v := range data {
		if was, ok := w.run.custom[host][name]; ok && adds {
			v = added(was, v)
		}
		w.run.custom[host][name] = v
	}
	return map[string]any{"changed": false, "ansible_stats": map[string]any{"data": data, "per_host": perHost, "aggregate": adds}}, nil
}

// merged are two mappings in one, and the mappings in them likewise; else the second counts.
func merged(was, more map[string]any) map[string]any {
	out := maps.Clone(was)
	for name, v := range more {
		before, deep := ordered.Names(out[name])
		if inner, both := ordered.Names(v); deep && both {
			v = merged(before, inner)
		}
		out[name] = v
	}
	return out
}

// added is what two values of set_stats come to: numbers are added, lists and texts joined, mappings merged. Those of
// different sorts leave the first.
func added(was, v any) any {
	switch was := was.(type) {
	case int64:
		if n, ok := v.(int64); ok {
			return was + n
		}
	case float64:
		if n, ok := v.(float64); ok {
			return was + n
		}
	case string:
		if s, ok := v.(string); ok {
			return was + s
		}
	case []any:
		if list, ok := v.([]any); ok {
			return slices.Concat(was, list)
		}
	default:
		old, ok := ordered.Names(was)
		if more, both := ordered.Names(v); ok && both {
			return merged(old, more)
		}
	}
	return was
}
