package jinja

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Func is a filter, a test, a method or a function: what it makes of a Call.
type Func func(c *Call) (any, error)

// Filter is a filter or a test with the names of its parameters; "*" and "**" take
// arguments without one.
type Filter struct {
	Params []string
	Lazy   bool // takes errors, such as what is undefined, as input and arguments
	Do     Func
}

// F makes a Filter; params are names with blanks between them.
func F(params string, do Func) Filter { return Filter{Params: strings.Fields(params), Do: do} }

// LazyF makes a Filter that takes errors as values.
func LazyF(params string, do Func) Filter {
	f := F(params, do)
	f.Lazy = true
	return f
}

// Function is a value that can be called, with any arguments.
type Function func(c *Call) (any, error)

// Call is one call: its input, its arguments by parameter, and those without one.
type Call struct {
	*run
	Name  string
	In    any
	Args  []any
	Rest  []any
	Named *Dict
	frame *frame
	err   error
}

// absent is an argument that was not given.
type absent struct{}

// Var is the value of a variable, or an error.
func (c *Call) Var(name string) any { return c.frame.lookup(name) }

// Vars are all variables: those given, and what the template has set.
func (c *Call) Vars() map[string]any { return c.frame.visible() }

// Has tells whether the argument of parameter i was given.
func (c *Call) Has(i int) bool {
	return i < len(c.Args) && c.Args[i] != absent{}
}

// Arg is an argument, or otherwise.
func (c *Call) Arg(i int, otherwise any) any {
	if c.Has(i) {
		return c.Args[i]
	}
	return otherwise
}

// fail remembers the first error of the arguments; the call fails with it.
func (c *Call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// Err is what was wrong with the arguments asked for so far.
func (c *Call) Err() error { return c.err }

// Text is an argument that must be a text; a number is one too.
func (c *Call) Text(i int, otherwise string) string {
	switch v := c.Arg(i, otherwise).(type) {
	case string:
		return v
	case int64, float64, bool:
		return Str(v)
	default:
		c.fail(fmt.Errorf("%s is not a text", Describe(v)))
		return otherwise
	}
}

// Int is an argument that must be a whole number of a size that counts.
func (c *Call) Int(i int, otherwise int) int {
	n, _, whole, ok := number(c.Arg(i, int64(otherwise)))
	if !ok || !whole {
		c.fail(fmt.Errorf("%s is no whole number", Describe(c.Args[i])))
		return otherwise
	}
	if n > math.MaxInt32 || n < math.MinInt32 {
		c.fail(errNumber)
		return otherwise
	}
	return int(n)
}

// Bool is an argument by its truth.
func (c *Call) Bool(i int, otherwise bool) bool { return Truth(c.Arg(i, otherwise)) }

// List is an argument that can be looped over.
func (c *Call) List(i int) []any {
	list, err := List(c.Arg(i, nil))
	if err != nil {
		c.fail(err)
	}
	return list
}

// InText is the input as a text: whatever it is, as it prints.
func (c *Call) InText() string {
	s, err := str(c.In)
	if err != nil {
		c.fail(err)
	}
	return s
}

// OnlyText is the input, which must be a text.
func (c *Call) OnlyText() string {
	s, ok := c.In.(string)
	if !ok {
		c.fail(fmt.Errorf("%s is not a text", Describe(c.In)))
	}
	return s
}

// InList is the input as a list.
func (c *Call) InList() []any {
	list, err := List(c.In)
	if err != nil {
		c.fail(err)
	}
	if err := c.spend(len(list)); err != nil {
		c.fail(err)
		return nil
	}
	return list
}

// Equal is Python's ==.
func (c *Call) Equal(a, b any) (bool, error) { return c.equal(a, b) }

// Order compares as Python's < does.
func (c *Call) Order(a, b any) (int, error) { return c.order(a, b) }

// Contains is Python's in.
func (c *Call) Contains(container, item any) (bool, error) { return c.contains(container, item) }

// Spend takes n from what the evaluation may cost.
func (c *Call) Spend(n int) error { return c.spend(n) }

// SpendText is Spend for a text of n bytes, which may be too long.
func (c *Call) SpendText(n int) error { return c.spendText(n) }

// Filter applies another filter.
func (c *Call) Filter(name string, in any, args []any, named *Dict) (any, error) {
	f, err := c.env.filter(name)
	if err != nil {
		return nil, err
	}
	return c.frame.apply("filter", name, f, in, args, named)
}

// Test asks a test.
func (c *Call) Test(name string, in any, args []any, named *Dict) (bool, error) {
	t, err := c.env.test(name)
	if err != nil {
		return false, err
	}
	v, err := c.frame.apply("test", name, t, in, args, named)
	return err == nil && Truth(v), err
}

// arguments are what stands in the parentheses of a call.
type arguments struct {
	list        []expr
	names       []string
	values      []expr
	rest, named expr // *rest and **named
}

// eval evaluates the arguments: errors among them are values.
func (a *arguments) eval(f *frame) (list []any, named *Dict, err error) {
	for _, x := range a.list {
		v, err := x.eval(f)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, v)
	}
	if a.rest != nil {
		v, err := f.value(a.rest)
		if err != nil {
			return nil, nil, err
		}
		more, err := List(v)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, more...)
	}
	if len(a.names) == 0 && a.named == nil {
		return list, nil, f.spend(1)
	}
	named = NewDict()
	for i, name := range a.names {
		v, err := a.values[i].eval(f)
		if err != nil {
			return nil, nil, err
		}
		_ = named.Set(name, v) // a text can be a key
	}
	if a.named != nil {
		v, err := f.value(a.named)
		if err != nil {
			return nil, nil, err
		}
		keys, ok := Keys(v)
		if !ok {
			return nil, nil, fmt.Errorf("%s is no mapping of arguments", Describe(v))
		}
		for _, key := range keys {
			x, _ := Entry(v, key)
			_ = named.Set(key, x)
		}
	}
	return list, named, f.spend(1)
}

