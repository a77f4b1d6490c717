package playbooks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits that keep a hostile playbook from filling the memory: aliases multiply.
const (
	maxFile     = 1 << 20
	maxNodes    = 200000
	maxDepth    = 50
	maxProblems = 30
)

// reader reads one playbook file and collects what is wrong with it.
type reader struct {
	file     string
	problems []*Error
	nodes    int
}

func (r *reader) at(n *yaml.Node) Position { return Position{r.file, n.Line} }

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	e := wrong(r.at(n), format, args...)
	for _, p := range r.problems {
		if p.Where == e.Where && p.Message == e.Message {
			return
		}
	}
	r.problems = append(r.problems, e)
}

// err joins the problems in the order of their lines.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	sort.SliceStable(r.problems, func(i, j int) bool { return r.problems[i].Where.Line < r.problems[j].Where.Line })
	var all []error
	for i, p := range r.problems {
		if i == maxProblems {
			all = append(all, fmt.Errorf("and %d more", len(r.problems)-i))
			break
		}
		all = append(all, p)
	}
	return errors.Join(all...)
}

// document parses a file that holds one YAML document; nil if it is empty.
func (r *reader) document(data []byte) *yaml.Node {
	if len(data) > maxFile {
		r.wrong(&yaml.Node{Line: 1}, "larger than %d bytes", maxFile)
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			r.broken(err)
		}
		return nil
	}
	if err := d.Decode(&more); err == nil {
		r.wrong(&more, "a playbook is one YAML document, and here begins another")
	} else if !errors.Is(err, io.EOF) {
		r.broken(err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// broken reports an error of the YAML library, which names the line itself.
func (r *reader) broken(err error) {
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if n, rest, ok := cutLine(message); ok {
		line, message = n, rest
	}
	r.wrong(&yaml.Node{Line: line}, "not YAML: %s", message)
}

func cutLine(message string) (int, string, bool) {
	var n int
	if _, err := fmt.Sscanf(message, "line %d:", &n); err != nil {
		return 0, "", false
	}
	_, rest, ok := strings.Cut(message, ": ")
	return n, rest, ok
}

// enter counts a node, and follows an alias to what it stands for.
func (r *reader) enter(n *yaml.Node, depth int) (*yaml.Node, bool) {
	for i := 0; n.Kind == yaml.AliasNode && n.Alias != nil && i < maxDepth; i++ {
		n = n.Alias
	}
	r.nodes++
	if r.nodes == maxNodes {
		r.wrong(n, "this playbook has more than %d values", maxNodes)
	}
	if depth > maxDepth {
		r.wrong(n, "nested more than %d deep", maxDepth)
		return n, false
	}
	return n, r.nodes < maxNodes
}

// pair is a key of a mapping and its value.
type pair struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// mapping lists the keys of a mapping, each once.
func (r *reader) mapping(n *yaml.Node, what string) []pair {
	n, ok := r.enter(n, 0)
	if !ok {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s is a mapping of names to values, not %s", what, describe(n))
		return nil
	}
	seen := map[string]bool{}
	var out []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.wrong(key, "a key of %s is %s, not a name", what, describe(key))
		case key.Tag == "!!merge":
			r.wrong(key, "<< is not supported here: write the keys out")
		case seen[key.Value]:
			r.wrong(key, "%q is given twice", key.Value)
		default:
			seen[key.Value] = true
			out = append(out, pair{key.Value, key, value})
		}
	}
	return out
}

// list is the elements of a list; nothing is an empty one.
func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	n, ok := r.enter(n, 0)
	if !ok || isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "%s is a list, not %s", what, describe(n))
		return nil
	}
	return n.Content
}

// words is a list of names, or one name; commas separate names where split says so.
func (r *reader) words(n *yaml.Node, what string, split bool) []string {
	n, ok := r.enter(n, 0)
	if !ok || isNull(n) {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		if !split {
			return []string{n.Value}
		}
		var out []string
		for w := range strings.SplitSeq(n.Value, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
		return out
	}
	var out []string
	for _, item := range r.list(n, what) {
		if s, ok := r.text(item, "an element of "+what); ok {
			out = append(out, s)
		}
	}
	return out
}

// text is a scalar that is not nothing.
func (r *reader) text(n *yaml.Node, what string) (string, bool) {
	n, ok := r.enter(n, 0)
	if !ok {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.wrong(n, "%s is text, not %s", what, describe(n))
		return "", false
	}
	return n.Value, true
}

// yes is a scalar that is true or false.
func (r *reader) yes(n *yaml.Node, what string) bool {
	n, _ = r.enter(n, 0)
	if n.Kind == yaml.ScalarNode {
		if b, ok := boolean(n); ok {
			return b
		}
	}
	r.wrong(n, "%s is true or false, not %s", what, describe(n))
	return false
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return shown(n.Value)
}

// shown quotes a word of the playbook for an error message and shortens it.
func shown(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "..."
	}
	return fmt.Sprintf("%q", s)
}
