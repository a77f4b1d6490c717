package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"eucactl/jinja"
)

// dataFilters turn values into text and back, and choose between values.
func dataFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"bool":          do(toBool),
		"from_json":     do(fromJSON),
		"from_yaml":     do(fromYAML),
		"from_yaml_all": do(fromYAMLAll),
		"mandatory":     jinja.LazyF("msg", mandatory),
		"ternary":       jinja.LazyF("true_val false_val none_val", ternary),
		"to_json":       jinja.F("indent sort_keys ensure_ascii separators vault_to_text preprocess_unsafe", toJSON),
		"to_nice_json":  jinja.F("indent sort_keys ensure_ascii separators vault_to_text preprocess_unsafe", toNiceJSON),
		"to_yaml":       jinja.F("default_flow_style indent sort_keys width explicit_start explicit_end", func(c *jinja.Call) (any, error) { return toYAML(c, false) }),
		"to_nice_yaml":  jinja.F("indent sort_keys width explicit_start explicit_end default_flow_style", func(c *jinja.Call) (any, error) { return toYAML(c, true) }),
		"tojson":        jinja.F("indent", htmlJSON),
		"type_debug":    jinja.LazyF("", func(c *jinja.Call) (any, error) { return jinja.Kind(c.In), nil }),
	}
}

// toBool is true for what Ansible's users write for it, and false for the rest.
func toBool(c *jinja.Call) (any, error) {
	switch v := c.In.(type) {
	case nil, bool:
		return v, nil
	case int64:
		return v == 1, nil
	case float64:
		return v == 1, nil
	case string:
		return slices.Contains([]string{"yes", "on", "1", "true"}, strings.ToLower(v)), nil
	}
	return false, nil
}

func mandatory(c *jinja.Call) (any, error) {
	err, broken := c.In.(error)
	if !broken {
		return c.In, nil
	}
	if msg, ok := c.Arg(0, nil).(string); ok {
		return nil, fmt.Errorf("%s", msg)
	}
	return nil, err
}

func ternary(c *jinja.Call) (any, error) {
	if err, broken := c.In.(error); broken {
		return nil, err
	}
	switch {
	case !c.Has(0) || !c.Has(1):
		return nil, errors.New("it takes two or three values")
	case c.In == nil && c.Arg(2, nil) != nil:
		return c.Args[2], nil
	case jinja.Truth(c.In):
		return c.Args[0], nil
	}
	return c.Args[1], nil
}

// jsonWriter writes JSON as Python's json.dumps does.
type jsonWriter struct {
	c          *jinja.Call
	b          strings.Builder
	indent     string
	pretty     bool
	sorted     bool
	ascii      bool
	item, pair string // what stands behind an item and behind a key
}

func toJSON(c *jinja.Call) (any, error) {
	w := &jsonWriter{c: c, sorted: c.Bool(1, false), ascii: c.Bool(2, true), item: ", ", pair: ": "}
	if c.Arg(0, nil) != nil {
		w.pretty = true
		w.item = ","
		w.indent = indentOf(c, 0)
	}
	return w.text(3)
}

func toNiceJSON(c *jinja.Call) (any, error) {
	w := &jsonWriter{c: c, sorted: c.Bool(1, true), ascii: c.Bool(2, true), item: ",", pair: ": ", pretty: true, indent: "    "}
	if c.Has(0) {
		w.indent = indentOf(c, 0)
	}
	return w.text(3)
}

// htmlJSON is Jinja2's own JSON, which can stand in HTML.
func htmlJSON(c *jinja.Call) (any, error) {
	w := &jsonWriter{c: c, sorted: true, ascii: true, item: ", ", pair: ": "}
	if c.Arg(0, nil) != nil {
		w.pretty, w.item, w.indent = true, ",", indentOf(c, 0)
	}
	v, err := w.text(len(c.Args))
	if err != nil {
		return nil, err
	}
	return strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(v.(string)), nil
}

// indentOf is an indentation: a text, or a number of blanks.
func indentOf(c *jinja.Call, i int) string {
	if s, ok := c.Arg(i, nil).(string); ok {
		return s
	}
	return strings.Repeat(" ", max(0, min(c.Int(i, 0), 100)))
}

// text writes the input; separators is the parameter that may change them.
func (w *jsonWriter) text(separators int) (any, error) {
	if w.c.Arg(separators, nil) != nil {
		list := w.c.List(separators)
		if len(list) != 2 {
			return nil, errors.New("separators are two texts")
		}
		w.item, w.pair = jinja.Str(list[0]), jinja.Str(list[1])
	}
	if err := w.value(w.c.In, "\n"); err != nil {
		return nil, err
	}
	return w.b.String(), nil
}

