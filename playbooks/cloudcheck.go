package playbooks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What the cloud's own playbooks may have: their programs are made without asking
// the host, which runs them as root.
var (
	cloudSettings = []string{"become", "ignore_errors", "no_log"}
	cloudLocals   = []string{templateKind, "debug", "set_fact", "assert", "fail", "include_vars", "include_tasks", "include_role"}
)

// checkCloud finds what only users' playbooks may have.
func (c *checker) checkCloud(p Play) {
	for _, name := range sortedNames(p.Settings) {
		if name != "gather_facts" && !slices.Contains(cloudSettings, name) {
			c.refuse(p.Settings[name].Where, name)
		}
	}
	switch {
	case len(p.Serial) > 0:
		c.refuse(p.Serial[0].Where, "serial")
	case len(p.Prompts) > 0:
		c.refuse(p.Prompts[0].Where, "vars_prompt")
	case len(p.VarsFiles) > 0:
		c.refuse(p.VarsFiles[0].Where, "vars_files")
	case len(p.Environment) > 0:
		c.refuse(p.Environment[0].Where, "environment")
	}
	for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
		c.cloudSteps(list)
	}
}

func (c *checker) cloudSteps(steps []Step) {
	for _, s := range steps {
		for _, name := range sortedNames(s.Settings) {
			if !slices.Contains(cloudSettings, name) {
				c.refuse(s.Settings[name].Where, name)
			}
		}
		for name, has := range map[string]bool{
			"until": s.Until != nil, "changed_when": s.ChangedWhen != nil, "failed_when": s.FailedWhen != nil,
			"environment": len(s.Environment) > 0,
			s.Kind:        localKinds[s.Kind] != nil && !slices.Contains(cloudLocals, s.Kind),
		} {
			if has {
				c.refuse(s.Where, name)
			}
		}
		for _, list := range [][]Step{s.Block, s.Rescue, s.Always} {
			c.cloudSteps(list)
		}
	}
}

func (c *checker) refuse(at Position, what string) {
	c.errs = append(c.errs, wrong(at, "%s is for users' playbooks: the cloud's make one program, which runs as root and whose kinds decide themselves what is changed", what))
}

// joined are all problems, as one error.
func (c *checker) joined() error {
	slices.SortStableFunc(c.errs, func(a, b error) int {
		x, y := &Error{}, &Error{}
		if errors.As(a, &x) && errors.As(b, &y) && x.Where.File == y.Where.File {
			return x.Where.Line - y.Where.Line
		}
		return 0
	})
	c.errs = slices.CompactFunc(c.errs, func(a, b error) bool { return strings.Compare(a.Error(), b.Error()) == 0 })
	if len(c.errs) > maxProblems {
		c.errs = append(c.errs[:maxProblems], fmt.Errorf("and %d more", len(c.errs)-maxProblems))
	}
	return errors.Join(c.errs...)
}
