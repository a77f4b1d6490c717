package templates

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"eucactl/jinja"
	"eucactl/ordered"
)

// lookupFunc is a lookup that sees where it is called.
type lookupFunc func(c *jinja.Call, terms []any, options map[string]any) ([]any, error)

// globals are what a template can call, and omit.
func (s *Set) globals() map[string]any {
	all := jinja.Globals()
	all["lookup"] = jinja.Function(s.lookup)
	all["query"] = jinja.Function(s.query)
	all["q"] = all["query"]
	all["now"] = jinja.Function(s.now)
	all["omit"] = Omitted{}
	all["undef"] = jinja.Function(func(c *jinja.Call) (any, error) {
		c.Take("hint")
		return &jinja.Undefined{Reason: c.Text(0, "mandatory variable has not been overridden")}, nil
	})
	return all
}

// lookups are the lookups that need neither clock, environment nor programs.
func (s *Set) lookups() map[string]lookupFunc {
	return map[string]lookupFunc{
		"csvfile":       s.lookupCSV,
		"dict":          lookupDict,
		"file":          s.lookupFile,
		"fileglob":      s.lookupFileglob,
		"first_found":   s.lookupFirstFound,
		"indexed_items": lookupIndexed,
		"ini":           s.lookupINI,
		"items": func(c *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
			return flattened(c, terms, 1, false)
		},
		"list":          func(_ *jinja.Call, terms []any, _ map[string]any) ([]any, error) { return terms, nil },
		"nested":        lookupNested,
		"random_choice": s.lookupRandomChoice,
		"sequence":      lookupSequence,
		"subelements":   lookupSubelements,
		"template":      s.lookupTemplate,
		"together":      lookupTogether,
		"varnames":      lookupVarnames,
		"vars":          lookupVars,
	}
}

// hooks are lookups that reach beyond a pure evaluation: whoever renders hands them
// in or says that there are none.
var hooks = map[string]string{
	"env":                 "the environment is not handed to templates here",
	"pipe":                "running programs for templates is off: run it as a task, register its result and use that",
	"lines":               "running programs for templates is off: run it as a task, register its result and use that",
	"password":            "there is no store of passwords here",
	"inventory_hostnames": "there is no inventory here",
	"unvault":             "there are no vault passwords here",
	"url":                 "fetching for templates is not done: use the task get_url or uri",
	"config":              "there is no configuration of Ansible's here",
}

// lookup is what lookup(NAME, terms...) gives: the only result, or all texts with
// commas between them.
func (s *Set) lookup(c *jinja.Call) (any, error) {
	all, wantList, err := s.look(c, false)
	switch {
	case err != nil:
		return nil, err
	case wantList:
		return all, nil
	case all == nil: // errors were to be ignored
		return nil, nil
	}
	var texts []any
	for _, v := range all {
		if _, ok := v.(string); ok {
			texts = append(texts, v)
		}
	}
	switch {
	case len(texts) == len(all):
		return c.Filter("join", texts, []any{","}, nil)
	case len(all) == 1:
		return all[0], nil
	}
	return all, nil
}

// query is lookup for all results.
func (s *Set) query(c *jinja.Call) (any, error) {
	all, _, err := s.look(c, true)
	return all, err
}

func (s *Set) look(c *jinja.Call, wantList bool) ([]any, bool, error) {
	if len(c.Rest) == 0 {
		return nil, false, errors.New("lookup takes the name of a lookup")
	}
	name, ok := c.Rest[0].(string)
	if !ok {
		return nil, false, fmt.Errorf("%s is no name of a lookup", describe(c.Rest[0]))
	}
	options, strict := map[string]any{}, true
	for _, key := range c.Named.Keys() {
		v, _ := c.Named.Get(key)
		switch key {
		case "wantlist":
			wantList = jinja.Truth(v)
		case "errors":
			strict = v != any("ignore") && v != any("warn")
		default:
			options[jinja.Str(key)] = jinja.Norm(v)
		}
	}
	terms := make([]any, len(c.Rest)-1)
	for i, v := range c.Rest[1:] {
		terms[i] = jinja.Norm(v)
	}
	all, err := s.find(c, name, terms, options)
	if err != nil && !strict && !jinja.Inherent(err) {
		if wantList {
			return []any{}, true, nil
		}
		return nil, false, nil
	}
	if err != nil {
		if jinja.Inherent(err) {
			return nil, false, err
		}
		return nil, false, fmt.Errorf("lookup %s: %w", name, err)
	}
	return all, wantList, c.Spend(len(all))
}

// Look runs a lookup outside of a template, as with_NAME does. A template that
// renders to the same would be query(NAME, *terms).
func (s *Set) Look(name string, terms []any, vars map[string]any) ([]any, error) {
	const nameVar, termsVar = "the name", "the terms" // no template can spell them
	all := maps.Clone(vars)
	if all == nil {
		all = map[string]any{}
	}
	all[nameVar], all[termsVar] = name, terms
	v, err := evaluate(jinja.CallOf("query", nameVar, termsVar), s.env, all)
	if err != nil {
		return nil, err
	}
	return v.([]any), nil
}

