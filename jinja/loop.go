package jinja

import (
	"errors"
	"fmt"
)

type forNode struct {
	target    target
	list      expr
	test      expr
	recursive bool
	body      []node
	otherwise []node
	line      int
}

func (n *forNode) exec(f *frame) error {
	v, err := f.value(n.list)
	if err != nil {
		return atLine(n.line, err)
	}
	return n.loop(f, v, 0)
}

func (n *forNode) loop(f *frame, over any, depth int64) error {
	items, err := List(over)
	if err != nil {
		return atLine(n.line, err)
	}
	if n.test != nil {
		if items, err = n.selected(f, items); err != nil {
			return atLine(n.line, err)
		}
	}
	l := &loop{node: n, frame: f, items: items, depth: depth}
	for i, item := range items {
		if err := f.spend(1); err != nil {
			return atLine(n.line, err)
		}
		l.at = i
		in := f.inner()
		in.scope.names, in.scope.values = append(make([]string, 0, 4), "loop"), append(make([]any, 0, 4), l)
		if err := n.target.set(in, Norm(item)); err != nil {
			return atLine(n.line, err)
		}
		err := in.exec(n.body)
		if errors.Is(err, errBreak) {
			break
		}
		if err != nil && !errors.Is(err, errContinue) {
			return err
		}
	}
	if len(items) == 0 {
		return f.inner().exec(n.otherwise)
	}
	return nil
}

// selected are the items that the loop's condition takes.
func (n *forNode) selected(f *frame, items []any) ([]any, error) {
	var out []any
	for _, item := range items {
		in := f.inner()
		if err := n.target.set(in, Norm(item)); err != nil {
			return nil, err
		}
		ok, err := in.truth(n.test)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, item)
		}
	}
	return out, nil
}

// loop is the variable of that name inside a loop.
type loop struct {
	node    *forNode
	frame   *frame
	items   []any
	at      int
	depth   int64
	changed any
	asked   bool
}

// Kind is what type_debug calls it.
func (*loop) Kind() string { return "LoopContext" }

func (l *loop) String() string { return fmt.Sprintf("<LoopContext %d/%d>", l.at+1, len(l.items)) }

// Attr is what loop.name is.
func (l *loop) Attr(name string) (any, bool) {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.at + 1), true
	case "index0":
		return int64(l.at), true
	case "revindex":
		return int64(n - l.at), true
	case "revindex0":
		return int64(n - l.at - 1), true
	case "first":
		return l.at == 0, true
	case "last":
		return l.at == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return l.depth + 1, true
	case "depth0":
		return l.depth, true
	case "previtem":
		return l.item(l.at - 1), true
	case "nextitem":
		return l.item(l.at + 1), true
	case "cycle":
		return Function(l.cycle), true
	case "changed":
		return Function(l.hasChanged), true
	}
	return nil, false
}

func (l *loop) item(i int) any {
	if i < 0 || i >= len(l.items) {
		return undefinedf("the loop has no item there")
	}
	return Norm(l.items[i])
}

func (l *loop) cycle(c *Call) (any, error) {
	if len(c.Rest) == 0 {
		return nil, errors.New("loop.cycle takes the values to choose from")
	}
	return c.Rest[l.at%len(c.Rest)], nil
}

func (l *loop) hasChanged(c *Call) (any, error) {
	now := any(append([]any{}, c.Rest...))
	if l.asked {
		same, err := c.equal(l.changed, now)
		if err != nil || same {
			return false, err
		}
	}
	l.asked, l.changed = true, now
	return true, nil
}

// again is loop(items) of a recursive loop.
func (l *loop) again(c *Call) (any, error) {
	if !l.node.recursive {
		return nil, errors.New("this loop is not recursive")
	}
	if len(c.Rest) != 1 {
		return nil, errors.New("loop takes one list")
	}
	return c.frame.captured([]node{recursion{l, c.Rest[0]}})
}

type recursion struct {
	loop *loop
	over any
}

func (r recursion) exec(f *frame) error { return r.loop.node.loop(f, r.over, r.loop.depth+1) }