func (w *jsonWriter) value(v any, newline string) error {
	if err := w.c.Spend(1); err != nil {
		return err
	}
	if err := w.c.SpendText(w.b.Len() / 1024); err != nil {
		return err
	}
	switch v := jinja.Norm(v).(type) {
	case nil:
		w.b.WriteString("null")
	case bool:
		fmt.Fprint(&w.b, v)
	case int64:
		fmt.Fprint(&w.b, v)
	case float64:
		w.b.WriteString(jsonFloat(v))
	case string:
		w.string(v)
	case []any:
		return w.list(v, newline)
	case jinja.Tuple:
		return w.list(v, newline)
	case map[string]any, *jinja.Dict:
		return w.dict(v, newline)
	case error:
		return v
	case datetime:
		w.string(v.iso())
	default:
		return fmt.Errorf("%s cannot be written in JSON", describe(v))
	}
	return nil
}

func jsonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return jinja.FloatText(f)
}

func (w *jsonWriter) list(v []any, newline string) error {
	return w.group("[", "]", len(v), newline, func(i int, inner string) error { return w.value(v[i], inner) })
}

func (w *jsonWriter) dict(v any, newline string) error {
	keys, _ := jinja.Keys(v)
	if w.sorted {
		keys = sortedKeys(keys)
	}
	return w.group("{", "}", len(keys), newline, func(i int, inner string) error {
		w.string(jsonKey(keys[i]))
		w.b.WriteString(w.pair)
		item, _ := jinja.Entry(v, keys[i])
		return w.value(item, inner)
	})
}

// group writes n items between brackets, each on its own line if that is asked for.
func (w *jsonWriter) group(begin, end string, n int, newline string, item func(i int, inner string) error) error {
	w.b.WriteString(begin)
	inner := newline + w.indent
	for i := range n {
		if i > 0 {
			w.b.WriteString(w.item)
		}
		if w.pretty {
			w.b.WriteString(inner)
		}
		if err := item(i, inner); err != nil {
			return err
		}
	}
	if w.pretty && n > 0 {
		w.b.WriteString(newline)
	}
	w.b.WriteString(end)
	return nil
}

func jsonKey(key any) string {
	switch key := key.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(key)
	default:
		return jinja.Str(key)
	}
}

func sortedKeys(keys []any) []any {
	out := slices.Clone(keys)
	slices.SortStableFunc(out, func(a, b any) int {
		x, isInt := a.(int64)
		y, isInt2 := b.(int64)
		if isInt && isInt2 {
			return int(max(min(x-y, 1), -1))
		}
		return strings.Compare(jinja.Str(a), jinja.Str(b))
	})
	return out
}

// sortable tells whether Python can sort keys: text does not compare with the rest.
// PyYAML leaves those that it cannot in their order.
func sortable(keys []any) bool {
	texts := 0
	for _, key := range keys {
		if _, text := key.(string); text {
			texts++
		}
	}
	return texts == 0 || texts == len(keys)
}

func (w *jsonWriter) string(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case r == '\n':
			w.b.WriteString(`\n`)
		case r == '\r':
			w.b.WriteString(`\r`)
		case r == '\t':
			w.b.WriteString(`\t`)
		case r == '\b':
			w.b.WriteString(`\b`)
		case r == '\f':
			w.b.WriteString(`\f`)
		case r < ' ' || r == 0x7f && w.ascii || r > '~' && w.ascii && r < 0x10000:
			if r == 0x7f {
				w.b.WriteRune(r)
				continue
			}
			fmt.Fprintf(&w.b, `\u%04x`, r)
		case r >= 0x10000 && w.ascii:
			r -= 0x10000
			fmt.Fprintf(&w.b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}

// maxNesting bounds how deep data is nested that is read from text.
const maxNesting = 200

func fromJSON(c *jinja.Call) (any, error) {
	if _, ok := c.In.(string); !ok {
		return nil, fmt.Errorf("%s is not a text", describe(c.In))
	}
	d := json.NewDecoder(strings.NewReader(c.InText()))
	d.UseNumber()
	v, err := readJSON(c, d, 0)
	if err != nil {
		return nil, fmt.Errorf("malformed JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("malformed JSON: something follows the value")
	}
	return v, nil
}

func readJSON(c *jinja.Call, d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("nested more than %d deep", maxNesting)
	}
	if err := c.Spend(1); err != nil {
		return nil, err
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		return jsonNumber(t), nil
	case json.Delim:
		if t == '[' {
			return readJSONList(c, d, depth)
		}
		return readJSONDict(c, d, depth)
	}
	return t, nil
}

// jsonNumber makes int64 or float64 of JSON's numbers.
func jsonNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64()
	return f
}

func readJSONList(c *jinja.Call, d *json.Decoder, depth int) (any, error) {
	out := []any{}
	for d.More() {
		v, err := readJSON(c, d, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.Token()
	return out, err
}

func readJSONDict(c *jinja.Call, d *json.Decoder, depth int) (any, error) {
	out := jinja.NewDict()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := readJSON(c, d, depth+1)
		if err != nil {
			return nil, err
		}
		if err := out.Set(key, v); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return out, err
}
