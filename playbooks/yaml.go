package playbooks

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
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

// reader reads one file. What is wrong with it, and with the files that are part
// of the same, is collected in found.
type reader struct {
	file      string // for people
	from      *File
	src       *Source
	play      *Play
	importers []string
	*found
}

// found is what was found so far.
type found struct {
	problems []*Error
	nodes    int
}

func (f *found) add(e *Error) {
	for _, p := range f.problems {
		if p.Where == e.Where && p.Message == e.Message {
			return
		}
	}
	f.problems = append(f.problems, e)
}

func (r *reader) at(n *yaml.Node) Position { return Position{r.file, n.Line} }

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	r.add(wrong(r.at(n), format, args...))
}

// err joins the problems in the order of their lines.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	file := map[string]int{}
	for _, p := range r.problems {
		if _, seen := file[p.Where.File]; !seen {
			file[p.Where.File] = len(file)
		}
	}
	slices.SortStableFunc(r.problems, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(file[a.Where.File], file[b.Where.File]), cmp.Compare(a.Where.Line, b.Where.Line))
	})
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
			r.broken(data, err)
		}
		return nil
	}
	if err := d.Decode(&more); err == nil {
		r.wrong(&more, "a playbook is one YAML document, and here begins another")
	} else if !errors.Is(err, io.EOF) {
		r.broken(data, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// broken reports an error of the YAML library, which names the line itself or the
// one above, or else the slip that most likely led to it.
func (r *reader) broken(data []byte, err error) {
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if n, rest, ok := cutLine(message); ok {
		line, message = n, rest
	}
	lines := strings.Split(string(data), "\n")
	for i := line; i <= min(line+1, len(lines)); i++ {
		if opensBrace.MatchString(lines[i-1]) {
			r.wrong(&yaml.Node{Line: i}, "%s", unquoted)
			return
		}
		if tabbed.MatchString(lines[i-1]) {
			r.wrong(&yaml.Node{Line: i}, "a tab in the indentation; YAML is indented with spaces")
			return
		}
	}
	if strings.HasPrefix(message, "mapping values are not allowed") {
		message += "; a value in which a blank follows a colon is quoted"
	}
	r.wrong(&yaml.Node{Line: line}, "not YAML: %s", message)
}

// unquoted is what to say where YAML took a template for the beginning of a mapping.
const unquoted = `a value that begins with {{ is quoted, or YAML takes it for a mapping: "{{ ... }}"`

var (
	opensBrace = regexp.MustCompile(`^\s*(- +)*([\w.-]+: +|- +)\{\{`)
	tabbed     = regexp.MustCompile(`^ *\t`)
)

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
	var out, merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind == yaml.MappingNode:
			r.wrong(key, "%s", unquoted)
		case key.Kind != yaml.ScalarNode:
			r.wrong(key, "a key of %s is %s, not a name", what, describe(key))
		case key.Tag == "!!merge":
			merged = append(merged, r.merged(value, what)...)
		case seen[key.Value]:
			r.wrong(key, "%q is given twice", key.Value)
		default:
			seen[key.Value] = true
			out = append(out, pair{key.Value, key, value})
		}
	}
	return override(merged, out)
}

// override puts pairs in the place of those of the same name that << brought.
func override(merged, own []pair) []pair {
	if len(merged) == 0 {
		return own
	}
	place := map[string]int{}
	var out []pair
	for _, p := range merged {
		if _, again := place[p.name]; !again {
			place[p.name] = len(out)
			out = append(out, p)
		}
	}
	for _, p := range own {
		if i, is := place[p.name]; is {
			out[i] = p
		} else {
			out = append(out, p)
		}
	}
	return out
}

// merged are the keys that << brings: of a mapping, or of several, the first first.
func (r *reader) merged(n *yaml.Node, what string) []pair {
	n, ok := r.enter(n, 0)
	if !ok {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return r.mapping(n, what)
	}
	var out []pair
	for _, item := range n.Content {
		out = append(out, r.mapping(item, what)...)
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
