package templates

import (
	"fmt"
	"strings"

	control "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// forLoop is {% for %} that refuses what cannot be looped over and an undefined
// condition; the library's own takes both for nothing to do.
type forLoop struct{ *control.ForControlStructure }

// strictFor parses a forLoop.
func strictFor(parse parser.ControlStructureParser) parser.ControlStructureParser {
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		n, err := parse(p, args)
		if err != nil {
			return nil, err
		}
		inner, ok := n.(*control.ForControlStructure)
		if !ok {
			return nil, fmt.Errorf("a for loop of type %T", n)
		}
		return forLoop{inner}, nil
	}
}

// Execute checks the list, then loops.
func (f forLoop) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	list := r.Eval(f.ObjectEvaluator)
	if err := hidden(list); err != nil {
		return err
	}
	if !list.IsList() && !list.IsDict() && !list.IsString() {
		return fmt.Errorf("%s cannot be looped over", kindOf(list))
	}
	if f.IfCondition != nil {
		if err := f.checkConditions(r, list); err != nil {
			return err
		}
	}
	return f.ForControlStructure.Execute(r, tag)
}

func (f forLoop) checkConditions(r *exec.Renderer, list *exec.Value) error {
	var failed error
	list.Iterate(func(_, _ int, key, value *exec.Value) bool {
		sub := r.Inherit()
		sub.Environment.Context.Set(f.Key, key)
		switch {
		case value != nil && f.Value != "":
			sub.Environment.Context.Set(f.Value, value)
		case f.Value != "" && key.Len() == 2:
			sub.Environment.Context.Set(f.Key, key.Index(0))
			sub.Environment.Context.Set(f.Value, key.Index(1))
		}
		if c := sub.Eval(f.IfCondition); c.IsError() {
			failed = c
		}
		return failed == nil
	}, func() {})
	return failed
}

func kindOf(v *exec.Value) string {
	switch {
	case v.IsNil():
		return "nothing (none)"
	case v.IsBool():
		return "a boolean"
	case v.IsNumber():
		return "a number"
	}
	return "this"
}

// plainSet refuses {% set a.b = c %}, which would change the plan itself.
func plainSet(parse parser.ControlStructureParser) parser.ControlStructureParser {
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		if args.Peek(tokens.Dot, tokens.LeftBracket) != nil {
			return nil, args.Error("set takes a plain name", args.Current())
		}
		return parse(p, args)
	}
}

// dig follows a dotted path into a value.
func dig(v *exec.Value, path string) (*exec.Value, bool) {
	for part := range strings.SplitSeq(path, ".") {
		if v.IsNil() {
			return nil, false
		}
		next, ok := v.GetItem(part)
		if !ok {
			return nil, false
		}
		v = next
	}
	return v, true
}
