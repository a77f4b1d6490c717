package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// How files of Ansible's users are read: as PyYAML and Ansible read them, also
// where the cloud's own inventory is refused.

// lenientRoot parses a file of variables or an inventory: JSON or else YAML. The
// node is nil when the file is empty; ok is false after complaining.
func (d *document) lenientRoot(data []byte) (node *yaml.Node, ok bool) {
	data, ok = d.text(data)
	if !ok {
		return nil, false
	}
	if d.json = json.Valid(data); d.json {
		data = untabbed(data)
	} else if line := tabbedLine(data, false); line > 0 {
		d.complainTab(line)
		return nil, false
	}
	node, err := decodeOne(data)
	var problem documentError
	if errors.As(err, &problem) && problem.empty {
		return nil, true
	}
	if err != nil {
		d.complain(err)
	}
	return node, err == nil
}

// untabbed indents JSON with spaces, for YAML has no tabs there.
func untabbed(data []byte) []byte {
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		bare := bytes.TrimLeft(line, " \t")
		lines[i] = append(bytes.Repeat([]byte(" "), len(line)-len(bare)), bare...)
	}
	return bytes.Join(lines, []byte("\n"))
}

// scalar reads a scalar node.
func (d *document) scalar(n *yaml.Node) (any, error) {
	if !d.lenient {
		return scalar(n)
	}
	v, err := d.lenientScalar(n)
	if word, ok := v.(string); ok && d.unsafe {
		return Unsafe(word), err
	}
	return v, err
}

func (d *document) lenientScalar(n *yaml.Node) (any, error) {
	switch tagged := n.Style&yaml.TaggedStyle != 0; {
	case tagged && (n.Tag == "!vault" || n.Tag == "!vault-encrypted"):
		return newSealed(n.Value, d.at(n), d.decrypt)
	case tagged && n.Tag == "!unsafe":
		return Unsafe(n.Value), nil
	case tagged || !isPlain(n):
		return scalar(n)
	case d.json:
		return jsonScalar(n.Value)
	}
	return resolveLenient(n.Value)
}

// isUnsafe says whether a list or mapping is tagged as holding no templates.
func (d *document) isUnsafe(n *yaml.Node) bool { return d.lenient && n.Tag == "!unsafe" }

// enterUnsafe begins a list or mapping and gives what ends it.
func (d *document) enterUnsafe(n *yaml.Node) func() {
	before := d.unsafe
	d.unsafe = before || d.isUnsafe(n)
	return func() { d.unsafe = before }
}

// jsonScalar reads what JSON has without quotes.
func jsonScalar(s string) (any, error) {
	switch s {
	case "null":
		return nil, nil
	case "true", "false":
		return s == "true", nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !strings.ContainsAny(s, ".eE") {
		return nil, fmt.Errorf("%s is not a number of 64 bits; put it in quotes", shown(s))
	}
	return f, nil
}

// Plain reads a scalar without quotes as PyYAML does, for which 1e3 is a word.
func Plain(s string) (any, error) { return resolveLenient(s) }

// resolveLenient reads a plain scalar as PyYAML does. What is left to refuse are
// values that are no plain data: moments in time, infinities, numbers beyond 64
// bits.
func resolveLenient(s string) (any, error) {
	r := resolvePlain(s)
	if r.kind != scalarTrap {
		return r.value, nil
	}
	switch {
	case sexagesimal.MatchString(s):
		return baseSixty(s)
	case newNumberExpr.MatchString(s):
		return s, nil
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.Format(time.DateOnly), nil
	}
	return nil, fmt.Errorf("%s; put it in quotes", r.trap)
}

// baseSixty reads 1:30 as ninety. Without a leading digit from 1 the word is none
// of these numbers.
func baseSixty(s string) (any, error) {
	digits, negative := strings.CutPrefix(strings.TrimPrefix(s, "+"), "-")
	if strings.Contains(s, ".") {
		return nil, fmt.Errorf("without quotes Ansible reads %s as a number to the base of 60; put it in quotes", shown(s))
	}
	if digits[0] == '0' {
		return s, nil
	}
	var n int64
	for _, part := range strings.Split(strings.ReplaceAll(digits, "_", ""), ":") {
		p, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n > (1<<62)/60 || p > 1<<62 {
			return nil, fmt.Errorf("%s is not a number of 64 bits; put it in quotes", shown(s))
		}
		n = n*60 + p
	}
	if negative {
		n = -n
	}
	return n, nil
}

// keyWord is a key as JSON has it: always a word.
func keyWord(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Unsafe:
		return string(v), true
	case nil:
		return "null", true
	case bool, int64:
		return fmt.Sprint(v), true
	case float64:
		return floatWord(v), true
	}
	return "", false
}

// floatWord writes a fraction as Python does.
func floatWord(f float64) string {
	word := strconv.FormatFloat(f, 'g', -1, 64)
	if exponent := strings.IndexByte(word, 'e'); exponent >= 0 || strings.Contains(word, ".") {
		return word
	}
	return word + ".0"
}
