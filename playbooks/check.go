package playbooks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"eucactl/spelling"
	"eucactl/tasks"
	"eucactl/templates"
)

// Check tells, before any host is thought of, whether every task is of a kind
// that exists and has arguments that the kind knows. Files that are included and
// whose names are known are looked at too.
func (pb *Playbook) Check(lib *tasks.Library) error {
	c := checker{lib: lib, pb: pb, seen: map[string]bool{}}
	for _, p := range pb.Plays {
		for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
			c.steps(list)
		}
		if pb.source.Cloud {
			c.checkCloud(p)
		}
	}
	return c.joined()
}

// checker collects what is wrong with the tasks of a playbook.
type checker struct {
	lib  *tasks.Library
	pb   *Playbook
	errs []error
	seen map[string]bool // files that were looked at
}

func (c *checker) steps(steps []Step) {
	eachTask(steps, func(s *Step) {
		if err := c.task(s); err != nil {
			c.errs = append(c.errs, err)
		}
	})
}

func (c *checker) task(s *Step) error {
	known, needed, any, err := c.params(s)
	if err != nil {
		return wrap(s.Where, "", err)
	}
	for _, a := range s.Args {
		if err := s.takes(a, known...); err != nil && !any {
			return err
		}
		needed = slices.DeleteFunc(needed, func(names []string) bool { return slices.Contains(names, a.Name) })
	}
	if len(needed) > 0 && s.Whole == nil && !c.defaulted(s.Kind) {
		return wrong(s.Where, "%s: %s is missing (parameters: %s)", s.Kind, needed[0][0], listed(known))
	}
	switch s.Kind {
	case "meta":
		if word, ok := textArg(s.Args, "action"); ok && !isMeta(word) && !templates.HasTemplate(word) {
			return wrong(s.Where, "meta knows no %q%s", word, spelling.DidYouMean(word, metas))
		}
	case "include_tasks":
		return c.included(s)
	}
	return nil
}

// takes tells why a task cannot have an argument: its kind does not know it, or not this value. known are the
// parameters, if they are not only those of the half that runs here.
func (s Step) takes(a Arg, known ...string) *Error {
	local := localKinds[s.Kind]
	if local != nil && len(known) == 0 {
		known = local.params
	}
	if !slices.Contains(known, a.Name) {
		return wrong(a.Where, "%s has no parameter %q%s (parameters: %s)", s.Kind, a.Name, spelling.DidYouMean(a.Name, known), listed(known))
	}
	// A template is looked at when it is rendered, which those of an import never are.
	if local == nil || templates.HasTemplate(fmt.Sprint(a.Value)) && s.Kind != "import_role" {
		return nil
	}
	if why := local.refuses(a.Name, a.Value); why != "" {
		return wrong(a.Where, "%s: %s", s.Kind, why)
	}
	return nil
}

// defaulted tells whether module_defaults may give what is missing.
func (c *checker) defaulted(kind string) bool {
	for _, p := range c.pb.Plays {
		if slices.ContainsFunc(p.Defaults, func(d Default) bool { return d.Kind == kind }) {
			return true
		}
	}
	return false
}

// params are the arguments of a kind, and those it cannot do without.
func (c *checker) params(s *Step) (known []string, needed [][]string, any bool, err error) {
	local := localKinds[s.Kind]
	if s.Kind == templateKind && c.pb.source.Cloud {
		return []string{"src", "dest", "path", "mode", "owner"}, [][]string{{"src"}}, false, nil
	}
	if local != nil {
		known = slices.Clone(local.params)
		for _, name := range local.needed {
			needed = append(needed, []string{name})
		}
		if !local.half || s.Kind == templateKind {
			return known, needed, local.any, nil
		}
	}
	k, err := c.lib.Kind(s.Kind)
	if err != nil {
		if local != nil {
			return known, needed, false, nil
		}
		names := slices.Concat(c.lib.Names(), slices.Sorted(maps.Keys(localKinds)))
		return nil, nil, false, fmt.Errorf("no such task kind: %q%s", s.Kind, spelling.DidYouMean(s.Kind, names))
	}
	for _, p := range k.Params {
		for _, name := range p.Names() {
			if !slices.Contains(known, name) && (local == nil || !slices.Contains(local.inner, name)) {
				known = append(known, name)
			}
		}
		if p.Required && local == nil {
			needed = append(needed, p.Names())
		}
	}
	return known, needed, false, nil
}

// included looks at a file that is included, if it is known which.
func (c *checker) included(s *Step) error {
	file, ok := textArg(s.Args, "file")
	if !ok || templates.HasTemplate(file) {
		return nil
	}
	name, ok := c.pb.source.find(s.File, "tasks", file)
	if !ok || c.seen[name] {
		return nil
	}
	c.seen[name] = true
	l := c.pb.source.include(s.File, name)
	if l.err != nil {
		return l.err
	}
	c.steps(l.steps)
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// splitList cuts a plain list of names at commas and colons.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ':' || r == ' ' })
}
