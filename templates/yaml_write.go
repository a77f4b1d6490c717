package templates

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"eucactl/jinja"
)

// toYAML writes YAML as PyYAML does: to_yaml puts what holds scalars alone on one
// line, to_nice_yaml nothing.
func toYAML(c *jinja.Call, nice bool) (any, error) {
	w := &yamlWriter{c: c, best: 2, width: 80, indents: []int{-1}, sorted: true, begin: true, spaced: true}
	var flow any
	names := map[string]int{"default_flow_style": 0, "indent": 1, "sort_keys": 2, "width": 3, "explicit_start": 4, "explicit_end": 5}
	if nice {
		names = map[string]int{"indent": 0, "sort_keys": 1, "width": 2, "explicit_start": 3, "explicit_end": 4, "default_flow_style": 5}
		w.best, flow = 4, false
	}
	flow = c.Arg(names["default_flow_style"], flow)
	if n := c.Int(names["indent"], w.best); n > 1 && n < 10 {
		w.best = n
	}
	w.sorted = c.Bool(names["sort_keys"], true)
	if n := c.Int(names["width"], w.width); n > w.best*2 {
		w.width = n
	}
	if c.Bool(names["explicit_start"], false) {
		w.text("---")
		w.spaced = false
	}
	if err := w.node(c.In, place{}, flow); err != nil {
		return nil, err
	}
	w.newline()
	if c.Bool(names["explicit_end"], false) {
		w.b.WriteString("...\n")
	}
	return w.b.String(), nil
}

// place is where a node stands.
type place struct{ mapping, key bool }

// yamlWriter keeps what PyYAML's emitter keeps, as its line breaks depend on it.
type yamlWriter struct {
	c       *jinja.Call
	b       strings.Builder
	best    int // indentation
	width   int
	sorted  bool
	indents []int
	flow    int // how deep in [ ] and { }
	column  int
	spaced  bool // the last thing written was white space
	begin   bool // nothing but indicators stand on this line
}

func (w *yamlWriter) indent() int { return w.indents[len(w.indents)-1] }

func (w *yamlWriter) deeper(flow, same bool) {
	n := w.indent()
	switch {
	case n < 0 && flow:
		n = w.best
	case n < 0:
		n = 0
	case !same:
		n += w.best
	}
	w.indents = append(w.indents, n)
}

func (w *yamlWriter) back() { w.indents = w.indents[:len(w.indents)-1] }

func (w *yamlWriter) text(s string) {
	w.b.WriteString(s)
	w.column += utf8.RuneCountInString(s)
}

func (w *yamlWriter) newline() {
	w.b.WriteByte('\n')
	w.column, w.spaced, w.begin = 0, true, true
}

// startLine goes to the indentation, on a new line unless this one is still blank.
func (w *yamlWriter) startLine() {
	n := max(w.indent(), 0)
	if !w.begin || w.column > n || w.column == n && !w.spaced {
		w.newline()
	}
	if w.column < n {
		w.text(strings.Repeat(" ", n-w.column))
		w.spaced = true
	}
}

func (w *yamlWriter) indicator(s string, needSpace, spaced, begin bool) {
	if needSpace && !w.spaced {
		s = " " + s
	}
	if w.b.Len() == 0 || w.column == 0 {
		s = strings.TrimPrefix(s, " ")
	}
	w.text(s)
	w.spaced, w.begin = spaced, w.begin && begin
}

func (w *yamlWriter) node(v any, at place, flow any) error {
	if err := w.c.Spend(1); err != nil {
		return err
	}
	if err := w.c.SpendText(w.b.Len() / 1024); err != nil {
		return err
	}
	v = jinja.Norm(v)
	if t, ok := v.(jinja.Tuple); ok {
		v = []any(t)
	}
	switch v := v.(type) {
	case []any:
		if len(v) == 0 || w.flow > 0 || isFlow(flow, v) {
			return w.flowList(v, flow)
		}
		return w.blockList(v, at, flow)
	case map[string]any, *jinja.Dict:
		keys, _ := jinja.Keys(v)
		if w.sorted && sortable(keys) {
			keys = sortedKeys(keys)
		}
		values := make([]any, len(keys))
		for i, key := range keys {
			values[i], _ = jinja.Entry(v, key)
		}
		if len(keys) == 0 || w.flow > 0 || isFlow(flow, values) {
			return w.flowDict(keys, values, flow)
		}
		return w.blockDict(keys, values, flow)
	}
	return w.scalar(v, at)
}

