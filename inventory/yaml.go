package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/ordered"
)

// pair is one entry of a YAML mapping.
type pair struct {
	key   string
	node  *yaml.Node // the key as it is written
	at    Position   // of the key, where it is written
	value *yaml.Node
}

// document walks one YAML file. It knows the file's name for positions, follows
// aliases and merge keys, and counts the nodes it visits: a few lines of nested
// aliases can stand for billions of values.
type document struct {
	file     string
	problems *problems
	visited  int
	origins  map[int]Position // of an imported inventory: where its lines come from

	// What follows is for files of Ansible's users (lenient.go).
	lenient bool
	json    bool                                              // the file is JSON: its numbers are JSON's
	anyKeys bool                                              // keys that are no words are taken as JSON has them
	unsafe  bool                                              // inside a !unsafe list or mapping
	note    func(at Position, format string, args ...any)     // told of what Ansible only warns of
	decrypt func(ciphertext []byte) (plain []byte, err error) // for !vault; nil: no password
}

// root parses data and returns the top node, or nil after noting why not.
func (d *document) root(data []byte) *yaml.Node {
	data, ok := d.text(data)
	if !ok {
		return nil
	}
	if line := tabbedLine(data, false); line > 0 {
		d.complainTab(line)
		return nil
	}
	node, err := decodeOne(data)
	ini := isINI(data)
	if err == nil && (target(node).Kind == yaml.MappingNode || !ini) {
		return node
	}
	if line := tabbedLine(data, true); line > 0 {
		d.complainTab(line)
		return nil
	}
	if ini {
		d.problems.add(Position{d.file, 1}, "this is Ansible's INI form, only YAML is read here; convert it: ansible-inventory -i %s --list --yaml", d.file)
		return nil
	}
	d.complain(err)
	return nil
}

// text is the file without its byte order mark; false when it is too large.
func (d *document) text(data []byte) ([]byte, bool) {
	if len(data) > maxFileSize {
		d.problems.add(Position{d.file, 1}, "the file is larger than %d MiB", maxFileSize>>20)
		return nil, false
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), true
}

// complain notes an error of decodeOne.
func (d *document) complain(err error) {
	var problem documentError
	if !errors.As(err, &problem) {
		problem = splitYAMLError(err)
	}
	d.problems.add(Position{d.file, problem.line}, "%s", problem.message)
}

func (d *document) complainTab(line int) {
	d.problems.add(Position{d.file, line}, "a tab in the indentation; YAML is indented with spaces")
}

// documentError is a problem of a file as a whole.
type documentError struct {
	line    int
	message string
	empty   bool
}

func (e documentError) Error() string { return e.message }

// decodeOne decodes exactly one YAML document. A panic of the decoder, which
// fuzzing of other projects has met, is an error like any other.
func decodeOne(data []byte) (node *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, documentError{1, "the file is empty; an inventory has at least one group with hosts", true}
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, documentError{max(second.Line, 1), "a second document begins here; an inventory is one document", false}
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(first.Content) == 0 {
		return nil, documentError{1, "the file is empty", true}
	}
	return first.Content[0], nil
}

// tabbedLine finds the first line that is indented with a tab; with mixed set
// also one with spaces before the tab, which a block of text may rightly have.
func tabbedLine(data []byte, mixed bool) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		blank := len(bytes.TrimSpace(line)) == 0
		if blank || !bytes.Contains(indent, []byte("\t")) {
			continue
		}
		if mixed || indent[0] == '\t' {
			return i + 1
		}
	}
	return 0
}

// isINI recognises a line like [nodes] or [nodes:vars] standing alone.
func isINI(data []byte) bool {
	return iniSection.Match(data)
}

var iniSection = regexp.MustCompile(`(?m)^\[[A-Za-z0-9_.-]+(:(vars|children))?\]\s*$`)

var yamlErrorLine = regexp.MustCompile(`(?s)^(?:yaml: )?(?:unmarshal errors:\s*)?(?:line (\d+): )?(.*)$`)

// splitYAMLError takes the line number out of the decoder's error.
func splitYAMLError(err error) documentError {
	m := yamlErrorLine.FindStringSubmatch(err.Error())
	line, convErr := strconv.Atoi(m[1])
	if convErr != nil || line < 1 {
		line = 1
	}
	return documentError{line: line, message: "not YAML: " + oneLine(strings.TrimPrefix(m[2], "yaml: "))}
}

func (d *document) at(n *yaml.Node) Position {
	line := max(n.Line, 1)
	if origin, ok := d.origins[line]; ok {
		return origin
	}
	return Position{d.file, line}
}

// visit counts a node and says whether the walk may go on.
func (d *document) visit(n *yaml.Node, depth int) bool {
	d.visited += 1 + len(n.Content)/2 + len(n.Value)/16
	if d.visited > maxNodes {
		d.problems.add(Position{d.file, 1}, "more than %d values after following all aliases", maxNodes)
		return false
	}
	if depth > maxDepth {
		d.problems.add(d.at(n), "nested more than %d deep; is an alias part of its own anchor?", maxDepth)
		return false
	}
	return true
}

// target follows an alias to what it stands for.
func target(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < maxDepth; i++ {
		n = n.Alias
	}
	return n
}