// bind gives each parameter its argument.
func (c *Call) bind(params []string, list []any, named *Dict) error {
	c.Args = make([]any, 0, len(params))
	placed := 0
	for _, name := range params {
		switch {
		case name == "*":
			c.Rest, list = list, nil
		case name == "**":
			c.Named = NewDict()
		case len(list) > 0:
			c.Args, list = append(c.Args, list[0]), list[1:]
			placed++
		default:
			c.Args = append(c.Args, absent{})
		}
	}
	if len(list) > 0 {
		return fmt.Errorf("it takes no more than %d arguments", len(c.Args))
	}
	if named == nil {
		return nil
	}
	for _, key := range named.Keys() {
		name := Str(key)
		v, _ := named.Get(key)
		i := slices.Index(params, name)
		switch {
		case i >= 0 && i < placed:
			return fmt.Errorf("it is given %s twice", name)
		case i >= 0 && i < len(c.Args):
			c.Args[i] = v
		case c.Named == nil:
			return fmt.Errorf("it takes no argument %q%s", name, Suggest(name, params))
		default:
			_ = c.Named.Set(name, v) // a text can be a key
		}
	}
	return nil
}

// Take binds the arguments of a function or a method to parameters.
func (c *Call) Take(params string) {
	named := c.Named
	c.Named = nil
	if err := c.bind(strings.Fields(params), c.Rest, named); err != nil {
		c.fail(err)
	}
}

// Float is a number as a float; booleans are numbers too.
func Float(v any) (float64, bool) {
	_, f, _, ok := number(v)
	return f, ok
}

// Float is an argument that must be a number.
func (c *Call) Float(i int, otherwise float64) float64 {
	f, ok := Float(c.Arg(i, otherwise))
	if !ok {
		c.fail(fmt.Errorf("%s is no number", Describe(c.Args[i])))
		return otherwise
	}
	return f
}
