package playbooks

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"eucactl/ordered"
)

// around is what a step has from those around it.
type around struct {
	scope    scope
	path     string // of the place
	tags     []string
	conds    []Expr   // that every task evaluates again
	when     []clause // of the guard
	gates    []clause // those of when without which a task is not even met: of a rescue
	settings map[string]Setting
	environ  []Setting
	defaults []Default
	notify   []Setting

	prefix []string // of the task's name: the loops around it
	item   string   // the label of the step's own item
	chosen bool     // whatever the tags say
	info   *TaskInfo

	fails   *[]*cell // of the block around it: what can make it fail
	rescued bool     // that block has a rescue
	apart   bool     // of a rescue or an always: what a block registers may not be there
	loops   bool     // items of a block around it go their own ways
	handler *handling
	outer   *around // what is around the step, without what it has itself
}

// within is the context of a step inside a, before its loop.
func (a around) within(k Keywords) around {
	a.tags = append(slices.Clip(a.tags), k.Tags...)
	if len(k.Settings) > 0 {
		all := maps.Clone(a.settings)
		if all == nil {
			all = map[string]Setting{}
		}
		maps.Copy(all, k.Settings)
		a.settings = all
	}
	a.environ = append(slices.Clip(a.environ), k.Environment...)
	a.defaults = append(slices.Clip(a.defaults), k.Defaults...)
	a.item = ""
	return a
}

// deeper is a place inside the present one.
func (a around) deeper(i int) around {
	a.path += fmt.Sprintf(".%05d", i)
	return a
}

// setting is the value of a keyword, rendered; nil if nothing sets it.
func (a around) setting(name string) (any, error) {
	s, ok := a.settings[name]
	if !ok {
		return nil, nil
	}
	v, err := a.scope.deep(s.Value)
	if err != nil {
		return nil, wrap(s.Where, name, err)
	}
	return v, nil
}

// says is a keyword that is true or false, or nothing.
func (a around) says(name string) (value, set bool, err error) {
	v, err := a.setting(name)
	switch v := v.(type) {
	case nil:
		return false, false, err
	case bool:
		return v, true, nil
	case int64:
		return v != 0, true, nil
	case string:
		switch {
		case truthy(v):
			return true, true, nil
		case slices.Contains([]string{"false", "no", "off", "0", "n", "f"}, strings.ToLower(v)):
			return false, true, nil
		case v == "":
			return false, false, nil
		}
	}
	return false, false, wrong(a.settings[name].Where, "%s is true or false, not %s", name, describeValue(v))
}

// is says, where nothing is said means no.
func (a around) is(name string) (bool, error) {
	v, _, err := a.says(name)
	return v, err
}

// number is a keyword that is a number; 0 if nothing sets it.
func (a around) number(name string) (int, error) {
	v, err := a.setting(name)
	if err != nil || v == nil {
		return 0, err
	}
	n, ok := numberOf(v)
	if !ok {
		return 0, wrong(a.settings[name].Where, "%s is a number, not %s", name, describeValue(v))
	}
	return int(n), nil
}

// word is a keyword that is text; empty if nothing sets it.
func (a around) word(name string) (string, error) {
	v, err := a.setting(name)
	if err != nil || v == nil {
		return "", err
	}
	return fmt.Sprint(v), nil
}

func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return 0, false
}

// taskName is a task's name for people, with the loops it is in.
func taskName(s Step, a around) string {
	name := a.scope.text(s.Name)
	if name == "" {
		name = s.Kind
	}
	if a.item != "" {
		name += " " + a.item
	}
	return oneLine(strings.Join(append(slices.Clone(a.prefix), name), ": "))
}

// blockName is what one item of a block is called.
func blockName(s Step, a around) string {
	return strings.TrimSpace(a.scope.text(s.Name) + " " + a.item)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func describeValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing (none)"
	case string:
		return shown(v)
	case map[string]any, *ordered.Map:
		return "a mapping"
	case []any:
		return "a list"
	}
	return fmt.Sprint(v)
}
