package templates

import (
	"errors"
	"fmt"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// newEnvironment is Jinja2 as Ansible has it: the library's own filters and tests
// made strict, Ansible's and the formats' filters beside them, and nothing that
// rolls dice or reads other files.
func newEnvironment(s *Set) *exec.Environment {
	return &exec.Environment{
		Context:           exec.NewContext(s.functions()),
		Filters:           newFilters(),
		Tests:             newTests(),
		ControlStructures: newStatements(),
		Methods:           builtins.Methods,
	}
}

// newFilters joins the filters of Jinja2, of Ansible and of the formats.
func newFilters() *exec.FilterSet {
	all := map[string]exec.FilterFunction{"default": filterDefault, "d": filterDefault}
	for _, name := range []string{"abs", "batch", "capitalize", "center", "dictsort", "first",
		"float", "format", "groupby", "indent", "int", "join", "items", "last", "length", "count", "list",
		"lower", "map", "max", "min", "rejectattr", "reject", "replace", "reverse", "round", "selectattr",
		"select", "slice", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper",
		"urlencode", "wordcount", "wordwrap"} {
		if f, ok := builtins.Filters.Get(name); ok {
			all[name] = strictFilter(f)
		}
	}
	for _, name := range []string{"groupby", "selectattr", "rejectattr"} {
		all[name] = strictAttribute(all[name])
	}
	for name, f := range ansibleFilters() {
		all[name] = plainFilter(name, f)
	}
	for name, f := range formatFilters() {
		all[name] = plainFilter(name, f)
	}
	return exec.NewFilterSet(all)
}

// strictFilter keeps a filter from taking something undefined for nothing.
func strictFilter(f exec.FilterFunction) exec.FilterFunction {
	return func(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
		if err := hidden(in); err != nil {
			return exec.AsValue(err)
		}
		if attribute, ok := params.KwArgs["attribute"]; ok && params.KwArgs["default"] == nil {
			if err := haveAttribute(in, attribute); err != nil {
				return exec.AsValue(err)
			}
		}
		out := f(e, in, params)
		if err := hidden(out); err != nil {
			return exec.AsValue(err)
		}
		return out
	}
}

// strictAttribute wants every element to have the attribute that is selected by,
// unless having it is the question.
func strictAttribute(f exec.FilterFunction) exec.FilterFunction {
	return func(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
		asked := len(params.Args) > 1 && (params.Args[1].String() == "defined" || params.Args[1].String() == "undefined")
		if !in.IsError() && len(params.Args) > 0 && !asked && params.KwArgs["default"] == nil {
			if err := haveAttribute(in, params.Args[0]); err != nil {
				return exec.AsValue(err)
			}
		}
		return f(e, in, params)
	}
}

// hidden finds an error that is the value, or an element of a list of values.
func hidden(v *exec.Value) error {
	if v.IsError() {
		raise(v)
		return v
	}
	switch list := v.Interface().(type) {
	case exec.ValuesList:
		for _, item := range list {
			if err := hidden(item); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range list {
			if v, ok := item.(*exec.Value); ok {
				item = v.Interface()
			}
			if err, ok := item.(error); ok {
				raise(err)
				return err
			}
		}
	}
	return nil
}

// raise panics with the need that an error comes from: the library keeps no more
// than the words of errors that pass through filters and tests.
func raise(err error) {
	if n, ok := rootCause(err).(*Needed); ok {
		panic(n)
	}
}

// haveAttribute is an error unless every element of a list has the attribute.
func haveAttribute(in, attribute *exec.Value) error {
	if attribute.IsNil() || !attribute.IsString() {
		return nil
	}
	var missing error
	in.Iterate(func(_, _ int, item, _ *exec.Value) bool {
		if item.IsDict() {
			if _, ok := dig(item, attribute.String()); !ok {
				missing = fmt.Errorf("an element has no %q", attribute.String())
			}
		} else if !item.IsList() {
			missing = fmt.Errorf("an element is no mapping and has no %q", attribute.String())
		}
		return missing == nil
	}, func() {})
	return missing
}

// newTests are Jinja2's tests, made to hand on errors, and Ansible's tests of
// results, which only a condition of a task can ask.
func newTests() *exec.TestSet {
	all := map[string]exec.TestFunction{
		"defined": func(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) (bool, error) {
			return isDefined(in)
		},
		"undefined": func(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) (bool, error) {
			ok, err := isDefined(in)
			return !ok, err
		},
	}
	for _, name := range []string{"boolean", "divisibleby", "eq", "equalto", "==", "even", "false", "float",
		"ge", ">=", "gt", "greaterthan", ">", "in", "integer", "iterable", "le", "<=", "lower", "lt", "lessthan",
		"<", "mapping", "ne", "!=", "none", "number", "odd", "sequence", "string", "true", "upper"} {
		if t, ok := builtins.Tests.Get(name); ok {
			all[name] = strictTest(t)
		}
	}
	for name := range resultTests {
		all[name] = func(*exec.Evaluator, *exec.Value, *exec.VarArgs) (bool, error) {
			return false, fmt.Errorf("%q asks about a task's registered result, which only `when` can do", "is "+name)
		}
	}
	return exec.NewTestSet(all)
}

func strictTest(t exec.TestFunction) exec.TestFunction {
	f, ok := t.(func(*exec.Context, *exec.Value, *exec.VarArgs) (bool, error))
	if !ok {
		return t
	}
	return func(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) (bool, error) {
		if err := hidden(in); err != nil {
			return false, err
		}
		return f(nil, in, params)
	}
}

// newStatements are the statements a template may use: none reads another file.
func newStatements() *exec.ControlStructureSet {
	all := map[string]parser.ControlStructureParser{}
	for _, name := range []string{"break", "call", "continue", "do", "filter", "for", "if", "macro", "raw", "set", "with"} {
		if p, ok := builtins.ControlStructures.Get(name); ok {
			all[name] = p
		}
	}
	all["for"], all["set"] = strictFor(all["for"]), plainSet(all["set"])
	return exec.NewControlStructureSet(all)
}

// isDefined tells something undefined from something broken.
func isDefined(v *exec.Value) (bool, error) {
	if !v.IsError() {
		return true, nil
	}
	raise(v)
	if isUndefined(v) {
		return false, nil
	}
	return false, v
}

// isUndefined tells whether an error says that a variable or attribute is missing.
func isUndefined(err error) bool {
	root := rootCause(err)
	var undefined *undefinedError
	if errors.As(root, &undefined) {
		return true
	}
	m := root.Error()
	return noName.MatchString(m) || noAttribute.MatchString(m) || noneGetter.MatchString(m)
}

type undefinedError struct{ reason string }

func (e *undefinedError) Error() string { return e.reason }

// Undefined is a value for a variable that cannot be had: whoever uses it gets
// reason as the error, and `is defined` says no.
func Undefined(reason string) error { return &undefinedError{reason} }

// filterDefault replaces what is undefined, and with boolean=true what is not
// true. It does not hide errors of another kind, nor replace none.
func filterDefault(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	fallback, boolean := exec.AsValue(""), false
	if len(params.Args) > 0 {
		fallback = params.Args[0]
	}
	if v, ok := params.KwArgs["default_value"]; ok {
		fallback = v
	}
	if len(params.Args) > 1 {
		boolean = params.Args[1].IsTrue()
	} else if v, ok := params.KwArgs["boolean"]; ok {
		boolean = v.IsTrue()
	}
	if in.IsError() && !isUndefined(in) {
		raise(in)
		return in
	}
	if in.IsError() || boolean && !in.IsTrue() {
		return fallback
	}
	return in
}
