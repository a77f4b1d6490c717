package inventory

import (
	"cmp"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// maxProblems is how many problems one Errors lists; the rest is counted.
const maxProblems = 50

// Position is a place in an inventory file.
type Position struct {
	File string `json:"file" yaml:"file"`
	Line int    `json:"line" yaml:"line"`
}

// String is the position as file:line.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Error is one problem of an inventory: where, what, and how to mend it.
type Error struct {
	Where   Position
	Message string
}

// Error is the problem as file:line: message.
func (e Error) Error() string { return e.Where.String() + ": " + e.Message }

// Errors are all problems found in one inventory, sorted by line.
type Errors struct {
	List []Error
	More int // problems found beyond those listed
}

// Error lists the problems, one a line.
func (e *Errors) Error() string {
	lines := make([]string, 0, len(e.List)+1)
	for _, one := range e.List {
		lines = append(lines, one.Error())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single problems to errors.As.
func (e *Errors) Unwrap() []error {
	list := make([]error, len(e.List))
	for i, one := range e.List {
		list[i] = one
	}
	return list
}

// problems collects what is wrong while an inventory is read, so that one run
// shows its author everything there is to mend. The same problem met again
// (through a YAML alias, say) counts once.
type problems struct {
	list []Error
	seen map[Error]bool
	told map[string]bool
	more int

	byFile bool // those of one file stand together
}

// addOnce is add for a problem that many hosts of one line have alike: only the
// first is told. kind tells apart the problems of one place.
func (p *problems) addOnce(kind string, at Position, format string, args ...any) {
	key := kind + " " + at.String()
	if p.told[key] {
		return
	}
	if p.told == nil {
		p.told = make(map[string]bool)
	}
	p.told[key] = true
	p.add(at, format, args...)
}

func (p *problems) add(at Position, format string, args ...any) {
	e := Error{Where: at, Message: fmt.Sprintf(format, args...)}
	if p.seen[e] {
		return
	}
	if len(p.list) >= maxProblems {
		p.more++
		return
	}
	if p.seen == nil {
		p.seen = make(map[Error]bool)
	}
	p.seen[e] = true
	p.list = append(p.list, e)
}

func (p *problems) none() bool { return len(p.list) == 0 }

func (p *problems) err() error {
	if p.none() {
		return nil
	}
	rank := make(map[string]int)
	for _, e := range p.list {
		if _, known := rank[e.Where.File]; !known && p.byFile {
			rank[e.Where.File] = len(rank)
		}
	}
	sort.SliceStable(p.list, func(i, j int) bool {
		a, b := p.list[i].Where, p.list[j].Where
		return cmp.Or(cmp.Compare(rank[a.File], rank[b.File]), cmp.Compare(a.Line, b.Line)) < 0
	})
	return &Errors{List: p.list, More: p.more}
}

// shown quotes a word of the inventory for an error message and shortens it.
func shown(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "..."
	}
	return fmt.Sprintf("%q", s)
}

// oneLine makes a foreign message safe to print in a line of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// isA says what a value is: "5 is a number".
func isA(v any) string {
	switch v := v.(type) {
	case string:
		return shown(v) + " is a word"
	case float64:
		word := strconv.FormatFloat(v, 'g', -1, 64)
		if v == float64(int64(v)) && !strings.ContainsAny(word, "e.") {
			word += ".0"
		}
		return word + " is a fraction"
	case bool, int64:
		return fmt.Sprintf("%v is %s", v, kindOf(v))
	}
	return "this is " + kindOf(v)
}
