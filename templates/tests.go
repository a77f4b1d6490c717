package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"path"
	"strings"

	"eucactl/jinja"
)

// ansibleTests are the tests that Ansible adds to Jinja2's.
func ansibleTests() map[string]jinja.Filter {
	subset := func(c *jinja.Call) (any, error) { return within(c, c.InList(), c.List(0)) }
	superset := func(c *jinja.Call) (any, error) { return within(c, c.List(0), c.InList()) }
	return map[string]jinja.Filter{
		"abs":             do(func(c *jinja.Call) (any, error) { return path.IsAbs(c.OnlyText()), nil }),
		"all":             do(func(c *jinja.Call) (any, error) { return quantified(c, false) }),
		"any":             do(func(c *jinja.Call) (any, error) { return quantified(c, true) }),
		"contains":        jinja.F("value", func(c *jinja.Call) (any, error) { return c.Contains(c.In, c.Arg(0, nil)) }),
		"falsy":           jinja.F("convert_bool", func(c *jinja.Call) (any, error) { v, err := truthy(c); return !v, err }),
		"is_abs":          do(func(c *jinja.Call) (any, error) { return path.IsAbs(c.OnlyText()), nil }),
		"isnan":           do(isNaN),
		"issubset":        jinja.F("b", subset),
		"issuperset":      jinja.F("b", superset),
		"match":           jinja.F("pattern ignorecase multiline", func(c *jinja.Call) (any, error) { return regexTest(c, "match") }),
		"nan":             do(isNaN),
		"regex":           jinja.F("pattern ignorecase multiline match_type", func(c *jinja.Call) (any, error) { return regexTest(c, c.Text(3, "search")) }),
		"search":          jinja.F("pattern ignorecase multiline", func(c *jinja.Call) (any, error) { return regexTest(c, "search") }),
		"subset":          jinja.F("b", subset),
		"superset":        jinja.F("b", superset),
		"truthy":          jinja.F("convert_bool", func(c *jinja.Call) (any, error) { return truthy(c) }),
		"uri":             jinja.F("schemes", func(c *jinja.Call) (any, error) { return isURL(c, false) }),
		"url":             jinja.F("schemes", func(c *jinja.Call) (any, error) { return isURL(c, true) }),
		"urn":             do(func(c *jinja.Call) (any, error) { return strings.HasPrefix(strings.ToLower(c.InText()), "urn:"), nil }),
		"vault_encrypted": do(func(c *jinja.Call) (any, error) { return strings.HasPrefix(c.InText(), "$ANSIBLE_VAULT;"), nil }),
		"version":         jinja.F("version operator strict version_type", versionTest),
		"version_compare": jinja.F("version operator strict version_type", versionTest),
	}
}

func isNaN(c *jinja.Call) (any, error) {
	f, ok := jinja.Float(c.In)
	return ok && math.IsNaN(f), nil
}

// isURL tells whether a text has a scheme, one of those that are named, and for a
// URL a host.
func isURL(c *jinja.Call, host bool) (any, error) {
	u, err := url.Parse(c.InText())
	if err != nil || u.Scheme == "" || host && u.Host == "" {
		return false, nil
	}
	if c.Arg(0, nil) == nil {
		return true, nil
	}
	return c.Contains(c.Args[0], u.Scheme)
}

func within(c *jinja.Call, a, b []any) (any, error) {
	for _, v := range a {
		in, err := c.Contains(b, v)
		if err != nil || !in {
			return false, err
		}
	}
	return true, nil
}

// quantified tells whether an element, or every one, is true.
func quantified(c *jinja.Call, found bool) (any, error) {
	for _, v := range c.InList() {
		v = jinja.Norm(v)
		if err, broken := v.(error); broken {
			return nil, err
		}
		if jinja.Truth(v) == found {
			return found, nil
		}
	}
	return !found, nil
}

func truthy(c *jinja.Call) (bool, error) {
	v := c.In
	if c.Bool(0, false) {
		if s, ok := v.(string); ok {
			switch b, err := toBool(c); {
			case err != nil:
				return false, err
			case b == any(true):
				v = true
			case s == "no" || s == "off" || s == "0" || s == "false" || s == "False" || s == "No" || s == "Off":
				v = false
			}
		}
	}
	return jinja.Truth(v), nil
}

// resultFilters are the tests of a task's result that is known: a mapping. A result
// that is not is asked about by a Condition.
func resultFilters() map[string]jinja.Filter {
	all := map[string]jinja.Filter{}
	ask := func(f func(*jinja.Call) (bool, error), names ...string) {
		for _, name := range names {
			all[name] = do(func(c *jinja.Call) (any, error) {
				if !jinja.IsMapping(c.In) {
					return nil, fmt.Errorf("%s is no result of a task", describe(c.In))
				}
				return f(c)
			})
		}
	}
	flag := func(key string, not bool) func(*jinja.Call) (bool, error) {
		return func(c *jinja.Call) (bool, error) {
			v, err := resultFlag(c.In, key)
			return v != not, err
		}
	}
	ask(changedResult, "changed", "change")
	ask(flag("failed", false), "failed", "failure")
	ask(flag("failed", true), "succeeded", "success", "successful")
	ask(flag("skipped", false), "skipped", "skip")
	ask(flag("unreachable", false), "unreachable")
	ask(flag("unreachable", true), "reachable")
	ask(flag("finished", false), "finished")
	ask(flag("timedout", false), "timedout")
	ask(func(c *jinja.Call) (bool, error) {
		if _, ok := jinja.Entry(c.In, "started"); !ok {
			return true, nil
		}
		return resultFlag(c.In, "started")
	}, "started")
	return all
}

func resultFlag(v any, key string) (bool, error) {
	x, _ := jinja.Entry(v, key)
	if err, broken := x.(error); broken {
		return false, err
	}
	return jinja.Truth(x), nil
}

// changedResult is whether a result, or one of the results of a loop, is changed.
func changedResult(c *jinja.Call) (bool, error) {
	if _, ok := jinja.Entry(c.In, "changed"); ok {
		return resultFlag(c.In, "changed")
	}
	list, _ := jinja.Entry(c.In, "results")
	results, _ := list.([]any)
	for _, r := range results {
		r = jinja.Norm(r)
		if ok, err := resultFlag(r, "changed"); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// fileTests look at files on the machine that renders, through the options.
func (s *Set) fileTests() map[string]jinja.Filter {
	ask := func(follow bool, is func(fs.FileInfo) bool) jinja.Filter {
		return do(func(c *jinja.Call) (any, error) {
			stat := s.options.Lstat
			if follow {
				stat = s.options.Stat
			}
			if stat == nil {
				return nil, errors.New("no files can be looked at here")
			}
			info, err := stat(c.InText())
			if err != nil {
				return false, nil
			}
			return is(info), nil
		})
	}
	any := func(fs.FileInfo) bool { return true }
	file := ask(true, func(i fs.FileInfo) bool { return i.Mode().IsRegular() })
	dir := ask(true, fs.FileInfo.IsDir)
	link := ask(false, func(i fs.FileInfo) bool { return i.Mode()&fs.ModeSymlink != 0 })
	return map[string]jinja.Filter{"file": file, "is_file": file, "directory": dir, "is_dir": dir, "link": link, "is_link": link,
		"exists": ask(true, any), "link_exists": ask(false, any)}
}
