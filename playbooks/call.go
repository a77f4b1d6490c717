package playbooks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"eucactl/tasks"
)

// templateKind is Ansible's template task: a file whose content is rendered.
const templateKind = "template"

// templateArgs are its arguments, and the names that the kind rendered has for them.
var templateArgs = map[string]string{"src": "", "dest": "path", "path": "path", "mode": "mode", "owner": "owner"}

// call renders a task's arguments and calls its kind with them.
func (b *builder) call(s Step, ctx around) (tasks.Task, error) {
	kind, named := s.Kind, map[string]any{}
	for _, a := range s.Args {
		v, err := ctx.scope.deep(a.Value)
		if err != nil {
			return tasks.Task{}, wrap(a.Where, a.Name, err)
		}
		named[a.Name] = v
	}
	if kind == templateKind {
		var err error
		if kind, named, err = b.rendered(named, ctx); err != nil {
			return tasks.Task{}, wrap(s.Where, templateKind, err)
		}
	}
	t, err := b.program.Call(kind, named, ctx.noLog)
	if err != nil {
		return t, wrap(s.Where, "", err)
	}
	return t, nil
}

// rendered is a template task as one of the kind rendered.
func (b *builder) rendered(named map[string]any, ctx around) (string, map[string]any, error) {
	src, ok := named["src"].(string)
	if !ok {
		return "", nil, errors.New("src, the name of a template, is missing")
	}
	content, err := b.set.Render(src, ctx.scope.vars)
	if err != nil {
		return "", nil, err
	}
	out := map[string]any{"content": content}
	for name, v := range named {
		if to := templateArgs[name]; to != "" {
			if _, twice := out[to]; twice {
				return "", nil, errors.New("dest and path are the same: give one")
			}
			out[to] = v
		}
	}
	return "rendered", out, nil
}

// Check tells, before any host is thought of, whether every task is of a kind
// that exists and has arguments that the kind knows.
func (pb *Playbook) Check(lib *tasks.Library) error {
	var errs []error
	for _, p := range pb.Plays {
		checkSteps(p.Tasks, lib, &errs)
		checkSteps(p.Handlers, lib, &errs)
	}
	if len(errs) > maxProblems {
		errs = append(errs[:maxProblems], fmt.Errorf("and %d more", len(errs)-maxProblems))
	}
	return errors.Join(errs...)
}

func checkSteps(steps []Step, lib *tasks.Library, errs *[]error) {
	for _, s := range steps {
		if s.IsBlock() {
			checkSteps(s.Block, lib, errs)
			continue
		}
		if err := checkTask(s, lib); err != nil {
			*errs = append(*errs, err)
		}
	}
}

func checkTask(s Step, lib *tasks.Library) error {
	known, needed := []string{"src", "dest", "path", "mode", "owner"}, []string{"src"}
	if s.Kind != templateKind {
		k, err := lib.Kind(s.Kind)
		if err != nil {
			return wrap(s.Where, "", err)
		}
		known, needed = nil, nil
		for _, p := range k.Params {
			known = append(known, p.Name)
			if p.Required {
				needed = append(needed, p.Name)
			}
		}
	}
	for _, a := range s.Args {
		if !slices.Contains(known, a.Name) {
			return wrong(a.Where, "%s has no parameter %q%s (parameters: %s)", s.Kind, a.Name, suggestion(a.Name, known), listed(known))
		}
		needed = slices.DeleteFunc(needed, func(n string) bool { return n == a.Name })
	}
	if len(needed) > 0 {
		return wrong(s.Where, "%s: %s is missing (parameters: %s)", s.Kind, needed[0], listed(known))
	}
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
