package templates

import (
	"errors"
	"maps"

	"eucactl/jinja"
)

// newEnvironment is Jinja2 as Ansible has it: the language's own filters and tests,
// Ansible's and the formats' beside them.
func newEnvironment(s *Set) *jinja.Env {
	filters := jinja.Filters()
	for _, more := range []map[string]jinja.Filter{dataFilters(), listFilters(), pathFilters(), textFilters(), mathFilters(), hashFilters(),
		netFilters(), s.chanceFilters(), s.timeFilters(), s.fileFilters()} {
		maps.Copy(filters, more)
	}
	for name, f := range formatFilters() {
		filters[name] = jinja.F("*", func(c *jinja.Call) (any, error) { return f(c.In, c.Rest) })
	}
	for name, why := range refused {
		filters[name] = jinja.F("* **", func(*jinja.Call) (any, error) { return nil, errors.New(why) })
	}
	tests := jinja.Tests()
	for _, more := range []map[string]jinja.Filter{ansibleTests(), resultFilters(), s.fileTests()} {
		maps.Copy(tests, more)
	}
	return &jinja.Env{Filters: filters, Tests: tests, Globals: s.globals(), Load: s.load, Steps: s.options.Steps}
}

// refused are filters of Ansible's that are not here, and why.
var refused = map[string]string{
	"expanduser": "homes of users are not known to templates: write the path out",
	"expandvars": "the environment is not handed to templates: use a variable",
	"json_query": "JMESPath is not spoken: use selectattr, map and items2dict",
	"realpath":   "links are not followed for templates: use normpath",
	"unvault":    "templates have no vault passwords: encrypt the variable or the file",
	"vault":      "templates have no vault passwords: encrypt the variable or the file",
}

// do makes a filter of a function of the input alone.
func do(f func(c *jinja.Call) (any, error)) jinja.Filter { return jinja.F("", f) }

// onText makes a filter of a function over text.
func onText(f func(string) string) jinja.Filter {
	return do(func(c *jinja.Call) (any, error) { return f(c.InText()), nil })
}

// onlyText is onText for what must be a text.
func onlyText(f func(string) string) jinja.Filter {
	return do(func(c *jinja.Call) (any, error) { return f(c.OnlyText()), nil })
}

// describe names a value in an error message.
func describe(v any) string { return jinja.Describe(v) }

// shown quotes a text for an error message and shortens it.
func shown(s string) string { return jinja.Quoted(s) }
