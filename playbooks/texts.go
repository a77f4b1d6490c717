package playbooks

import (
	"regexp"

	"eucactl/ordered"
)

// mentions tells whether a step speaks of a name that begins so.
func mentions(s Step, prefix string) bool {
	re := regexp.MustCompile(`\b` + regexp.QuoteMeta(prefix))
	found := false
	eachText(&s, func(text string) { found = found || re.MatchString(text) })
	return found
}

// eachText visits all text of a step that is rendered or evaluated, as written.
func eachText(s *Step, visit func(string)) {
	exprs := func(lists ...[]Expr) {
		for _, list := range lists {
			for _, x := range list {
				visit("{{ " + x.Text + " }}")
			}
		}
	}
	visit(s.Name)
	exprs(s.When, s.Until, s.ChangedWhen, s.FailedWhen)
	for _, v := range s.Vars {
		eachValue(v.Value, visit)
	}
	for _, a := range s.Args {
		eachValue(a.Value, visit)
		if s.Kind == "debug" && a.Name == "var" || s.Kind == "assert" {
			eachValue(a.Value, func(t string) { visit("{{ " + t + " }}") })
		}
	}
	for _, set := range s.Settings {
		eachValue(set.Value, visit)
	}
	for _, list := range [][]Setting{s.Environment, s.Notify} {
		for _, set := range list {
			eachValue(set.Value, visit)
		}
	}
	for _, set := range []*Setting{s.Whole, s.Retries, s.Delay} {
		if set != nil {
			eachValue(set.Value, visit)
		}
	}
	if s.Loop != nil {
		eachValue(s.Loop.Items, visit)
		eachValue(s.Loop.Label, visit)
	}
	for _, list := range [][]Step{s.Block, s.Rescue, s.Always} {
		for i := range list {
			eachText(&list[i], visit)
		}
	}
}

// eachValue visits all text in a value.
func eachValue(v any, visit func(string)) {
	if text, ok := v.(string); ok {
		visit(text)
	}
	ordered.Each(v, func(name string, item any) {
		visit(name)
		eachValue(item, visit)
	})
}
