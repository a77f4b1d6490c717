package playbooks

import (
	"fmt"
	"slices"

	"eucactl/ordered"
	"eucactl/templates"
)

// items are what a loop repeats for. left says that the task is left out, or failed
// for want of them (then w.itemsFailed says why).
func (w *walker) items(s Step, needs []*cell, a *around) (items []any, left bool, err error) {
	original := a.when
	err = w.resolve(needs, a, func() error {
		a.when, left = original, false
		if _, v, err := fold(needs, a.when); err != nil || v == blocked || v == skips {
			left = true
			return err
		}
		var err error
		items, err = w.itemsOf(s, a.scope)
		if err == nil || neededBy(err) != nil || !w.asks() {
			return err
		}
		// What cannot be had does not matter to a task that is left out.
		if holds, e := w.when(concat(a.conds, s.When), a); e == nil && !holds {
			left = true
			return nil
		}
		return err
	})
	if err != nil && w.asks() && !isEnd(err) {
		w.itemsFailed = err
		return nil, true, nil
	}
	return items, left, err
}

func (w *walker) itemsOf(s Step, sc scope) ([]any, error) {
	l := s.Loop
	if l.With != "" {
		return w.withItems(s, sc)
	}
	v, err := sc.deep(l.Items)
	if err != nil {
		return nil, wrap(l.Where, "loop", err)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, wrong(l.Where, "loop needs a list, not %s", describeValue(v))
	}
	list, _ = templates.Given(list).([]any)
	return list, nil
}

func keysOf(mapping any) []any {
	if m, ok := mapping.(*ordered.Map); ok {
		return slices.Clone(m.Keys())
	}
	out := []any{}
	ordered.Each(mapping, func(name string, _ any) { out = append(out, name) })
	return out
}

// values are the variables of item i of a loop.
func (l *Loop) values(items []any, i int) map[string]any {
	out := map[string]any{l.Var: items[i], "ansible_loop_var": l.Var}
	if l.Index != "" {
		out[l.Index], out["ansible_index_var"] = int64(i), l.Index
	}
	if l.Extended {
		x := map[string]any{
			"index": int64(i + 1), "index0": int64(i), "revindex": int64(len(items) - i), "revindex0": int64(len(items) - i - 1),
			"first": i == 0, "last": i == len(items)-1, "length": int64(len(items)),
		}
		if i > 0 {
			x["previtem"] = items[i-1]
		}
		if i+1 < len(items) {
			x["nextitem"] = items[i+1]
		}
		if l.All {
			x["allitems"] = items
		}
		out["ansible_loop"] = x
	}
	return out
}

// label stands for an item in a task's name.
func (l *Loop) label(sc scope, item any, i int) string {
	if s, ok := l.Label.(string); ok && s != "" {
		return sc.text(s)
	}
	if m, ok := ordered.Names(item); ok {
		for _, key := range []string{"id", "name"} {
			if s, ok := m[key].(string); ok && s != "" {
				return s
			}
		}
	}
	switch item.(type) {
	case string, bool, int64, float64:
		return fmt.Sprint(item)
	}
	return fmt.Sprintf("#%d", i+1)
}

// shown stands for an item in the output, as Ansible shows it.
func (l *Loop) shown(sc scope, item any) string {
	if l.Label != nil {
		if v, err := sc.deep(l.Label); err == nil {
			return pythonText(sc.set, v)
		}
		return fmt.Sprint(l.Label)
	}
	return pythonText(sc.set, item)
}

// pythonText is a value as Python prints it.
func pythonText(set *templates.Set, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := set.Text("{{ x }}", map[string]any{"x": v})
	if err != nil {
		return fmt.Sprint(v)
	}
	return text
}

// withItems are the items of a with_ loop.
func (w *walker) withItems(s Step, sc scope) ([]any, error) {
	l := s.Loop
	v, err := sc.deep(l.Items)
	if err != nil {
		return nil, wrap(l.Where, "with_"+l.With, err)
	}
	terms, isList := templates.Given(v).([]any)
	switch {
	case l.With == "list" && !isList:
		return nil, wrong(l.Where, "with_list needs a list, not %s", describeValue(v))
	case ordered.IsMapping(v) && slices.Contains([]string{"items", "nested", "cartesian", "together"}, l.With):
		terms = keysOf(v) // as Python goes through a mapping
	case ordered.IsMapping(v) && (l.With == "indexed_items" || l.With == "random_choice"):
		return nil, wrong(l.Where, "with_%s needs a list, not a mapping", l.With)
	case !isList:
		terms = []any{templates.Given(v)}
	}
	name := l.With
	if name == "cartesian" {
		name = "nested"
	}
	out, err := sc.set.Look(name, terms, nil)
	if err != nil {
		return nil, wrap(l.Where, "with_"+l.With, err)
	}
	return out, nil
}
