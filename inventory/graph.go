package inventory

import (
	"fmt"
	"strings"
)

// maxGraph is how many lines a graph has at most: groups that share children
// multiply.
const maxGraph = 200000

// Graph draws a group with what is below it as ansible-inventory --graph does.
func (inv *Inventory) Graph(group string) (string, error) {
	g, ok := inv.byGroup[group]
	if !ok {
		return "", inv.unknown(group)
	}
	d := &drawing{}
	d.group(g, 0)
	if d.lines > maxGraph {
		return "", fmt.Errorf("the graph of %s has more than %d lines", group, maxGraph)
	}
	return d.String(), nil
}

type drawing struct {
	strings.Builder
	lines int
}

func (d *drawing) line(depth int, words string) {
	if d.lines++; d.lines > maxGraph {
		return
	}
	if depth > 0 {
		d.WriteString(strings.Repeat("  |", depth) + "--")
	}
	d.WriteString(words + "\n")
}

func (d *drawing) group(g *Group, depth int) {
	if d.lines > maxGraph {
		return
	}
	d.line(depth, "@"+g.Name+":")
	for _, c := range g.children {
		d.group(c, depth+1)
	}
	if g.Name == allGroup {
		return
	}
	for _, h := range g.hosts {
		d.line(depth+1, h.Name)
	}
}