// isNull says whether the node is written as nothing, ~ or null.
func isNull(n *yaml.Node) bool {
	n = target(n)
	if n == nil {
		return true
	}
	if n.Kind != yaml.ScalarNode || !isPlain(n) {
		return false
	}
	return resolvePlain(n.Value).kind == scalarNull
}

// pairs lists the entries of a mapping in order, those of merge keys (<<) first
// as Ansible's YAML reader has it, and complains about keys written twice.
func (d *document) pairs(n *yaml.Node, depth int) []pair {
	n = target(n)
	if n == nil || !d.visit(n, depth) {
		return nil
	}
	if tag := n.ShortTag(); tag != "!!map" && !d.isUnsafe(n) {
		d.problems.add(d.at(n), "the tag %s is not supported", shown(tag))
		return nil
	}
	var merged, own []pair
	first := make(map[string]int)
	place := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		keyNode, value := n.Content[i], n.Content[i+1]
		if keyNode.Kind == yaml.ScalarNode && isPlain(keyNode) && keyNode.Value == "<<" {
			more := d.mergePairs(value, depth+1)
			d.visited += len(more)
			merged = append(merged, more...)
			continue
		}
		key, ok := d.key(keyNode)
		if !ok {
			continue
		}
		at := d.at(keyNode)
		if line, again := first[key]; again && d.lenient {
			d.note(at, "%s is written twice, and this one counts; the first is at line %d", shown(key), line)
			own[place[key]] = pair{key, keyNode, at, value}
			continue
		} else if again {
			d.problems.add(at, "%s is written twice; the first is at line %d", shown(key), line)
			continue
		}
		first[key], place[key] = at.Line, len(own)
		own = append(own, pair{key, keyNode, at, value})
	}
	return override(merged, own)
}

// variables lists the entries of a mapping of variables, or inside of one.
func (d *document) variables(n *yaml.Node, depth int) []pair {
	d.anyKeys = d.lenient
	defer func() { d.anyKeys = false }()
	return d.pairs(n, depth)
}

// mergePairs lists what a merge key brings: a mapping or a list of mappings, of
// which an earlier one wins over a later one.
func (d *document) mergePairs(n *yaml.Node, depth int) []pair {
	n = target(n)
	if n == nil || !d.visit(n, depth) {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.pairs(n, depth)
	case yaml.SequenceNode:
		var all []pair
		for i := len(n.Content) - 1; i >= 0; i-- {
			d.visited += len(all)
			all = override(all, d.mergePairs(n.Content[i], depth+1))
		}
		return all
	}
	d.problems.add(d.at(n), "a merge key (<<) takes a mapping or a list of mappings")
	return nil
}

// override puts the entries of over into those of under, keeping places.
func override(under, over []pair) []pair {
	if len(under) == 0 {
		return over
	}
	index := make(map[string]int, len(under)+len(over))
	var all []pair
	for _, p := range append(append([]pair(nil), under...), over...) {
		if i, ok := index[p.key]; ok {
			all[i] = p
			continue
		}
		index[p.key] = len(all)
		all = append(all, p)
	}
	return all
}

// key reads a mapping key, which has to be a string for YAML 1.1 too: "on" and
// "123" without quotes are not.
func (d *document) key(n *yaml.Node) (string, bool) {
	n = target(n)
	if n == nil || n.Kind != yaml.ScalarNode {
		d.problems.add(d.at(n), "a key has to be a word")
		return "", false
	}
	v, err := d.scalar(n)
	if err != nil {
		d.problems.add(d.at(n), "%v", err)
		return "", false
	}
	s, ok := v.(string)
	if d.anyKeys {
		s, ok = keyWord(v)
	}
	if !ok {
		d.problems.add(d.at(n), "the key %s is %s to YAML, not a word; put it in quotes", shown(n.Value), kindOf(v))
	}
	return s, ok
}

// value reads a variable's value: nil, bool, int64, float64, string, []any or
// *ordered.Map.
func (d *document) value(n *yaml.Node, depth int) (any, bool) {
	n = target(n)
	if n == nil {
		return nil, true
	}
	if !d.visit(n, depth) {
		return nil, false
	}
	switch n.Kind {
	case yaml.ScalarNode:
		v, err := d.scalar(n)
		if err != nil {
			d.problems.add(d.at(n), "%v", err)
		}
		return v, err == nil
	case yaml.SequenceNode:
		defer d.enterUnsafe(n)()
		return d.list(n, depth)
	}
	defer d.enterUnsafe(n)()
	return d.mapping(n, depth)
}

func (d *document) list(n *yaml.Node, depth int) (any, bool) {
	list, good := make([]any, 0, len(n.Content)), true
	if tag := n.ShortTag(); tag != "!!seq" && !d.isUnsafe(n) {
		d.problems.add(d.at(n), "the tag %s is not supported", shown(tag))
		return nil, false
	}
	for _, item := range n.Content {
		v, ok := d.value(item, depth+1)
		list, good = append(list, v), good && ok
	}
	return list, good
}

func (d *document) mapping(n *yaml.Node, depth int) (any, bool) {
	m, good := ordered.New(), true
	for _, p := range d.variables(n, depth) {
		v, ok := d.value(p.value, depth+1)
		name, err := d.scalar(target(p.node))
		if word, ok := name.(Unsafe); ok {
			name = string(word)
		}
		if err == nil {
			err = m.Set(name, v)
		}
		good = good && ok && err == nil // key told of it
	}
	return m, good
}