func (s *Set) find(c *jinja.Call, name string, terms []any, options map[string]any) ([]any, error) {
	short := name
	if rest, ok := cutCollection(name); ok {
		short = rest
	}
	if given, ok := s.options.Lookups[short]; ok {
		plainTerms, err := plain(terms)
		if err != nil {
			return nil, err
		}
		plainOptions, err := plain(options)
		if err != nil {
			return nil, err
		}
		named, _ := ordered.Names(plainOptions)
		return given(plainTerms.([]any), named)
	}
	own := s.lookups()
	if f, ok := own[short]; ok {
		return f(c, terms, options)
	}
	if why, ok := hooks[short]; ok {
		return nil, errors.New(why)
	}
	names := slices.Concat(slices.Collect(maps.Keys(own)), slices.Collect(maps.Keys(s.options.Lookups)))
	return nil, fmt.Errorf("there is no such lookup%s", jinja.Suggest(short, names))
}

// cutCollection takes the name of a collection away that is Ansible's own.
func cutCollection(name string) (string, bool) {
	for _, c := range []string{"ansible.builtin.", "ansible.legacy."} {
		if rest, ok := strings.CutPrefix(name, c); ok {
			return rest, true
		}
	}
	return name, false
}

func lookupDict(c *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	out := []any{}
	for _, term := range terms {
		list, ok := term.([]any)
		if !ok {
			list = []any{term}
		}
		for _, m := range list {
			items, err := c.Filter("dict2items", m, nil, nil)
			if err != nil {
				return nil, err
			}
			out = append(out, items.([]any)...)
		}
	}
	return out, nil
}

func lookupIndexed(c *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	list, err := flattened(c, terms, 1, false)
	for i := range list {
		list[i] = jinja.Tuple{int64(i), list[i]}
	}
	return list, err
}

func lookupNested(c *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	if len(terms) == 0 {
		return nil, errors.New("it takes at least one list")
	}
	lists := make([]any, len(terms))
	for i, term := range terms {
		lists[i] = listed(term)
	}
	rows, err := c.Filter("product", lists[0], lists[1:], nil)
	if err != nil {
		return nil, err
	}
	return asLists(rows.([]any)), nil
}

// listed is a term as a list: a mapping is its keys, a text is one item.
func listed(term any) []any {
	if list, ok := term.([]any); ok {
		return list
	}
	if keys, ok := jinja.Keys(term); ok {
		return keys
	}
	return []any{term}
}

func asLists(rows []any) []any {
	for i, row := range rows {
		rows[i] = []any(row.(jinja.Tuple))
	}
	return rows
}

func lookupTogether(_ *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	if len(terms) == 0 {
		return nil, errors.New("it takes at least one list")
	}
	lists := make([]any, len(terms))
	for i, term := range terms {
		lists[i] = listed(term)
	}
	rows, err := zip(lists, true, nil)
	if err != nil {
		return nil, err
	}
	return asLists(rows.([]any)), nil
}

func lookupSubelements(c *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	if len(terms) < 2 || len(terms) > 3 {
		return nil, errors.New("it takes a list, the name of a list in its elements, and flags")
	}
	skip := false
	if len(terms) == 3 {
		v, ok := jinja.Entry(terms[2], "skip_missing")
		skip = ok && jinja.Truth(v)
	}
	v, err := subelements(c, terms[0], terms[1], skip)
	if err != nil {
		return nil, err
	}
	rows := v.([]any)
	for i, row := range rows {
		pair := row.(jinja.Tuple)
		rows[i] = jinja.Tuple{lacking(jinja.Norm(pair[0]), subPath(terms[1])), pair[1]}
	}
	return rows, nil
}

// lacking is a copy of an element without the list in it.
func lacking(element any, path []any) any {
	if !jinja.IsMapping(element) || len(path) == 0 {
		return element
	}
	out := jinja.CopyOf(element)
	if len(path) == 1 {
		out.Delete(path[0])
	} else if inner, ok := out.Get(path[0]); ok {
		_ = out.Set(path[0], lacking(jinja.Norm(inner), path[1:])) // it is a key already
	}
	return out
}

func (s *Set) lookupRandomChoice(_ *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	if len(terms) == 0 {
		return []any{}, nil
	}
	d, err := s.drawer(nil)
	if err != nil {
		return nil, err
	}
	i, err := d.below(int64(len(terms)))
	if err != nil {
		return nil, err
	}
	return []any{terms[i]}, nil
}

func lookupVars(c *jinja.Call, terms []any, options map[string]any) ([]any, error) {
	out := []any{}
	for _, term := range terms {
		name, ok := term.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no name of a variable", describe(term))
		}
		v := c.Var(name)
		if u, ok := v.(*jinja.Undefined); ok {
			otherwise, has := options["default"]
			if !has {
				return nil, u
			}
			v = otherwise
		}
		if err, broken := v.(error); broken {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func lookupVarnames(c *jinja.Call, terms []any, _ map[string]any) ([]any, error) {
	names := slices.Sorted(maps.Keys(c.Vars()))
	out := []any{}
	for _, term := range terms {
		text, ok := term.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no regular expression", describe(term))
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if re.MatchString(name) {
				out = append(out, name)
			}
		}
	}
	return out, nil
}