// isFlow tells whether a collection of these values is written on one line.
func isFlow(flow any, values []any) bool {
	if flow != nil {
		return jinja.Truth(flow)
	}
	for _, v := range values {
		v = jinja.Norm(v)
		switch v.(type) {
		case []any, jinja.Tuple:
			return false
		}
		if jinja.IsMapping(v) {
			return false
		}
	}
	return true
}

func (w *yamlWriter) flowList(v []any, flow any) error {
	w.indicator("[", true, true, false)
	w.flow++
	w.deeper(true, false)
	for i, item := range v {
		w.between(i)
		if err := w.node(item, place{}, flow); err != nil {
			return err
		}
	}
	w.back()
	w.flow--
	w.indicator("]", false, false, false)
	return nil
}

func (w *yamlWriter) flowDict(keys, values []any, flow any) error {
	w.indicator("{", true, true, false)
	w.flow++
	w.deeper(true, false)
	for i, key := range keys {
		w.between(i)
		if err := w.scalar(key, place{mapping: true, key: true}); err != nil {
			return err
		}
		w.indicator(":", false, false, false)
		if err := w.node(values[i], place{mapping: true}, flow); err != nil {
			return err
		}
	}
	w.back()
	w.flow--
	w.indicator("}", false, false, false)
	return nil
}

// between comes before the i-th of several things on one line.
func (w *yamlWriter) between(i int) {
	if i > 0 {
		w.indicator(",", false, false, false)
	}
	if w.column > w.width {
		w.startLine()
	}
}

func (w *yamlWriter) blockList(v []any, at place, flow any) error {
	w.deeper(false, at.mapping && !w.begin)
	for _, item := range v {
		w.startLine()
		w.indicator("-", true, false, true)
		if err := w.node(item, place{}, flow); err != nil {
			return err
		}
	}
	w.back()
	return nil
}

func (w *yamlWriter) blockDict(keys, values []any, flow any) error {
	w.deeper(false, false)
	for i, key := range keys {
		w.startLine()
		if err := w.scalar(key, place{mapping: true, key: true}); err != nil {
			return err
		}
		w.indicator(":", false, false, false)
		if err := w.node(values[i], place{mapping: true}, flow); err != nil {
			return err
		}
	}
	w.back()
	return nil
}

// scalar writes a scalar in the style that PyYAML chooses.
func (w *yamlWriter) scalar(v any, at place) error {
	w.deeper(true, false)
	defer w.back()
	switch v := v.(type) {
	case nil:
		w.plain("null", at)
	case bool:
		w.plain(fmt.Sprint(v), at)
	case int64:
		w.plain(fmt.Sprint(v), at)
	case float64:
		w.plain(yamlFloatText(v), at)
	case string:
		w.string(v, at)
	case error:
		return v
	case jinja.Object:
		w.string(v.String(), at)
	default:
		return fmt.Errorf("%s cannot be written in YAML", describe(v))
	}
	return nil
}

func yamlFloatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	s := jinja.FloatText(f)
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

func (w *yamlWriter) string(s string, at place) {
	a := analyze(s)
	plain := a.blockPlain
	if w.flow > 0 {
		plain = a.flowPlain
	}
	multiline := at.key && strings.ContainsAny(s, "\n\u0085\u2028\u2029")
	switch {
	case yamlIsText(s) && plain && !multiline:
		w.plain(s, at)
	case a.single && !multiline:
		w.single(s, !at.key)
	default:
		w.double(s, !at.key)
	}
}

// plain writes a scalar without quotes; a line that is too long ends at a blank.
func (w *yamlWriter) plain(s string, at place) {
	if s == "" {
		return
	}
	if !w.spaced && w.b.Len() > 0 {
		w.text(" ")
	}
	w.spaced, w.begin = false, false
	w.words(s, !at.key)
}

// words writes words and the blanks between them.
func (w *yamlWriter) words(s string, split bool) {
	for s != "" {
		n := strings.IndexByte(s, ' ')
		if n < 0 {
			w.text(s)
			return
		}
		w.text(s[:n])
		rest := strings.TrimLeft(s[n:], " ")
		if blanks := len(s) - n - len(rest); blanks == 1 && w.column > w.width && split {
			w.startLine()
			w.spaced, w.begin = false, false
		} else {
			w.text(strings.Repeat(" ", blanks))
		}
		s = rest
	}
}
