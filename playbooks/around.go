package playbooks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"eucactl/templates"
)

// around is what a step has from those around it.
type around struct {
	scope  scope
	tags   []string
	when   [][]string // clauses of the guard
	prefix []string   // of the task's name: the loops around it
	item   string     // the label of the step's own item
	ignore bool
	noLog  bool
	chosen bool // whatever the tags say
}

// within is the context of a step inside c, before its loop.
func (c around) within(s Step) around {
	c.tags = append(slices.Clone(c.tags), s.Tags...)
	c.ignore = c.ignore || s.IgnoreErrors
	c.noLog = c.noLog || s.NoLog
	c.item = ""
	return c
}

// selected tells whether the tags on the command line choose a task.
func (b *builder) selected(ctx around) bool {
	if ctx.chosen {
		return true
	}
	has := func(list []string) bool {
		for _, t := range list {
			switch {
			case t == "all" && !slices.Contains(ctx.tags, "never"):
				return true
			case t == "tagged" && len(ctx.tags) > 0, t == "untagged" && len(ctx.tags) == 0:
				return true
			case slices.Contains(ctx.tags, t):
				return true
			}
		}
		return false
	}
	wanted := b.in.Tags
	if len(wanted) == 0 {
		wanted = []string{"all"}
	}
	always := slices.Contains(ctx.tags, "always")
	if has(b.in.SkipTags) && !(always && !slices.Contains(b.in.SkipTags, "always")) {
		return false
	}
	return always || has(wanted)
}

// taskName is a task's name for people, with the loops it is in.
func taskName(s Step, ctx around) string {
	name := ctx.scope.text(s.Name)
	if name == "" {
		name = s.Kind
	}
	if ctx.item != "" {
		name += " " + ctx.item
	}
	return oneLine(strings.Join(append(slices.Clone(ctx.prefix), name), ": "))
}

// blockName is what one item of a block is called.
func blockName(s Step, ctx around) string {
	return strings.TrimSpace(ctx.scope.text(s.Name) + " " + ctx.item)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// items are what a loop repeats for.
func (l *Loop) items(sc scope) ([]any, error) {
	v, err := sc.deep(l.Items)
	if err != nil {
		return nil, wrap(l.Where, "loop", err)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, wrong(l.Where, "loop needs a list, not %s", describeValue(v))
	}
	return list, nil
}

// label stands for an item in names.
func (l *Loop) label(sc scope, item any, i int) string {
	if l.Label != "" {
		return sc.text(l.Label)
	}
	if m, ok := item.(map[string]any); ok {
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

func describeValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing (none)"
	case string:
		return shown(v)
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprint(v)
}

// register remembers a task, or that it was left out, under its name.
func (b *builder) register(s Step, ctx around, indexes []int) {
	if s.Register == "" {
		return
	}
	b.results[s.Register] = indexes
	// The name is a result for `when`, and nothing else can be done with it.
	ctx.scope.vars[s.Register] = templates.Undefined(fmt.Sprintf(
		"%s is the result of a task, of which `when` can ask only whether it is changed, failed, skipped or succeeded", s.Register))
}

// registerAll is register for the tasks of a block that is left out.
func (b *builder) registerAll(steps []Step, ctx around) {
	for _, s := range steps {
		b.register(s, ctx, nil)
		b.registerAll(s.Block, ctx)
	}
}

func cloneResults(m map[string][]int) map[string][]int { return maps.Clone(m) }

// collect adds to all what one item of a loop registered.
func collect(all, before, after map[string][]int) {
	for name, indexes := range after {
		if old, ok := before[name]; ok && slices.Equal(old, indexes) {
			continue
		}
		all[name] = append(all[name], indexes...)
	}
}
